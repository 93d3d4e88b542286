import { UnderpaintError } from "../errors.js";
import { classifierFree } from "../guidance/classifier-free.js";
import type { Guidance } from "../guidance/contract.js";
import { embeddedGuidance } from "../guidance/embedded.js";
import { addToSeed } from "../random/seed.js";
import type { Schedule, Scheduler } from "../sampling/contract.js";
import type { NoiseModel } from "../sampling/noise-model.js";
import type { GenerationPlan } from "./generate.js";
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
  };
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
