import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { folderSource } from "@underpaint/node";
import { modelSourceChecks } from "@underpaint/testing";
import { afterAll, describe, it } from "vitest";

const folder = await mkdtemp(join(tmpdir(), "model-"));
afterAll(() => rm(folder, { recursive: true }));

describe("a folder", () => {
  const checks = modelSourceChecks(
    async (files) => {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
      }
      return folderSource(folder);
    },
    { readFile },
  );
  for (const check of checks) it(check.name, check.run);
});
