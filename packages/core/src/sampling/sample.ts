import type { StepPosition } from "../guidance/contract.js";
import type { FloatTensor } from "../tensor/tensor.js";
import type { NoiseLevel, Schedule, Scheduler } from "./contract.js";
import type { NoiseModel } from "./noise-model.js";

/** What one run of the loop needs. */
export interface SampleOptions {
  readonly scheduler: Scheduler;
  readonly schedule: Schedule;
  readonly noiseModel: NoiseModel;
  /** Latents at level `begin`, NCHW. */
  readonly latents: FloatTensor;
  /** The first step: above 0 for image-to-image. */
  readonly begin: number;
  readonly denoise: (
    latents: FloatTensor,
    level: NoiseLevel,
    at: StepPosition,
  ) => Promise<FloatTensor>;
  readonly noise: () => FloatTensor;
  readonly signal?: AbortSignal;
}

/** The state after a step. */
export interface SampleStep {
  /** The step that was done, from 0. */
  readonly index: number;
  readonly steps: number;
  /** What the network was told at the step's beginning. */
  readonly timestep: number;
  /** The latents at level `index + 1`. */
  readonly latents: FloatTensor;
  /** The network's last estimate of the clean latents: what a preview shows. */
  readonly denoised: FloatTensor;
}

/**
 * The one sampling loop: yields the state after each step; the last one's latents are the result.
 * Features wrap `denoise`, the scheduler or the guidance; none is an `if` in here.
 */
export async function* sample(options: SampleOptions): AsyncGenerator<SampleStep, void, void> {
  const { scheduler, schedule, noiseModel, begin, noise, signal } = options;
  const steps = schedule.levels.length - 1;
  let { latents } = options;
  let denoised = latents;
  let index = begin;
  const step = scheduler.start({
    schedule,
    noiseModel,
    begin,
    noise,
    denoise: async (noisy, level) => {
      signal?.throwIfAborted();
      denoised = await options.denoise(noisy, level, { index, steps, timestep: level.timestep });
      return denoised;
    },
  });
  for (; index < steps; index++) {
    signal?.throwIfAborted();
    latents = await step(latents, index);
    yield { index, steps, timestep: schedule.levels[index]!.timestep, latents, denoised };
  }
}
