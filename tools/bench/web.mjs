// Measures pictures in a page of Chromium: the time in graphs and outside of them, and the longest
// time that the page cannot react, on wasm and WebGPU, on the page's thread and in a worker.
// docs/web.md explains the numbers.
//
//   node tools/bench/web.mjs [--devices wasm,webgpu] [--steps N] [--gpu-steps N] [--repeat N] [--chromium PATH]
//
// Measures the built packages: run `npm run build` first.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values } = parseArgs({
  options: {
    devices: { type: "string", default: "wasm,webgpu" },
    steps: { type: "string", default: "20" },
    "gpu-steps": { type: "string", default: "1" },
    repeat: { type: "string", default: "5" },
    chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
  },
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const folders = {
  "/web/": "packages/web/dist/standalone",
  "/ort/": "packages/web/node_modules/onnxruntime-web/dist",
  "/starter/": "packages/starter/model",
};
if (!existsSync(values.chromium)) throw new Error(`there is no Chromium at ${values.chromium}`);
if (!existsSync(join(root, folders["/web/"], "index.js"))) {
  throw new Error("the packages are not built; run npm run build first");
}
const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/** Pages are isolated from other origins, so that wasm has its threads. */
const server = createServer((request, response) => {
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-embedder-policy", "require-corp");
  const path = normalize(new URL(request.url, "http://localhost").pathname);
  const prefix = Object.keys(folders).find((start) => path.startsWith(start));
  const file = prefix && join(root, folders[prefix], path.slice(prefix.length));
  if (path === "/") {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>bench</title>");
  } else if (file && existsSync(file)) {
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    response.setHeader("content-length", statSync(file).size);
    if (request.method === "HEAD") response.end();
    else createReadStream(file).pipe(response);
  } else {
    response.statusCode = 404;
    response.end();
  }
});

/** Runs in the page. */
async function measure({ device, worker, steps, repeat }) {
  const { createPipeline } = await import("/web/index.js");
  const begin = performance.now();
  const pipeline = await createPipeline({
    device,
    worker,
    starter: "/starter/",
    runtime: { wasmPaths: "/ort/" },
  });
  await pipeline.load();
  const load = performance.now() - begin;
  const request = { prompt: "a red apple", seed: 7, steps };
  // Graphs are warm after a first picture: shaders are compiled with it.
  const first = (await pipeline.generate(request)).timings;
  const rows = [];
  for (let k = 0; k < repeat; k++) {
    let last = performance.now();
    let block = 0;
    const timer = setInterval(() => {
      block = Math.max(block, performance.now() - last);
      last = performance.now();
    }, 0);
    const start = performance.now();
    const { timings } = await pipeline.generate(request);
    block = Math.max(block, performance.now() - last);
    clearInterval(timer);
    const { textEncoder, network, vaeDecoder } = timings;
    const wall = performance.now() - start;
    rows.push({ textEncoder, network, vaeDecoder, wall, block });
  }
  await pipeline.dispose();
  return { load, first: first.total, rows };
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const ms = (value) => (value < 10 ? value.toFixed(1) : Math.round(value));

await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({
  executablePath: values.chromium,
  args: ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
});
try {
  console.log(
    "| | steps | load | first picture | text encoder | UNet | VAE decoder | in graphs | outside | outside / graphs | longest block |\n|---|---|---|---|---|---|---|---|---|---|---|",
  );
  for (const device of values.devices.split(",")) {
    for (const worker of [false, true]) {
      const page = await browser.newPage();
      await page.goto(`http://localhost:${server.address().port}/`);
      const onGpu = device === "webgpu";
      const steps = Number(onGpu ? values["gpu-steps"] : values.steps);
      const repeat = onGpu ? 1 : Number(values.repeat);
      const { load, first, rows } = await page.evaluate(measure, { device, worker, steps, repeat });
      const of = (name) => median(rows.map((row) => row[name]));
      const graphs = rows.map((row) => row.textEncoder + row.network + row.vaeDecoder);
      const outside = median(rows.map(({ wall }, k) => wall - graphs[k]));
      const ratio = ((100 * outside) / median(graphs)).toFixed(1);
      const cells = [load, first, of("textEncoder"), of("network"), of("vaeDecoder")];
      console.log(
        `| ${device}, ${worker ? "worker" : "page"} | ${steps} | ${[...cells, median(graphs), outside].map(ms).join(" | ")} | ${ratio} % | ${ms(of("block"))} |`,
      );
      await page.close();
    }
  }
} finally {
  await browser.close();
  server.close();
}
