import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

const programs = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!);

/** Runs a program of the README, and returns what it prints and the files that it makes. */
function run(code: string): { output: string; files: string[] } {
  // In the repository, so that the built packages are found.
  const folder = mkdtempSync(join(root, "node_modules/.readme-"));
  try {
    copyFileSync(join(root, "examples/colour-my-lines/drawing.png"), join(folder, "fish.png"));
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", code], {
      cwd: folder,
      encoding: "utf8",
    });
    return { output, files: readdirSync(folder).sort() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it("shows code that runs", () => {
  expect(programs).toHaveLength(2);
  const { output, files } = run(programs[0]!);
  expect(output).toContain("20/20");
  expect(files).toEqual(["apple.png", "fish.png", "green-apple.png"]);
});

it("shows how drawn lines lead", () => {
  expect(run(programs[1]!).files).toEqual(["blue-fish.png", "fish.png"]);
});

it("links to what is there", () => {
  const targets = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!);
  const local = targets.filter((target) => !/^https?:/.test(target));
  expect(local.length).toBeGreaterThan(8);
  expect(local.filter((target) => !existsSync(join(root, target)))).toEqual([]);
});
