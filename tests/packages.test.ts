import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// The packages as they would be published: packed, checked, and used as an application uses them.
// `npm test` builds them first.

const root = fileURLToPath(new URL("..", import.meta.url));
const names = ["core", "schedulers", "controlnet", "testing", "node", "web", "starter"];
const libraries = names.filter((name) => name !== "starter");
const folder = mkdtempSync(join(tmpdir(), "underpaint-packages-"));

function manifestOf(name: string) {
  return JSON.parse(readFileSync(`${root}/packages/${name}/package.json`, "utf8")) as {
    version: string;
    dependencies?: Record<string, string>;
  };
}

const tarball = (name: string): string =>
  join(folder, `underpaint-${name}-${manifestOf(name).version}.tgz`);

/** Runs a program in an application that has the packed packages installed. */
function inApplication(code: string, kind: "module" | "commonjs", flags: string[] = []): string {
  const args = [...flags, `--input-type=${kind}`, "--eval", code];
  return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
}

beforeAll(() => {
  for (const name of libraries) {
    if (!existsSync(`${root}/packages/${name}/dist/index.js`)) {
      throw new Error(`packages/${name} is not built: run npm test, or pnpm run build`);
    }
  }
  const filters = names.map((name) => `--filter=@underpaint/${name}`);
  execFileSync(
    "npx",
    ["--yes", "pnpm@10", ...filters, "-r", "pack", "--pack-destination", folder],
    {
      cwd: root,
      stdio: "ignore",
      shell: process.platform === "win32",
    },
  );
  for (const name of names) {
    const target = join(folder, "node_modules", "@underpaint", name);
    mkdirSync(target, { recursive: true });
    execFileSync("tar", ["-xzf", tarball(name), "-C", target, "--strip-components=1"]);
  }
  // What the packages depend on comes from the workspace, so that nothing is downloaded.
  for (const name of libraries) {
    for (const dependency of Object.keys(manifestOf(name).dependencies ?? {})) {
      const target = join(folder, "node_modules", dependency);
      if (dependency.startsWith("@underpaint/") || existsSync(target)) continue;
      mkdirSync(join(target, ".."), { recursive: true });
      symlinkSync(join(root, "packages", name, "node_modules", dependency), target);
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(names)("@underpaint/%s, packed", (name) => {
  it("passes publint", async () => {
    const data = readFileSync(tarball(name));
    const { messages, pkg } = await publint({
      pack: { tarball: new Uint8Array(data).buffer },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it("holds what it needs and nothing else", () => {
    const list = execFileSync("tar", ["-tzf", tarball(name)], { encoding: "utf8" });
    const files = list.trim().split("\n");
    const allowed = name === "starter" ? /^package\/(model\/|index\.)/ : /^package\/dist\//;
    const common = /^package\/(package\.json|LICENSE|README\.md)$/;
    expect(files.filter((file) => !allowed.test(file) && !common.test(file))).toEqual([]);
    expect(files).toContain("package/LICENSE");
  });
});

describe.each(libraries)("@underpaint/%s, packed", (name) => {
  it("has right types for ESM and CJS", async () => {
    const pack = createPackageFromTarballData(new Uint8Array(readFileSync(tarball(name))));
    const result = await checkPackage(pack);
    expect(result.types).toBeTruthy();
    expect("problems" in result ? result.problems : ["no types"]).toEqual([]);
  });

  it("is imported and required, with the same exports", () => {
    const list = "console.log(JSON.stringify(Object.keys(exported).sort()))";
    const esm = `const exported = await import("@underpaint/${name}"); ${list}`;
    const cjs = `const exported = require("@underpaint/${name}"); ${list}`;
    const exports = JSON.parse(inApplication(esm, "module")) as string[];
    expect(exports.length).toBeGreaterThan(0);
    expect(JSON.parse(inApplication(cjs, "commonjs"))).toEqual(exports);
  });
});

describe("an application", () => {
  const make = `
    const pipeline = await createPipeline({ device: "cpu" });
    const { images, seeds } = await pipeline.generate({ prompt: "red apple", seed: 7, steps: 2 });
    await pipeline.dispose();
    console.log(images[0].width, images[0].height, seeds[0]);
  `;

  it("makes a picture from ESM", () => {
    const code = `import { createPipeline } from "@underpaint/node"; ${make}`;
    expect(inApplication(code, "module")).toBe("128 128 7\n");
  });

  it("makes a picture from CJS, where code cannot be evaluated", () => {
    const code = `const { createPipeline } = require("@underpaint/node"); (async () => {${make}})();`;
    const strict = ["--disallow-code-generation-from-strings"];
    expect(inApplication(code, "commonjs", strict)).toBe("128 128 7\n");
  });

  it("runs the command", () => {
    const bin = join(folder, "node_modules/@underpaint/node/dist/cli.js");
    const output = join(folder, "apple.png");
    execFileSync(process.execPath, [bin, "red apple", "-o", output, "--steps", "2"], {
      stdio: "pipe",
    });
    expect([...readFileSync(output).subarray(1, 4)]).toEqual([...Buffer.from("PNG")]);
    expect(readdirSync(folder).filter((file) => file.endsWith(".tmp"))).toEqual([]);
  });
});
