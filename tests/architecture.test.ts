import { readdirSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What each room of core may import besides itself. docs/architecture.md draws the same. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  version: [],
  tensor: ["errors"],
  random: ["errors"],
  image: ["errors", "tensor"],
  recipe: ["errors", "image"],
  graph: ["errors", "tensor"],
  backend: ["errors", "tensor", "graph"],
  guidance: ["errors", "tensor"],
  sampling: ["errors", "tensor", "guidance"],
  model: ["errors", "tensor", "graph", "backend"],
  text: ["errors", "tensor", "backend", "model"],
  latents: ["errors", "tensor", "backend", "model", "image"],
  control: ["errors", "tensor", "image", "graph", "backend", "guidance", "model"],
  painting: ["errors", "tensor", "image", "sampling"],
  pipeline: [
    "errors",
    "tensor",
    "random",
    "image",
    "recipe",
    "graph",
    "backend",
    "guidance",
    "sampling",
    "model",
    "text",
    "latents",
    "painting",
    "control",
    "version",
  ],
};

/** What each package's product code may import from outside itself. */
const packages: Readonly<Record<string, readonly RegExp[]>> = {
  core: [/^fast-png$/, /^fflate$/, /^ndarray$/],
  schedulers: [/^@underpaint\/core$/],
  controlnet: [/^@underpaint\/core$/, /^culori$/],
  testing: [/^@underpaint\/core$/],
  node: [
    /^@underpaint\/(core|controlnet|schedulers)$/,
    /^onnxruntime-node$/,
    /^@huggingface\/hub$/,
    /^node:/,
  ],
  web: [
    /^@underpaint\/(core|controlnet|schedulers|starter)$/,
    /^onnxruntime-web(\/|$)/,
    /^hash-wasm$/,
  ],
};

/** Imports that only one file may have. */
const homes: Readonly<Record<string, string>> = {
  ndarray: "packages/core/src/tensor/ndarray-view.ts",
  "fast-png": "packages/core/src/image/png.ts",
  fflate: "packages/core/src/image/inflate.ts",
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

/** The imports and re-exports of a source text. */
function importsOf(file: string, source: string): Import[] {
  const statement =
    /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?["']([^"']+)["']|(?<!typeof\s)\bimport\(\s*["']([^"']+)["']\s*\)/g;
  return [...source.matchAll(statement)].map((match) => ({
    file,
    target: match[2] ?? match[3] ?? "",
    typeOnly: match[1] !== undefined,
  }));
}

function roomOf(file: string): string {
  return file.replace("packages/core/src/", "").split("/")[0]!.replace(/\.ts$/, "");
}

/** What a package must not ask: web knows browsers, node knows Node, and the others neither. */
function platforms(name: string): RegExp {
  if (name === "node") return /(?!)/;
  return name === "web"
    ? /\b(process|Buffer|require)\s*[.([]/
    : /\b(process|Buffer|window|document|require|navigator|self)\s*[.([]/;
}

/** What breaks the rules of the house, one line each. */
function violations(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [file, source] of files) {
    const name = file.split("/")[1]!;
    for (const { target, typeOnly } of importsOf(file, source)) {
      if (target.startsWith(".")) {
        const resolved = posix.join(dirname(file), target);
        if (!resolved.startsWith(`packages/${name}/`)) {
          found.push(`${file} reaches into another package: ${target}`);
        } else if (name === "core" && roomOf(file) !== "index") {
          const [from, to] = [roomOf(file), roomOf(resolved.replace(/\.js$/, ".ts"))];
          if (from !== to && !(rooms[from] ?? []).includes(to)) {
            found.push(`${file}: room ${from} must not import room ${to}`);
          }
        }
        continue;
      }
      const typesAllowed = typeOnly && target === "onnxruntime-common";
      if (!typesAllowed && !packages[name]?.some((allowed) => allowed.test(target))) {
        found.push(`${file} must not import ${target}`);
      }
      if (homes[target] && homes[target] !== file) {
        found.push(`${file}: only ${homes[target]} imports ${target}`);
      }
    }
    const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    const evaluated = /\beval\s*\(|new\s+Function\b/.exec(code);
    if (evaluated) found.push(`${file} evaluates code: ${evaluated[0]}`);
    const platform = platforms(name).exec(code);
    if (platform) found.push(`${file} asks where it runs: ${platform[1]}`);
  }
  return found;
}

function sourcesOf(packageName: string): [string, string][] {
  const folder = `packages/${packageName}/src`;
  return readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".ts") && !/\.test\.ts$|\/fakes?\//.test(file))
    .map((file) => [file, readFileSync(`${root}/${file}`, "utf8")]);
}

describe("architecture", () => {
  const sources = new Map(Object.keys(packages).flatMap(sourcesOf));

  it("keeps rooms and packages apart", () => {
    expect(sources.size).toBeGreaterThan(30);
    expect(violations(sources)).toEqual([]);
  });

  it("knows every room", () => {
    const inCore = [...sources.keys()].filter((file) => file.startsWith("packages/core/"));
    const seen = new Set(inCore.map(roomOf).filter((room) => room !== "index"));
    expect([...seen].sort()).toEqual(Object.keys(rooms).sort());
  });

  it.each([
    ["packages/core/src/tensor/x.ts", 'import { a } from "../pipeline/a.js";', "room tensor"],
    ["packages/core/src/tensor/x.ts", 'import n from "ndarray";', "only packages/core"],
    ["packages/core/src/model/x.ts", 'import fs from "node:fs";', "must not import node:fs"],
    ["packages/core/src/model/x.ts", 'import { Tensor } from "onnxruntime-common";', "must not"],
    ["packages/core/src/model/x.ts", 'const a = await import("zod");', "must not import zod"],
    ["packages/schedulers/src/x.ts", 'export * from "../../core/src/index.js";', "another package"],
    ["packages/core/src/model/x.ts", "const home = process.env.HOME;", "asks where it runs"],
    ["packages/core/src/model/x.ts", "const gpu = navigator.gpu;", "asks where it runs"],
    ["packages/web/src/x.ts", "const bytes = Buffer.from([]);", "asks where it runs"],
    ["packages/core/src/model/x.ts", 'const f = new Function("a", "return a");', "evaluates code"],
  ])("sees a breach in %s", (file, source, message) => {
    const found = violations(new Map([[file, source]]));
    expect(found.join()).toContain(message);
  });
});
