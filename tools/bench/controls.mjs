// Measures what two controls cost outside of their graphs: the time from the end of one step to the
// end of the next, and the runs of the graphs within it.
//
//   node tools/bench/controls.mjs --model FOLDER --control FOLDER [--control FOLDER] [options]
//
// Measures the built packages: run `npm run build` first. A model and a ControlNet of Stable
// Diffusion 1.5's size:
//
//   python tools/reference/sd15_random.py FOLDER --controlnet
//
// and then --model FOLDER --control FOLDER/controlnet. The graph that mixes what controls give counts
// as outside, since Underpaint made it.

import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { controlNet } from "../../packages/controlnet/dist/index.js";
import { createImage, createOrtBackend, createPipeline } from "../../packages/core/dist/index.js";
import { folderSource, graphFiles } from "../../packages/node/dist/index.js";
import { fromConfig } from "../../packages/schedulers/dist/index.js";

const require = createRequire(new URL("../../packages/node/package.json", import.meta.url));
const ort = require("onnxruntime-node");

const help = `node tools/bench/controls.mjs --model FOLDER --control FOLDER [options]

  --control FOLDER  a ControlNet; given once, it is loaded once and used twice
  --size N          width and height in pixels (512)
  --steps N         steps that are measured, after a first (3)
  --guidance N      guidance scale (7.5)
  --plain           without controls, for comparison
`;

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    control: { type: "string", multiple: true, default: [] },
    size: { type: "string", default: "512" },
    steps: { type: "string", default: "3" },
    guidance: { type: "string", default: "7.5" },
    plain: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help || !values.model || (values.control.length === 0 && !values.plain)) {
  process.stdout.write(help);
  process.exit(values.help ? 0 : 1);
}

/** Milliseconds in the runs of each graph, and the processor's own in them. */
const inside = new Map();
const backend = createOrtBackend({ ort, name: "onnxruntime-node/cpu" });
const timed = {
  name: backend.name,
  async createSession(model, options) {
    const session = await backend.createSession(model, options);
    return {
      ...session,
      async run(...given) {
        const [begin, before] = [performance.now(), process.cpuUsage()];
        try {
          return await session.run(...given);
        } finally {
          const { user, system } = process.cpuUsage(before);
          const sum = inside.get(options.label) ?? { wall: 0, cpu: 0 };
          sum.wall += performance.now() - begin;
          sum.cpu += (user + system) / 1000;
          inside.set(options.label, sum);
        }
      },
    };
  },
};

const size = Number(values.size);
const hint = (seed) => {
  const image = createImage(size, size);
  image.data.forEach((_, i) => {
    image.data[i] = i % 4 === 3 ? 255 : (Math.imul(i + seed, 2654435761) >>> 24) & 255;
  });
  return image;
};
const sources = await Promise.all(values.control.map((folder) => folderSource(folder)));
const controls = [0.8, 0.6].map((weight, k) =>
  controlNet({ model: sources[k] ?? sources[0], hint: hint(k), weight }),
);
const pipeline = await createPipeline({
  backend: timed,
  source: await folderSource(values.model),
  scheduler: fromConfig,
  graphFiles,
});
const steps = Number(values.steps) + 1;
const enough = new AbortController();
let begin;
try {
  await pipeline.generate({
    prompt: "a harbour at dawn",
    width: size,
    height: size,
    steps,
    guidanceScale: Number(values.guidance),
    seed: 1,
    ...(!values.plain && { controls }),
    signal: enough.signal,
    onStep({ step }) {
      const now = { wall: performance.now(), cpu: process.cpuUsage() };
      if (step === 1) {
        begin = now;
        inside.clear();
      }
      if (step < steps) return;
      tell(now);
      enough.abort();
    },
  });
} catch (error) {
  if (!enough.signal.aborted) throw error;
}
await pipeline.dispose();

function tell(end) {
  const wall = end.wall - begin.wall;
  const { user, system } = end.cpu;
  const cpu = (user + system - begin.cpu.user - begin.cpu.system) / 1000;
  const mixing = "the graph that mixes controls";
  const graphs = [...inside].filter(([label]) => label !== mixing);
  const sum = (key) => graphs.reduce((total, [, times]) => total + times[key], 0);
  const line = (name, times) =>
    `${name.padEnd(52)} ${(times.wall / (steps - 1)).toFixed(1).padStart(10)} ms ${(times.cpu / (steps - 1)).toFixed(1).padStart(10)} ms of the processors\n`;
  process.stdout.write(`a step of ${size} × ${size}:\n`);
  for (const [label, times] of inside) process.stdout.write(line(label, times));
  process.stdout.write(line("all", { wall, cpu }));
  const share = (whole, part) => `${((100 * (whole - part)) / whole).toFixed(2)} %`;
  process.stdout.write(
    `outside of the graphs: ${share(wall, sum("wall"))} of the time, ${share(cpu, sum("cpu"))} of the processors' time\n`,
  );
}
