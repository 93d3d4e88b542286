import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { starterFiles, starterIndex } from "../scripts/starter-files.mjs";

const index = fileURLToPath(new URL("../packages/starter/index.js", import.meta.url));

it("lists every file of the embedded model (else: node scripts/starter-files.mjs)", () => {
  expect(starterFiles()).toContain("unet/model.onnx");
  expect(readFileSync(index, "utf8")).toBe(starterIndex());
});
