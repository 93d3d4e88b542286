import { expect, test } from "vitest";
import { outputFiles } from "./outputs.js";

test("one picture has the name, several have numbers", () => {
  expect(outputFiles("a/b.png", 1)).toEqual(["a/b.png"]);
  expect(outputFiles("a/b.PNG", 2)).toEqual(["a/b-1.png", "a/b-2.png"]);
});

test("without a name nothing is overwritten", () => {
  const taken = new Set(["picture.png", "picture-2.png", "picture-3-2.png"]);
  const isTaken = (file: string) => taken.has(file);
  expect(outputFiles(undefined, 1, () => false)).toEqual(["picture.png"]);
  expect(outputFiles(undefined, 1, isTaken)).toEqual(["picture-3.png"]);
  expect(outputFiles(undefined, 2, isTaken)).toEqual(["picture-2-1.png", "picture-2-2.png"]);
});
