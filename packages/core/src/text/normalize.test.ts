import { describe, expect, it } from "vitest";
import { normalizeText } from "./normalize.js";

/** Small whole numbers, the same in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

describe("normalizeText", () => {
  it("composes long runs of combining marks as the engine does", () => {
    // Marks of classes 1, 7, 8, 9, 202, 216, 220, 230, 233 and 240, one that decomposes into two,
    // and one of class 0, which others do not pass.
    const marks = [
      ..."\u0334\u093c\u3099\u094d\u0327\u031b\u0323\u0316\u0301\u0308\u035c\u0345\u0344\u0903",
    ];
    const next = numbers(7);
    for (let round = 0; round < 300; round++) {
      const length = 60 + (next.next().value % 200);
      let text = ["", "a", "ω", "か", "क", "ệ"][round % 6]!;
      for (let i = 0; i < length; i++) text += marks[next.next().value % marks.length];
      expect(normalizeText(text).text).toBe(text.normalize("NFC"));
    }
  });

  it("lowers each character by itself", () => {
    expect(normalizeText("ΟΔΟΣ ΣΑΣ").text).toBe("οδοσ σασ");
    expect(normalizeText("ẞÄİI").text).toBe("ßäi\u0307i");
  });

  it("leads each unit back to where it came from", () => {
    const original = "x\u212b e\u0301! İ\u1112\u1161\u11ab 😀Z";
    const { text, starts, ends } = normalizeText(original);
    expect(text).toBe("xå é! i\u0307한 😀z");
    const from = [...text].map((character) => {
      const at = text.indexOf(character);
      return original.slice(starts![at], ends![at + character.length - 1]);
    });
    expect(from).toEqual([
      ..."x\u212b ",
      "e\u0301",
      ..."! İİ",
      "\u1112\u1161\u11ab",
      " ",
      "😀",
      "Z",
    ]);
  });

  it("has no alignment where each unit stands for itself", () => {
    expect(normalizeText("A naïve Ångström, 日本 👍🏽 नी")).toEqual({
      text: "a naïve ångström, 日本 👍🏽 नी",
    });
  });
});
