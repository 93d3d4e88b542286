import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createImage, isUnderpaintError, type Recipe } from "@underpaint/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadPng, loadRecipe, savePng } from "./png-file.js";

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "underpaint-png-"));
});

afterEach(() => rm(place, { recursive: true, force: true }));

const image = createImage(2, 1, Uint8Array.from([255, 0, 0, 255, 0, 0, 255, 255]));
const recipe: Recipe = {
  underpaint: 1,
  model: { id: "starter@0.1.0" },
  prompt: "a red apple",
  negativePrompt: "",
  width: 64,
  height: 64,
  steps: 2,
  guidance: { name: "classifier-free", options: { scale: 7.5, rescale: 0 } },
  scheduler: { name: "euler", options: {} },
  seed: 5,
  count: 1,
  versions: {},
};

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isUnderpaintError(error)) throw new Error(`no typed error: ${error}`);
  return error.code;
}

describe("savePng and loadPng", () => {
  test("say in words why a file cannot be read or written", async () => {
    await expect(loadPng(join(place, "none.png"))).rejects.toThrow("there is no such file");
    await expect(loadPng(place)).rejects.toThrow("it is a folder");
    await writeFile(join(place, "plain"), "");
    await expect(loadPng(join(place, "plain/a.png"))).rejects.toThrow(
      "a part of its path is no folder",
    );
  });

  test("write and read a picture and its recipe", async () => {
    const path = join(place, "new/folder/apple.png");
    expect(await savePng(path, image, { recipe })).toBe(path);
    expect(await loadPng(path)).toEqual(image);
    expect(await loadRecipe(path)).toEqual(recipe);
    const plain = await savePng(join(place, "plain.png"), image);
    expect(await loadRecipe(plain)).toBeUndefined();
    expect((await readdir(place)).sort()).toEqual(["new", "plain.png"]);
  });

  test("a file that is there stays whole when writing fails", async () => {
    const path = await savePng(join(place, "apple.png"), image);
    const before = await readFile(path);
    expect(await codeOf(savePng(path, { ...image, width: 3 }))).toBe("invalid-image");
    expect(await codeOf(savePng(join(path, "inside.png"), image))).toBe("invalid-request");
    expect(await readFile(path)).toEqual(before);
    expect(await readdir(place)).toEqual(["apple.png"]);
  });

  test("what is no picture is told", async () => {
    expect(await codeOf(loadPng(join(place, "none.png")))).toBe("invalid-image");
    expect(await codeOf(loadPng(place))).toBe("invalid-image");
    await writeFile(join(place, "text.png"), "hello");
    expect(await codeOf(loadPng(join(place, "text.png")))).toBe("invalid-image");
  });
});
