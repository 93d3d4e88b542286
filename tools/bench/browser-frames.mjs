// Measures how free a page stays while it makes pictures, on its own thread and in a worker: the
// frames that it shows, the longest gap between two, and the longest task of its thread; beside
// them the time in graphs and outside.
//
//   node tools/bench/browser-frames.mjs [--devices wasm,webgpu] [--steps N] [--rounds N] [--isolated]
//
// Measures the built packages, in Chromium, headless. Rounds are interleaved with a page that does
// nothing: what it misses, other work on the machine has taken. What is told are medians.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values } = parseArgs({
  options: {
    devices: { type: "string", default: "wasm" },
    steps: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    isolated: { type: "boolean", default: false },
    chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
  },
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const folders = {
  "/web/": join(root, "packages/web/dist/standalone"),
  "/ort/": join(root, "packages/web/node_modules/onnxruntime-web/dist"),
  "/starter/": join(root, "packages/starter/model"),
};
const types = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
if (!existsSync(folders["/web/"])) throw new Error("the packages are not built: npm run build");

const server = createServer((request, response) => {
  if (values.isolated) {
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
  }
  const path = normalize(decodeURIComponent(request.url.split("?")[0]));
  const start = Object.keys(folders).find((prefix) => path.startsWith(prefix));
  const file = start && join(folders[start], path.slice(start.length));
  if (file && existsSync(file) && statSync(file).isFile()) {
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    response.setHeader("content-length", statSync(file).size);
    if (request.method === "HEAD") response.end();
    else createReadStream(file).pipe(response);
  } else {
    response.statusCode = path === "/" ? 200 : 404;
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>bench</title>");
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

/** Runs in the page. */
async function measure([device, place, steps, milliseconds]) {
  const { createPipeline } = await import("/web/index.js");
  const pipeline =
    place === "idle"
      ? undefined
      : await createPipeline({
          device,
          worker: place === "worker",
          runtime: { wasmPaths: "/ort/" },
          starter: "/starter/",
        });
  const request = { prompt: "a red apple", seed: 7, steps };
  // Graphs are loaded and compiled before it counts.
  await pipeline?.generate({ ...request, steps: 1 });

  const gaps = [];
  let last = performance.now();
  let watching = true;
  const onFrame = (now) => {
    gaps.push(now - last);
    last = now;
    if (watching) requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
  const tasks = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tasks.push(duration);
  });
  observer.observe({ entryTypes: ["longtask"] });

  const begin = performance.now();
  const timings = pipeline
    ? (await pipeline.generate(request)).timings
    : await new Promise((resolve) => setTimeout(resolve, milliseconds));
  const total = performance.now() - begin;
  // A task is told of after it has ended.
  await new Promise((resolve) => setTimeout(resolve, 200));
  watching = false;
  observer.disconnect();
  await pipeline?.dispose();
  const outside = timings?.outside ?? 0;
  return {
    total,
    graphs: timings ? timings.total - outside - timings.load : 0,
    outside,
    frames: (gaps.length - 1) / ((total + 200) / 1000),
    gap: Math.max(...gaps.slice(1), 0),
    task: Math.max(...tasks, 0),
    tasks: tasks.length,
  };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const browser = await chromium.launch({
  executablePath: values.chromium,
  args: ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
});
try {
  const rows = new Map();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const device of values.devices.split(",")) {
      let milliseconds = 3000;
      for (const place of ["page", "worker", "idle"]) {
        const page = await browser.newPage();
        await page.goto(`http://localhost:${server.address().port}/`);
        const found = await page.evaluate(measure, [
          device,
          place,
          Number(values.steps),
          milliseconds,
        ]);
        await page.close();
        milliseconds = found.total;
        const name = place === "idle" ? `nothing (beside ${device})` : `${device}, ${place}`;
        rows.set(name, [...(rows.get(name) ?? []), found]);
      }
    }
  }
  const head = [
    "",
    "ms",
    "in graphs",
    "outside",
    "frames/s",
    "longest gap",
    "longest task",
    "tasks",
  ];
  console.log(`| ${head.join(" | ")} |\n|${head.map(() => "---").join("|")}|`);
  for (const [name, found] of rows) {
    const of = (key, digits = 0) => median(found.map((one) => one[key])).toFixed(digits);
    const cells = [name, of("total"), of("graphs"), of("outside", 1), of("frames", 1), of("gap")];
    console.log(`| ${[...cells, of("task"), of("tasks")].join(" | ")} |`);
  }
} finally {
  await browser.close();
  server.close();
}
