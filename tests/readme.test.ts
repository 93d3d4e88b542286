import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

it("shows code that runs", () => {
  const code = /```js\n([\s\S]*?)```/.exec(readme)?.[1];
  // In the repository, so that the built packages are found.
  const folder = mkdtempSync(join(root, "node_modules/.readme-"));
  try {
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", code ?? ""], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(output).toContain("20/20");
    expect(readdirSync(folder).sort()).toEqual(["apple.png", "green-apple.png"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("links to what is there", () => {
  const targets = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target!);
  const local = targets.filter((target) => !/^https?:/.test(target));
  expect(local.length).toBeGreaterThan(8);
  expect(local.filter((target) => !existsSync(join(root, target)))).toEqual([]);
});
