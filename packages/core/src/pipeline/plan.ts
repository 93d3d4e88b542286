import { UnderpaintError } from "../errors.js";
import { classifierFree } from "../guidance/classifier-free.js";
import type { Guidance } from "../guidance/contract.js";
import { embeddedGuidance } from "../guidance/embedded.js";
import { maskedCrop, wholeCrop } from "../painting/crop.js";
import { outset } from "../painting/rect.js";
import { addToSeed } from "../random/seed.js";
import type { Schedule, Scheduler } from "../sampling/contract.js";
import type { NoiseModel } from "../sampling/noise-model.js";
import type { GenerationPlan, PaintingPlan } from "./generate.js";
import { type PluginMakers, resolvePlugin } from "./registry.js";
import type { GenerateRequest } from "./request.js";
import type { ValidRequest } from "./validate.js";

/** What a plan is made with. */
export interface PlanContext {
  readonly plugins: PluginMakers;
  readonly defaultScheduler: Scheduler;
  readonly noiseModel: NoiseModel;
  /** Whether the network takes the guidance scale as an input. */
  readonly embedsGuidance: boolean;
  /** Whether the network is known to be one for inpainting, which makes nothing else. */
  readonly inpaints: boolean;
  /** See {@link RequestDefaults.paddingMultiple}. */
  readonly paddingMultiple: number;
  /** [channels, height, width] of the latents of a picture of this size in pixels. */
  latentDims(width: number, height: number): readonly number[];
}

/**
 * Makes a checked request's plug-ins and schedule, so that whatever is wrong with them is said
 * before any work is done.
 */
export function planGeneration(
  request: GenerateRequest,
  valid: ValidRequest,
  context: PlanContext,
): GenerationPlan {
  const { plugins, defaultScheduler, noiseModel } = context;
  if (context.inpaints && !valid.painting) throw onlyInpaints();
  const scheduler: Scheduler =
    request.scheduler === undefined
      ? defaultScheduler
      : resolvePlugin("scheduler", request.scheduler, plugins.scheduler);
  const latentDims = [valid.count, ...context.latentDims(valid.width, valid.height)];
  const schedule = scheduler.schedule(valid.steps, noiseModel, { latentDims });
  return {
    request: valid,
    scheduler,
    schedule,
    guidance: guidanceOf(request, valid, context),
    seeds: Array.from({ length: valid.count }, (_, k) => addToSeed(valid.seed, k)),
    begin: valid.image ? firstStep(schedule, valid) : 0,
    painting: planPainting(valid, context.paddingMultiple),
  };
}

/** What a network for inpainting is refused with where there is nothing to paint into. */
export function onlyInpaints(): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what: "this model paints into pictures, and the request has no image and mask",
    remedy: "add image and mask, or take a model that is not for inpainting",
  });
}

function planPainting(
  { image, painting, width, height }: ValidRequest,
  paddingMultiple: number,
): PaintingPlan | undefined {
  if (!image || !painting?.bounds) return undefined;
  const { bounds, edge, padding } = painting;
  const size = { width, height };
  const reach = edge.grow + Math.ceil(edge.feather / 2);
  const crop =
    padding === undefined
      ? wholeCrop(image, size, paddingMultiple)
      : maskedCrop(image, outset(bounds, reach), padding, size);
  return { painting: { ...painting, bounds }, crop, image };
}

function guidanceOf(
  request: GenerateRequest,
  { guidanceScale: scale, guidanceRescale: rescale }: ValidRequest,
  { plugins, embedsGuidance }: PlanContext,
): Guidance {
  if (request.guidance === undefined) {
    return embedsGuidance ? embeddedGuidance({ scale }) : classifierFree({ scale, rescale });
  }
  for (const key of ["guidanceScale", "guidanceRescale"] as const) {
    if (request[key] !== undefined) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: `both guidance and ${key} are given`,
        value: request[key],
        remedy: `leave ${key} out: a guidance brings its own options`,
      });
    }
  }
  return resolvePlugin("guidance", request.guidance, plugins.guidance);
}

/**
 * Of n steps, the last ⌊n · strength⌋ are done, as in the reference: strength is how far back into
 * noise the picture is taken.
 */
function firstStep(schedule: Schedule, { steps, strength }: ValidRequest): number {
  const levels = schedule.levels.length - 1;
  return levels - Math.min(levels, Math.floor(steps * strength));
}
