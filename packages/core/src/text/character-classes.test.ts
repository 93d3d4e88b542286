import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { characterClass, letter, number, other, space } from "./character-classes.js";

type Ranges = [first: number, last: number][];

it("is the reference's class for every code point", () => {
  const file = new URL("../../../../fixtures/tokens/classes.json", import.meta.url);
  const reference = JSON.parse(readFileSync(file, "utf8")) as Record<
    "letter" | "number" | "space",
    Ranges
  >;
  const expected = new Uint8Array(0x110000).fill(other);
  for (const [ranges, kind] of [
    [reference.letter, letter],
    [reference.number, number],
    [reference.space, space],
  ] as const) {
    for (const [first, last] of ranges) expected.fill(kind, first, last + 1);
  }
  const wrong: number[] = [];
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    if (characterClass(codePoint) !== expected[codePoint]) wrong.push(codePoint);
  }
  expect(wrong).toEqual([]);
});
