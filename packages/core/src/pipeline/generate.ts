import type { Steering } from "../control/steering.js";
import { isUnderpaintError, UnderpaintError } from "../errors.js";
import type { Branch, Guidance } from "../guidance/contract.js";
import { fromTensor, toTensor } from "../image/convert.js";
import type { RgbaImage } from "../image/image.js";
import { guidanceEmbedding } from "../model/guidance-embedding.js";
import type { Network } from "../model/network.js";
import type { Crop } from "../painting/crop.js";
import type { Painting } from "../painting/options.js";
import type { Rect } from "../painting/rect.js";
import type { Schedule, Scheduler } from "../sampling/contract.js";
import { createPredictor, type PredictorNetwork } from "../sampling/predictor.js";
import { type SampleStep, sample } from "../sampling/sample.js";
import { linear } from "../tensor/linear.js";
import { batchEntry, type FloatTensor, zeros } from "../tensor/tensor.js";
import type { ModelResolver } from "./controls.js";
import { encodePicture } from "./encode-picture.js";
import { networkForm } from "./network-form.js";
import type { PaintingRun } from "./paint.js";
import type { ModelParts } from "./parts.js";
import { onlyInpaints } from "./plan.js";
import type { PipelineWarning, StepEvent } from "./result.js";
import { createSeededNoise, type SeededNoise } from "./seeded-noise.js";
import type { Stopwatch } from "./timings.js";
import { untouched } from "./untouched.js";
import type { ValidRequest } from "./validate.js";

/** A request that was checked, with its plug-ins made and its schedule known. */
export interface GenerationPlan {
  readonly request: ValidRequest;
  readonly scheduler: Scheduler;
  readonly schedule: Schedule;
  readonly guidance: Guidance;
  /** Picture k's seed. */
  readonly seeds: readonly (number | bigint)[];
  /** The first step: above 0 for image-to-image. The number of steps: nothing is made anew. */
  readonly begin: number;
  /** Undefined where nothing is painted into, a mask that is black throughout included. */
  readonly painting: PaintingPlan | undefined;
}

/** Where and how a picture is painted into. */
export interface PaintingPlan {
  readonly image: RgbaImage;
  readonly painting: Painting & { readonly bounds: Rect };
  readonly crop: Crop;
}

/** What the story of a request is told with. */
export interface GenerationContext {
  readonly parts: ModelParts;
  readonly stopwatch: Stopwatch;
  readonly warn: (warning: PipelineWarning) => void;
  readonly signal: AbortSignal | undefined;
  readonly onStep: ((event: StepEvent) => void) | undefined;
  readonly resolveModel: ModelResolver | undefined;
}

/**
 * The story of a request: prompts become text states, noise (and a picture) become latents, the
 * loop cleans them step by step, and the VAE makes them pictures.
 */
export async function* generate(
  plan: GenerationPlan,
  context: GenerationContext,
): AsyncGenerator<StepEvent, readonly RgbaImage[], void> {
  const { request, schedule, begin, seeds } = plan;
  context.signal?.throwIfAborted();

  const { image, painting } = request;
  if (image && painting && !painting.bounds) {
    context.warn({
      code: "mask-empty",
      message: "the mask is black throughout: there is nothing to repaint.",
    });
    return untouched(image, painting.layer, seeds.length);
  }
  if (plan.painting) tellScale(plan.painting, context);
  const picture = painting ? image : image && (await fit(image, request, context));
  if (picture && begin === schedule.levels.length - 1) {
    context.warn({
      code: "nothing-to-do",
      message: `strength ${request.strength} of ${request.steps} steps is no step at all: the picture is returned as it is.`,
    });
    return untouched(picture, painting?.layer ?? false, seeds.length);
  }

  // What most requests do without is a part of its own, which pages fetch where it is needed.
  const steering =
    request.controls.length > 0
      ? await (await import("./controls.js")).beginControls(plan, context)
      : undefined;
  try {
    return yield* story(plan, context, picture, steering);
  } finally {
    steering?.end();
  }
}

