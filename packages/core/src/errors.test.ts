import { describe, expect, it } from "vitest";
import { isAbortError, isUnderpaintError, nearest, UnderpaintError } from "./errors.js";

const messageFor = (value: unknown): string =>
  new UnderpaintError({ code: "invalid-request", what: "it is wrong", value }).message;

describe("UnderpaintError", () => {
  it("says what, which value, what is allowed and what to do in one sentence", () => {
    const error = new UnderpaintError({
      code: "invalid-request",
      what: "steps is not a whole number",
      value: 2.5,
      allowed: "1 to 1000",
      remedy: "leave it out for 20",
    });
    expect(error.message).toBe(
      "steps is not a whole number (found 2.5); allowed: 1 to 1000; leave it out for 20.",
    );
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("UnderpaintError");
    expect([error.code, error.value, error.allowed, error.remedy]).toEqual([
      "invalid-request",
      2.5,
      "1 to 1000",
      "leave it out for 20",
    ]);
  });

  it("leaves out what it is not told", () => {
    const error = new UnderpaintError({ code: "disposed", what: "the pipeline was disposed" });
    expect(error.message).toBe("the pipeline was disposed.");
    expect([error.value, error.allowed, error.remedy, error.cause]).toEqual(
      Array(4).fill(undefined),
    );
    expect("cause" in error).toBe(false);
  });

  it("keeps the error underneath", () => {
    const cause = new Error("the disk is full");
    expect(new UnderpaintError({ code: "model-invalid", what: "it failed", cause }).cause).toBe(
      cause,
    );
  });

  it.each([
    ["a\nb", String.raw`"a\nb"`],
    [12n, "12n"],
    [undefined, "undefined"],
    [null, "null"],
    [Number.NaN, "NaN"],
    [Symbol("x"), "Symbol(x)"],
    [() => 1, "a function"],
    [{ secret: 1 }, "an object"],
    [Object.create(null), "an object"],
    [new Date(0), "a Date"],
    [[1, "a", null], '[1, "a", null]'],
    [new Float32Array(3), "Float32Array of 12 bytes"],
  ])("shows %o", (value, shown) => {
    expect(messageFor(value)).toBe(`it is wrong (found ${shown}).`);
  });

  it("shows two levels of nested arrays, and of an array in itself", () => {
    expect(messageFor([[1], [2, [3]]])).toBe("it is wrong (found [[1], [2, an array]]).");
    const endless: unknown[] = [];
    endless.push(endless);
    expect(messageFor(endless)).toBe("it is wrong (found [[an array]]).");
  });

  it("shortens long values", () => {
    expect(messageFor("x".repeat(100_000)).length).toBeLessThan(110);
    expect(messageFor(Array(100_000).fill("word")).length).toBeLessThan(110);
    expect(messageFor("x".repeat(100_000))).toMatch(/x…\)\.$/);
  });
});

describe("isUnderpaintError", () => {
  const error = new UnderpaintError({ code: "invalid-image", what: "it is no PNG" });

  it("knows the error, and its code", () => {
    expect(isUnderpaintError(error)).toBe(true);
    expect(isUnderpaintError(error, "invalid-image")).toBe(true);
    expect(isUnderpaintError(error, "disposed")).toBe(false);
  });

  it("knows the error of another copy of the package", () => {
    const foreign = Object.assign(new Error("x"), {
      [Symbol.for("underpaint.error")]: true,
      code: "disposed",
    });
    expect(isUnderpaintError(foreign, "disposed")).toBe(true);
  });

  it.each([new Error("x"), { code: "disposed" }, "disposed", null, undefined, 1])(
    "is false for %o",
    (other) => {
      expect(isUnderpaintError(other)).toBe(false);
    },
  );
});

describe("isAbortError", () => {
  it("knows what an aborted signal throws", () => {
    expect(isAbortError(AbortSignal.abort().reason)).toBe(true);
    expect(isAbortError(new Error("x"))).toBe(false);
    expect(isAbortError(AbortSignal.abort("no reason").reason)).toBe(false);
    expect(isAbortError(null)).toBe(false);
  });
});

describe("nearest", () => {
  const known = ["prompt", "negativePrompt", "steps", "seed", "guidanceScale"];

  it.each([
    ["step", "steps"],
    ["Prompt", "prompt"],
    ["negative_prompt", "negativePrompt"],
    ["guidance_scale", "guidanceScale"],
    ["sede", "seed"],
  ])("takes %s for %s", (word, right) => {
    expect(nearest(word, known)).toBe(right);
  });

  it.each(["", "scheduler", "x".repeat(100_000)])("takes others for none", (word) => {
    expect(nearest(word, known)).toBeUndefined();
    expect(nearest(word, [])).toBeUndefined();
  });
});
