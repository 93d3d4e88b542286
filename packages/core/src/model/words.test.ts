import { describe, expect, it } from "vitest";
import { memorySource } from "./fakes/sources.js";
import { readKnownWords } from "./words.js";

const words = (text: string) => readKnownWords(memorySource({ "words.json": text }));

describe("readKnownWords", () => {
  it("tells prompts with a known word from those with none", async () => {
    const known = await words('["apple", "piece of cake", "bus"]');
    expect(known?.list).toEqual(["apple", "piece of cake", "bus"]);
    expect(known?.knowsAnyOf("two red APPLES")).toBe(true);
    expect(known?.knowsAnyOf("a cake")).toBe(true);
    expect(known?.knowsAnyOf("bus")).toBe(true);
    expect(known?.knowsAnyOf("pineapple")).toBe(false);
    expect(known?.knowsAnyOf("a zeppelin of glass")).toBe(false);
    expect(known?.knowsAnyOf("")).toBe(true);
  });

  it("knows nothing of models without a list", async () => {
    expect(await readKnownWords(memorySource({}))).toBeUndefined();
  });

  it.each(["{", "{}", "[1]", "null"])("refuses %s", async (text) => {
    await expect(words(text)).rejects.toThrow(/words\.json is no list of words/);
  });
});
