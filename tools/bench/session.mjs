// One process: opens a model, makes a first picture, then measures requests that are alike. Prints
// one line of JSON. Started by bench.mjs; its argument is { model, steps, count, size, device,
// scheduler, repeat, seconds, picture } as JSON, where the first six may be left out.
import { cpuMs, createClock } from "./clock.mjs";
import {
  graphPhase,
  loadPhase,
  outside,
  tracedGuidance,
  tracedRuntime,
  tracedScheduler,
} from "./traced.mjs";

const settings = JSON.parse(process.argv[2]);
const begin = { wall: performance.now(), cpu: cpuMs() };
const clock = createClock();

clock.enter("import @underpaint/node");
const { classifierFree, createPipeline, createScheduler, fromConfig, isUnderpaintError, savePng } =
  await import("@underpaint/node");
process.on("uncaughtException", (error) => {
  console.error(isUnderpaintError(error) ? error.message : error);
  process.exit(1);
});
clock.enter("import onnxruntime-node");
const { default: ort } = await import("onnxruntime-node");
clock.enter("open the model");

let prompts = 0;
const pipeline = await createPipeline({
  ...(settings.model && { model: settings.model }),
  ...(settings.device && { device: settings.device }),
  runtime: tracedRuntime(ort, clock, () => {
    prompts -= 1;
    if (prompts === 0) clock.enter(outside.noise);
  }),
});
const { unet } = pipeline.manifest.components;
const { scheduler: config, defaults } = pipeline.manifest;
const scheduler = settings.scheduler ? createScheduler(settings.scheduler) : fromConfig(config);
// A latent consistency model has its guidance inside; the pipeline then makes the right one.
const guidance =
  unet.config.time_cond_proj_dim == null
    ? classifierFree({ scale: defaults.guidanceScale ?? 7.5 })
    : undefined;
const request = {
  prompt: "a red apple",
  seed: 7,
  ...(settings.steps && { steps: settings.steps }),
  ...(settings.count && { count: settings.count }),
  ...(settings.size && { width: settings.size, height: settings.size }),
  scheduler: tracedScheduler(scheduler, clock),
  ...(guidance && { guidance: tracedGuidance(guidance, clock) }),
  onStep({ step, steps }) {
    if (step === steps) clock.enter(outside.picture);
  },
};

function generate() {
  prompts = guidance ? guidance.branches.length : 1;
  clock.enter(outside.prompts);
  return pipeline.generate(request);
}

const first = await generate();
clock.enter("PNG, encoded and written");
await savePng(settings.picture, first.images[0], { recipe: first.recipes[0] });
const written = { wall: performance.now(), cpu: cpuMs() };
const start = {
  origin: performance.timeOrigin,
  begin,
  written,
  phases: clock.take(),
  timings: first.timings,
  peakBytes: peakBytes(),
};

const requests = [];
for (let k = 0; k < settings.repeat; k++) {
  const spent = performance.now() - written.wall;
  if (k > 0 && spent > settings.seconds * 1000) break;
  clock.take();
  const { timings } = await generate();
  clock.enter("");
  requests.push({ phases: clock.take(), total: timings.total });
}

const { images, recipe } = first;
console.log(
  JSON.stringify({
    start,
    requests,
    peakBytes: peakBytes(),
    switchMs: switchMs(),
    model: { id: pipeline.manifest.id, bytes: pipeline.manifest.bytes, unetBytes: unet.bytes },
    device: pipeline.device,
    width: images[0].width,
    height: images[0].height,
    count: images.length,
    steps: recipe.steps,
    scheduler: recipe.scheduler.name,
    guidance: recipe.guidance,
  }),
);
await pipeline.dispose();

function peakBytes() {
  return process.resourceUsage().maxRSS * 1024;
}

/** What one change of phase costs, with which the measuring adds to what it measures. */
function switchMs() {
  const spare = createClock();
  const from = performance.now();
  for (let i = 0; i < 2000; i++) spare.enter(i % 2 ? graphPhase("a") : loadPhase("a"));
  return (performance.now() - from) / 2000;
}