/** What is left of the story once it is known that there is something to tell. */
async function* story(
  plan: GenerationPlan,
  context: GenerationContext,
  picture: RgbaImage | undefined,
  steering: Steering | undefined,
): AsyncGenerator<StepEvent, readonly RgbaImage[], void> {
  const { request, seeds } = plan;
  await checkWords(request.prompt, context);
  const states = await encodePrompts(plan, context);
  const noise = createSeededNoise(seeds);
  const paint =
    plan.painting &&
    (await (await import("./paint.js")).beginPainting(plan, plan.painting, noise, context));
  const start =
    paint?.latents ??
    (picture
      ? await noisyPicture(picture, plan, noise, context)
      : await pureNoise(plan, noise, context.parts));

  let latents = start;
  for await (const step of steps(plan, states, start, noise, context, paint, steering)) {
    latents = step.latents;
    const event = stepEvent(step, plan, context, paint);
    context.onStep?.(event);
    yield event;
  }
  const images = await decode(latents, context);
  return paint ? images.map(paint.finish) : images;
}

/** Says so where a picture that is painted into is seen smaller or larger than it is. */
function tellScale({ image, painting, crop }: PaintingPlan, { warn }: GenerationContext): void {
  const { source, target, size } = crop;
  if (painting.padding !== undefined || source.width === target.width) return;
  warn({
    code: "image-resized",
    message: `the image is ${image.width} × ${image.height} and the network works at ${size.width} × ${size.height}; the result has the image's own size.`,
  });
}

/** The picture at the request's size. */
async function fit(
  image: RgbaImage,
  { width, height }: ValidRequest,
  { warn }: GenerationContext,
): Promise<RgbaImage> {
  if (image.width === width && image.height === height) return image;
  warn({
    code: "image-resized",
    message: `the image is ${image.width} × ${image.height} and was resized to ${width} × ${height}.`,
  });
  const { resize } = await import("../image/resize.js");
  return resize(image, width, height, { filter: "lanczos" });
}

async function checkWords(prompt: string, { parts, signal, warn }: GenerationContext) {
  const words = await parts.knownWords(signal);
  if (!words || words.knowsAnyOf(prompt)) return;
  warn({
    code: "words-unknown",
    message: `this small model knows none of the prompt's words; it knows ${words.list.length}, such as ${words.list.slice(0, 5).join(", ")}.`,
  });
}

async function encodePrompts(
  { request, guidance }: GenerationPlan,
  { parts, stopwatch, signal, warn }: GenerationContext,
): Promise<ReadonlyMap<Branch, FloatTensor>> {
  const encoder = await stopwatch.time("load", () => parts.textEncoder(signal));
  const states = new Map<Branch, FloatTensor>();
  // The prompt comes first: it alone has a clipSkip, which the graph may have to refuse.
  for (const branch of ["positive", "negative"] as const) {
    if (!guidance.branches.includes(branch)) continue;
    signal?.throwIfAborted();
    const prompt = branch === "positive" ? request.prompt : request.negativePrompt;
    // The reference leaves the negative prompt's layers whole.
    const encoded = await stopwatch.time("textEncoder", () =>
      encoder.encode(prompt, { clipSkip: branch === "positive" ? request.clipSkip : 0 }),
    );
    states.set(branch, encoded.states);
    const { dropped } = encoded.tokens;
    if (dropped) {
      warn({
        code: "prompt-cut",
        message: `the ${branch === "positive" ? "prompt" : "negative prompt"} is longer than the model reads; left out: ${JSON.stringify(shortened(dropped.text))}.`,
      });
    }
  }
  return states;
}

/** A text's beginning and end. */
function shortened(text: string): string {
  return text.length > 300 ? `${text.slice(0, 200)} … ${text.slice(-80)}` : text;
}

async function pureNoise(
  { request, schedule }: GenerationPlan,
  noise: SeededNoise,
  parts: ModelParts,
): Promise<FloatTensor> {
  const normals = noise.batch(parts.latentDims(request.width, request.height));
  const scale = schedule.initialNoiseScale;
  return scale === 1 ? normals : linear(scale, normals);
}

/** The picture's latents at the level that the run begins with, once for each seed. */
async function noisyPicture(
  picture: RgbaImage,
  { request, schedule, begin, seeds }: GenerationPlan,
  noise: SeededNoise,
  context: GenerationContext,
): Promise<FloatTensor> {
  const clean = await encodePicture(toTensor(picture), seeds.length, noise, context);
  const { alpha, sigma } = schedule.levels[begin]!;
  const dims = context.parts.latentDims(request.width, request.height);
  return linear(alpha, clean, sigma, noise.batch(dims));
}

