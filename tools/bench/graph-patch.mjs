// Measures what it costs to make a plain UNet export controllable: the time, and the memory beyond
// the file's own, against that of copying the file, which a patched copy would take.
//
//   node tools/bench/graph-patch.mjs GRAPH.onnx ... [--repeat N] [--load] [--json]
//
// Measures the built packages: run `npm run build` first. A graph of Stable Diffusion 1.5's size:
//
//   python tools/reference/sd15_random.py FOLDER --dtype float16
//
// has its weights beside it; onnx.save(onnx.load("FOLDER/unet/model.onnx"), "inside.onnx") puts them
// inside.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const self = fileURLToPath(import.meta.url);
const mebibyte = 1 << 20;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repeat: { type: "string", default: "5" },
      load: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      child: { type: "string" },
    },
  });
  if (values.child) return child(values.child, positionals[0]);
  if (!existsSync(new URL("../../packages/node/dist/index.js", import.meta.url))) {
    throw new Error("the packages are not built; run npm run build first");
  }
  if (positionals.length === 0) throw new Error("give the path of a graph");
  const results = positionals.map((path) => measured(resolve(path), values));
  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else for (const result of results) process.stdout.write(`${report(result)}\n`);
}

/** Each figure is of a process of its own; times are medians. */
function measured(path, { repeat, load }) {
  const runs = Array.from({ length: Number(repeat) }, () => inChild("edit", path));
  const median = (key) => runs.map((run) => run[key]).sort((a, b) => a - b)[runs.length >> 1];
  return {
    graph: path,
    fileBytes: statSync(path).size,
    outlineBytes: runs[0].outlineBytes,
    residuals: runs[0].residuals,
    firstMs: median("firstMs"),
    againMs: median("againMs"),
    memoryBytes: median("memoryBytes"),
    copyMs: copyMs(path),
    ...(load && { plain: inChild("load-plain", path), patched: inChild("load-patched", path) }),
  };
}

function inChild(mode, path) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [self, "--child", mode, path], {
    encoding: "utf8",
    maxBuffer: mebibyte,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

function copyMs(path) {
  const folder = mkdtempSync(join(tmpdir(), "underpaint-bench-"));
  try {
    const began = performance.now();
    copyFileSync(path, join(folder, "copy"));
    return performance.now() - began;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function child(mode, path) {
  const core = await import("../../packages/core/dist/index.js");
  const node = await import("../../packages/node/dist/index.js");
  let residuals = 0;
  const edit = (graph) => {
    const { edits, down } = core.makeControllable(graph);
    residuals = down.length + 1;
    return edits;
  };
  const edited = () => core.editModel({ path }, edit, { files: node.graphFiles });
  if (mode !== "edit") {
    const backend = await node.createNodeBackend({ device: "cpu" });
    const before = memory();
    const began = performance.now();
    const model = mode === "load-plain" ? { path } : await edited();
    const session = await backend.createSession(model);
    const loadMs = performance.now() - began;
    const { inputs } = session;
    const result = { loadMs, peakBytes: peak() - before, inputs: inputs.length };
    return void process.stdout.write(JSON.stringify(result));
  }
  const before = memory();
  const began = performance.now();
  const model = await edited();
  const firstMs = performance.now() - began;
  const memoryBytes = peak() - before;
  const again = performance.now();
  await edited();
  const againMs = performance.now() - again;
  const result = { firstMs, againMs, memoryBytes, outlineBytes: model.bytes.length, residuals };
  process.stdout.write(JSON.stringify(result));
}

function memory() {
  return process.memoryUsage().rss;
}

/** Since the process began, so never too little. */
function peak() {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const match = /VmHWM:\s+(\d+) kB/.exec(status);
  return match ? Number(match[1]) * 1024 : process.resourceUsage().maxRSS * 1024;
}

function report(result) {
  const { graph, fileBytes, outlineBytes, residuals, plain, patched } = result;
  const ms = (value) => `${value.toFixed(0)} ms`;
  const mb = (value) => `${(value / mebibyte).toFixed(1)} MiB`;
  return [
    `${join(dirname(graph).split("/").at(-1), graph.split("/").at(-1))}, ${mb(fileBytes)}: ${residuals} residual inputs, ${mb(outlineBytes)} without its weights`,
    `  read, edited and written in memory: ${ms(result.firstMs)} in a new process, ${ms(result.againMs)} again`,
    `  memory for it: ${mb(result.memoryBytes)}`,
    `  a copy of the file: ${ms(result.copyMs)} (${(result.copyMs / result.firstMs).toFixed(1)} times as long)`,
    ...(plain
      ? [
          `  loading the plain graph: ${ms(plain.loadMs)}, ${mb(plain.peakBytes)} at the peak`,
          `  loading the edited graph: ${ms(patched.loadMs)}, ${mb(patched.peakBytes)} at the peak, ${patched.inputs} inputs`,
        ]
      : []),
  ].join("\n");
}

await main();
