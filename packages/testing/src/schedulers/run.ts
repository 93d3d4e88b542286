import {
  copy,
  createNoiseSource,
  type Denoise,
  type FloatTensor,
  floatTensor,
  type NoiseLevel,
  type NoiseModel,
  type Schedule,
  type Scheduler,
} from "@underpaint/core";
import { need } from "../check.js";
import { gaussianDenoiser } from "../fakes/gaussian.js";
import type { Call } from "./options.js";

/** The latents of the suite's runs: one picture of 2 channels, 2 × 4. */
export const runDims: readonly number[] = [1, 2, 2, 4];

/** The data of the suite's runs: narrow and wide, on either side of 0. */
export const runData = gaussianDenoiser({
  mean: [-1, -0.5, 0, 0.25, 0.5, 1, 0.3, -0.7],
  deviation: [0.5, 1, 2, 0.25, 1.5, 0.7, 1, 0.4],
});

/** Unit normals in a tensor, the same for the same seed. */
export function normals(dims: readonly number[], seed: number): FloatTensor {
  const count = dims.reduce((product, size) => product * size, 1);
  return floatTensor(dims, createNoiseSource(seed).normal(count));
}

/** What a run is made of. */
export interface RunRequest {
  readonly scheduler: Scheduler;
  readonly steps: number;
  readonly noiseModel: NoiseModel;
  /** The first step: 0. */
  readonly begin?: number;
  /** How many steps are done, from `begin`; all that there are when left out. */
  readonly end?: number;
  /** The latents at level `begin`. */
  readonly latents: (schedule: Schedule) => FloatTensor;
  readonly denoise: Denoise;
  /** Throws when left out: for schedulers that draw none. */
  readonly noise?: () => FloatTensor;
}

/** What a run did. */
export interface Run {
  readonly schedule: Schedule;
  /** Copies of the latents after each step, taken at once. */
  readonly states: readonly FloatTensor[];
  /** The tensors themselves that the run was given and gave: latents, estimates, noise. */
  readonly tensors: readonly FloatTensor[];
  /** Copies of {@link tensors}, each taken when it was first seen. */
  readonly copies: readonly FloatTensor[];
  /** What each step called, whether the noise had an effect or not. */
  readonly calls: readonly (readonly Call[])[];
  /** The levels that the network was asked at. */
  readonly asked: readonly NoiseLevel[];
}

/** Runs a scheduler as the pipeline does, and writes down what it does. */
export async function run(request: RunRequest): Promise<Run> {
  const { scheduler, steps, noiseModel, begin = 0 } = request;
  const schedule = scheduler.schedule(steps, noiseModel, { latentDims: runDims });
  const end = request.end ?? schedule.levels.length - 1;
  const [tensors, copies, states]: FloatTensor[][] = [[], [], []];
  const calls: Call[][] = [[]];
  const asked: NoiseLevel[] = [];

  function seen(tensor: FloatTensor): FloatTensor {
    tensors!.push(tensor);
    copies!.push(copy(tensor));
    return tensor;
  }

  const step = scheduler.start({
    schedule,
    noiseModel,
    begin,
    denoise: async (latents, level) => {
      calls.at(-1)!.push("denoise");
      asked.push(level);
      // Other runs may go on here, as they do while a network computes.
      await undefined;
      return seen(await request.denoise(latents, level));
    },
    noise: () => {
      calls.at(-1)!.push("noise");
      need(request.noise !== undefined, `${scheduler.name} draws noise, which it does not declare`);
      return seen(request.noise());
    },
  });
  need(calls[0]!.length === 0, `${scheduler.name} calls ${calls[0]} before its first step`);
  calls.pop();
  let latents = seen(request.latents(schedule));
  for (let index = begin; index < end; index++) {
    calls.push([]);
    latents = await step(latents, index);
    states!.push(copy(latents));
    seen(latents);
  }
  return { schedule, states: states!, tensors: tensors!, copies: copies!, calls, asked };
}
