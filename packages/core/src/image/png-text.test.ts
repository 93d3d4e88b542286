import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/images/png-text.json" with { type: "json" };
import { isUnderpaintError } from "../errors.js";
import { createImage } from "./image.js";
import { encodePng } from "./png.js";
import { readChunks, writeChunk } from "./png-chunks.js";
import { readPngText } from "./png-text.js";

const picture = createImage(2, 2, new Uint8ClampedArray(16).fill(200));
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A PNG with one more chunk. */
function withChunk(type: string, data: Uint8Array): Uint8Array {
  const file = encodePng(picture);
  return Buffer.concat([file.subarray(0, 33), writeChunk(type, data), file.subarray(33)]);
}

describe("readPngText", () => {
  it.each(fixtures.cases)("reads what Pillow writes: $name", (fixture) => {
    const texts = readPngText(Uint8Array.from(Buffer.from(fixture.png, "base64")));
    expect([...texts]).toEqual(fixture.text);
  });

  it("keeps the first of two", () => {
    const first = withChunk("tEXt", bytesOf("a\0one"));
    const second = Buffer.concat([
      first.subarray(0, first.length - 12),
      writeChunk("tEXt", bytesOf("a\0two")),
      first.subarray(first.length - 12),
    ]);
    expect([...readPngText(second)]).toEqual([["a", "one"]]);
  });

  it("keeps keywords that mean something to JavaScript apart", () => {
    const text = { constructor: "1", toString: "2" };
    const texts = readPngText(encodePng(picture, { text }));
    expect([...texts]).toEqual([
      ["constructor", "1"],
      ["toString", "2"],
    ]);
    expect(texts.get("valueOf")).toBeUndefined();
    expect(readPngText(withChunk("tEXt", bytesOf("__proto__\0x"))).get("__proto__")).toBe("x");
  });

  it("reads a compressed text of any length up to the bound", () => {
    for (const length of [0, 1, 5000, 1_000_000]) {
      const packed = deflateSync(new Uint8Array(length).fill(97));
      const file = withChunk("zTXt", Uint8Array.of(107, 0, 0, ...packed));
      expect(readPngText(file).get("k")).toBe("a".repeat(length));
    }
  });

  it("counts all texts together", () => {
    const text = { a: "x".repeat(600), b: "y".repeat(600) };
    const file = encodePng(picture, { text });
    expect(readPngText(file, { maxBytes: 1200 }).size).toBe(2);
    expect(() => readPngText(file, { maxBytes: 1199 })).toThrow(/texts are too long/);
  });

  it.each<[string, string, Uint8Array]>([
    ["without a keyword", "tEXt", bytesOf("\0text")],
    ["whose keyword does not end", "tEXt", bytesOf("x".repeat(200))],
    ["in an unknown compression", "zTXt", Uint8Array.of(97, 0, 1, 1, 2, 3)],
    ["that ends after its keyword", "iTXt", bytesOf("a\0")],
    ["that lacks its language", "iTXt", bytesOf("a\0\0\0en")],
    ["whose compressed data is broken", "zTXt", Uint8Array.of(97, 0, 0, 1, 2, 3, 4, 5, 6, 7)],
    ["whose compressed data is missing", "zTXt", Uint8Array.of(97, 0, 0)],
  ])("refuses a text %s", (_, type, data) => {
    let caught: unknown;
    try {
      readPngText(withChunk(type, data));
    } catch (error) {
      caught = error;
    }
    expect(isUnderpaintError(caught, "invalid-image")).toBe(true);
  });
});

describe("encodePng's texts", () => {
  it.each([
    ["plain", "a cat"],
    ["lines", "a\r\nb\n"],
    ["Latin-1 with controls", "é\u0080\u009f\u0001"],
    ["scripts and emoji", "猫 \u{1f34e}\u{1f468}\u200d\u{1f373} שלום"],
    ["a byte order mark", "\ufeffx"],
    ["nothing", ""],
    ["100,000 characters", "ab ".repeat(33_333)],
  ])("come back: %s", (_, text) => {
    expect(readPngText(encodePng(picture, { text: { parameters: text } })).get("parameters")).toBe(
      text,
    );
  });

  it("are tEXt where Latin-1 can say them, iTXt otherwise, and before the pixels", () => {
    const file = encodePng(picture, { text: { a: "é", b: "猫" } });
    expect([...readChunks(file)].map(({ type }) => type)).toEqual([
      "IHDR",
      "tEXt",
      "iTXt",
      "IDAT",
      "IEND",
    ]);
  });

  it.each([[""], ["a".repeat(80)], [" a"], ["a "], ["a  b"], ["猫"], ["a\nb"], ["a\0b"]])(
    "refuse the keyword %j",
    (keyword) => {
      expect(() => encodePng(picture, { text: { [keyword]: "x" } })).toThrow(/keyword/);
    },
  );

  it("refuse NUL, which would end them", () => {
    expect(() => encodePng(picture, { text: { a: "x\0y" } })).toThrow(/without NUL/);
    expect(() => encodePng(picture, { text: { a: 3 as never } })).toThrow(/no string/);
  });
});