async function* steps(
  plan: GenerationPlan,
  states: ReadonlyMap<Branch, FloatTensor>,
  latents: FloatTensor,
  noise: SeededNoise,
  context: GenerationContext,
  paint: PaintingRun | undefined,
  steering: Steering | undefined,
): AsyncGenerator<SampleStep, void, void> {
  const { parts, stopwatch, signal } = context;
  const { network, release } = await stopwatch.time("load", () =>
    parts.borrowNetwork(signal, networkForm(plan)),
  );
  try {
    yield* loop(plan, states, latents, noise, context, network, paint, steering);
  } finally {
    release();
  }
}

async function* loop(
  { request, scheduler, schedule, guidance, begin }: GenerationPlan,
  states: ReadonlyMap<Branch, FloatTensor>,
  latents: FloatTensor,
  noise: SeededNoise,
  { parts, stopwatch, signal }: GenerationContext,
  network: Network,
  paint: PaintingRun | undefined,
  steering: Steering | undefined,
): AsyncGenerator<SampleStep, void, void> {
  if (network.inpaints && !paint) throw onlyInpaints();
  const { noiseModel } = parts;
  const dims = latents.dims.slice(1);
  const size = network.guidanceEmbeddingSize;
  const told = size && {
    guidanceEmbedding: guidanceEmbedding(guidance.embeddedScale ?? 1, size),
  };
  const ask: PredictorNetwork["predict"] = async (asked) => {
    const { picture, branches: _, at: __, ...call } = asked;
    const inpainting = paint?.inpainting && { inpainting: paint.inpainting(picture) };
    const steered = await steering?.steer(asked);
    const residuals = steered && { residuals: steered.inputs };
    try {
      return await stopwatch.time("network", () =>
        network.predict({ ...call, ...told, ...inpainting, ...residuals }).catch(blameSize),
      );
    } finally {
      steered?.release();
    }
  };

  /** What controls give cannot be cut up: a graph for one entry is asked for each branch alone. */
  const predict: PredictorNetwork["predict"] = async (asked) => {
    const { latents, states, branches } = asked;
    if (!steering || network.fixedBatch !== 1 || branches.length === 1) return ask(asked);
    const joined = zeros("float32", latents.dims);
    for (const [k, branch] of branches.entries()) {
      const [own, text] = [batchEntry(latents, k), batchEntry(states, k)];
      const answer = await ask({ ...asked, latents: own, states: text, branches: [branch] });
      batchEntry(joined, k).data.set(answer.data);
    }
    return joined;
  };

  /** Exports that halve the latents to sizes that are odd fail in the middle of their graph. */
  function blameSize(error: unknown): never {
    const { width, height } = request;
    const multiple = parts.networkMultiple;
    if (
      !isUnderpaintError(error, "inference-failed") ||
      (width % multiple === 0 && height % multiple === 0)
    ) {
      throw error;
    }
    throw new UnderpaintError({
      code: "inference-failed",
      what: "this export of the network does not take a picture of that size",
      value: `${width} × ${height}`,
      allowed: `multiples of ${multiple}`,
      cause: error,
    });
  }

  yield* sample({
    scheduler: paint?.scheduler ?? scheduler,
    schedule,
    noiseModel,
    latents,
    begin,
    noise: () => noise.batch(dims),
    denoise: createPredictor({
      network: { predict },
      noiseModel,
      guidance,
      states,
      ...(signal ? { signal } : {}),
    }),
    ...(signal ? { signal } : {}),
  });
}

function stepEvent(
  step: SampleStep,
  { begin }: GenerationPlan,
  { parts, stopwatch }: GenerationContext,
  paint?: PaintingRun,
): StepEvent {
  const denoised = paint ? paint.shown(step.denoised) : step.denoised;
  return {
    type: "step",
    step: step.index - begin + 1,
    steps: step.steps - begin,
    timestep: step.timestep,
    elapsed: stopwatch.elapsed(),
    latents: step.latents,
    denoised,
    preview: (index = 0) => parts.preview(denoised, index),
  };
}

async function decode(
  latents: FloatTensor,
  { parts, stopwatch, signal }: GenerationContext,
): Promise<RgbaImage[]> {
  const decoder = await stopwatch.time("load", () => parts.vaeDecoder(signal));
  const images: RgbaImage[] = [];
  for (let k = 0; k < latents.dims[0]!; k++) {
    signal?.throwIfAborted();
    const pixels = await stopwatch.time("vaeDecoder", () => decoder.decode(batchEntry(latents, k)));
    images.push(fromTensor(pixels));
  }
  // Runs cannot be interrupted: an abort during the last one is found here.
  signal?.throwIfAborted();
  return images;
}
