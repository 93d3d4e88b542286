import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { graphPhase, loadPhase, outside } from "./traced.mjs";

const outsidePhases = Object.values(outside);
const isGraph = (phase) => phase.startsWith(graphPhase(""));
const isLoad = (phase) => phase.startsWith(loadPhase(""));

/** A UNet of at least this many bytes is of Stable Diffusion 1.5's size: 1.7 GB in half precision. */
const largeUnetBytes = 1.5e9;

/**
 * What was measured, in numbers that say something: medians over requests and over processes.
 *
 * @param measured what session.mjs gave, the process with repeated requests first.
 * @param isStarter whether the model is the embedded one.
 */
export function summary(measured, isStarter) {
  const [{ requests, model, device, steps, count, width, height, scheduler, guidance, switchMs }] =
    measured;
  const phases = medians(requests.map((request) => request.phases));
  const sums = requests.map((request) => sumsOf(request.phases));
  const ratio = median(sums.map(({ inside, outside }) => outside.wall / inside.wall));
  const firsts = measured.map(firstPicture);
  const first = median(firsts.map(({ total }) => total.wall));
  const total = median(requests.map((request) => request.total));
  return {
    machine: machine(),
    model,
    request: { device, steps, count, width, height, scheduler, guidance },
    requests: {
      measured: requests.length,
      phases,
      inside: medianTime(sums.map(({ inside }) => inside)),
      outside: medianTime(sums.map(({ outside }) => outside)),
      total,
      ratio,
      cpuRatio: median(sums.map(({ inside, outside }) => outside.cpu / inside.cpu)),
      // Every phase is entered by a reading of two clocks.
      measuringMs: switchMs * Object.values(phases).reduce((sum, { times }) => sum + times, 0),
    },
    memory: {
      firstPictureBytes: median(measured.map(({ start }) => start.peakBytes)),
      peakBytes: measured[0].peakBytes,
    },
    start: {
      processes: firsts.length,
      total: medianTime(firsts.map(({ total }) => total)),
      least: Math.min(...firsts.map(({ total }) => total.wall)),
      ratio: median(firsts.map((one) => one.ratio)),
      phases: medians(firsts.map((one) => one.phases)),
    },
    goals: goals(),
  };

  function goals() {
    const share = (most) => ({
      goal: `outside of the graphs at most ${most * 100} % of the time in them`,
      found: `${(ratio * 100).toFixed(2)} %`,
      met: ratio <= most,
    });
    if (model.unetBytes >= largeUnetBytes) return [share(0.01)];
    if (!isStarter) return [];
    if (steps !== 20 || count !== 1) return [share(0.08)];
    return [
      share(0.08),
      {
        goal: "first picture within 2 s of the start of the process",
        found: `${(first / 1000).toFixed(2)} s`,
        met: first <= 2000,
      },
      {
        goal: "a further picture within 1 s on 2 cores",
        found: `${(total / 1000).toFixed(2)} s`,
        met: total <= 1000,
      },
    ];
  }
}

/** The phases of a first picture, from the start of the process to the file. */
function firstPicture({ spawned, start }) {
  const { origin, begin, written, phases, timings } = start;
  const grouped = {
    "Node itself": { wall: origin + begin.wall - spawned, cpu: begin.cpu },
  };
  const add = (name, { wall, cpu }) => {
    const sum = grouped[name] ?? { wall: 0, cpu: 0 };
    grouped[name] = { wall: sum.wall + wall, cpu: sum.cpu + cpu };
  };
  for (const [phase, time] of Object.entries(phases)) {
    const isStep = outsidePhases.includes(phase) && phase !== outside.prompts;
    add(isStep ? "outside of the graphs, but for prompts" : phase, time);
  }
  // Loading is neither in the graphs nor outside of them: the tokenizer's files included.
  const { inside } = sumsOf(phases);
  const others = timings.total - timings.load - inside.wall;
  return {
    phases: grouped,
    ratio: others / inside.wall,
    total: { wall: origin + written.wall - spawned, cpu: written.cpu },
  };
}

function sumsOf(phases) {
  const sum = (kept) =>
    Object.entries(phases)
      .filter(([phase]) => kept(phase))
      .reduce((all, [, { wall, cpu }]) => ({ wall: all.wall + wall, cpu: all.cpu + cpu }), {
        wall: 0,
        cpu: 0,
      });
  return { inside: sum(isGraph), outside: sum((phase) => !isGraph(phase) && !isLoad(phase)) };
}

/** The median of each phase over several records of phases. */
function medians(records) {
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const none = { wall: 0, cpu: 0, times: 0 };
  return Object.fromEntries(
    names.map((name) => {
      const times = records.map((record) => record[name] ?? none);
      return [name, { ...medianTime(times), times: times[0].times }];
    }),
  );
}

function medianTime(times) {
  return {
    wall: median(times.map(({ wall }) => wall)),
    cpu: median(times.map(({ cpu }) => cpu)),
  };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function machine() {
  const cores = cpus();
  const root = new URL("../../node_modules/onnxruntime-node/package.json", import.meta.url);
  return {
    node: process.version,
    runtime: JSON.parse(readFileSync(root, "utf8")).version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    memoryBytes: totalmem(),
    load: loadavg()[0],
  };
}
