// Measures what Underpaint adds to the time of a model's graphs, how much memory a process takes,
// and how long a process needs to its first picture. docs/benchmarks.md explains the numbers.
//
//   node tools/bench/bench.mjs [--model FOLDER] [--steps N] [--count N] [--json]
//
// Measures the built packages: run `npm run build` first.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { report } from "./report.mjs";
import { summary } from "./summary.mjs";

const help = `node tools/bench/bench.mjs [options]

  --model FOLDER    the model; the embedded starter when left out
  --steps N         steps of a request; the model's own when left out
  --count N         pictures of a request (1)
  --size N          width and height; the model's own when left out
  --scheduler NAME  the scheduler; the model's own when left out
  --device NAME     where graphs run (auto)
  --repeat N        requests that are measured, after a first (9)
  --seconds N       no further request is begun after so long (60)
  --starts N        processes that are started for the time to the first picture
                    (9; with --model 1)
  --json            everything that was measured, as JSON
`;

const session = fileURLToPath(new URL("session.mjs", import.meta.url));

async function main() {
  const { values } = parseArgs({
    options: {
      model: { type: "string" },
      steps: { type: "string" },
      count: { type: "string" },
      size: { type: "string" },
      scheduler: { type: "string" },
      device: { type: "string" },
      repeat: { type: "string" },
      seconds: { type: "string" },
      starts: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (!existsSync(new URL("../../packages/node/dist/index.js", import.meta.url))) {
    throw new Error("the packages are not built; run npm run build first");
  }
  const starts = whole(values, "starts") ?? (values.model === undefined ? 9 : 1);
  const folder = mkdtempSync(join(tmpdir(), "underpaint-bench-"));
  try {
    const settings = {
      // JSON leaves out what is undefined.
      model: values.model && existsSync(values.model) ? resolve(values.model) : values.model,
      steps: whole(values, "steps"),
      count: whole(values, "count"),
      size: whole(values, "size"),
      scheduler: values.scheduler,
      device: values.device,
      seconds: whole(values, "seconds") ?? 60,
      picture: join(folder, "picture.png"),
    };
    const repeat = whole(values, "repeat") ?? 9;
    const measured = [await run({ ...settings, repeat })];
    for (let k = 1; k < starts; k++) measured.push(await run({ ...settings, repeat: 0 }));
    const found = summary(measured, values.model === undefined);
    process.stdout.write(values.json ? `${JSON.stringify(found, undefined, 2)}\n` : report(found));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A whole number from 1, or undefined where the option was not given. */
function whole(values, name) {
  const text = values[name];
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Error(`--${name} is not a whole number from 1: ${text}`);
}

/** Runs session.mjs in a process of its own; adds when it was started, in milliseconds since 1970. */
async function run(settings) {
  const spawned = performance.timeOrigin + performance.now();
  const child = spawn(process.execPath, [session, JSON.stringify(settings)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => {
    text += part;
  });
  const exitCode = await new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", done);
  });
  if (exitCode !== 0) throw new Error(`the measured process failed (${exitCode})`);
  return { spawned, ...JSON.parse(text.trim().split("\n").at(-1)) };
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
