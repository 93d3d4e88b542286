// Prints what each scheduler costs: network calls, draws of noise, and time outside the network.
//
//   node packages/schedulers/bench/cost-per-step.mjs [steps]
//
// after a build. The network is a stand-in that returns an array at once, so that all the time is
// the scheduler's. A "pass" is the time of one linear combination of two tensors into a new one.
import { linear, noiseModelFromConfig } from "@underpaint/core";
import { createScheduler, schedulerNames } from "@underpaint/schedulers";

const steps = Number(process.argv[2] ?? 20);
const dims = [1, 4, 128, 128];
const repeats = 40;

const models = {
  table: noiseModelFromConfig({ beta_schedule: "scaled_linear", beta_end: 0.012 }),
  flow: noiseModelFromConfig({ _class_name: "FlowMatchEulerDiscreteScheduler" }),
  edm: noiseModelFromConfig({ _class_name: "EDMEulerScheduler" }),
};

function modelOf(name) {
  if (name.startsWith("flow")) return models.flow;
  return name.startsWith("edm") ? models.edm : models.table;
}

function tensorOf(seed) {
  const size = dims.reduce((product, n) => product * n, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i * 0.1));
  return { type: "float32", dims, data };
}

// The best of many: what else runs on the machine only ever adds.
const best = (values) => Math.min(...values);

async function costOf(name) {
  const scheduler = createScheduler(name);
  const noiseModel = modelOf(name);
  const schedule = scheduler.schedule(steps, noiseModel);
  const [start, normals] = [tensorOf(1), tensorOf(2)];
  const answers = Array.from({ length: 8 }, (_, k) => tensorOf(3 + k));
  let [calls, draws] = [0, 0];
  const times = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    [calls, draws] = [0, 0];
    const step = scheduler.start({
      schedule,
      noiseModel,
      begin: 0,
      denoise: async () => answers[calls++ % answers.length],
      noise: () => {
        draws++;
        return normals;
      },
    });
    let latents = start;
    const began = performance.now();
    for (let i = 0; i < schedule.levels.length - 1; i++) latents = await step(latents, i);
    times.push((performance.now() - began) / steps);
  }
  return { calls, draws, time: best(times) };
}

function passTime() {
  const [a, b] = [tensorOf(1), tensorOf(2)];
  const times = Array.from({ length: 1000 }, (_, k) => {
    const began = performance.now();
    linear(0.5 + k * 1e-3, a, 0.25, b);
    return performance.now() - began;
  });
  return best(times);
}

passTime();
const pass = passTime();
console.log(`latents [${dims}], ${steps} steps, one pass ${pass.toFixed(3)} ms`);
console.log("scheduler            calls  draws  ms/step  passes/step  passes/call");
for (const name of schedulerNames) {
  const { calls, draws, time } = await costOf(name);
  const cells = [
    name.padEnd(20),
    String(calls).padStart(5),
    String(draws).padStart(6),
    time.toFixed(3).padStart(8),
    (time / pass).toFixed(1).padStart(12),
    ((time / pass) * (steps / calls)).toFixed(1).padStart(12),
  ];
  console.log(cells.join(" "));
}
