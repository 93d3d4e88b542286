import {
  type Denoise,
  type FloatTensor,
  type NoiseLevel,
  type NoiseModel,
  type Scheduler,
  zeros,
} from "@underpaint/core";
import { need } from "../check.js";
import { countingNoise } from "../fakes/counting-noise.js";
import { gaussianDenoiser } from "../fakes/gaussian.js";
import { normals, run, runData, runDims } from "./run.js";

/** How wrong a run is. */
export interface RunError {
  /** At the last level that has noise; root mean square. */
  readonly error: number;
  /**
   * At the end, where that is free of noise. How long the last step is does not depend on the
   * number of steps alone, so this error need not fall with it.
   */
  readonly lastStep: { readonly error: number; readonly allowed: number };
}

/** Which run is measured. */
export interface Measured {
  readonly steps: number;
  /** Errors are those after a multiple of so many steps. */
  readonly cycle: number;
  /** Whether the run begins half way, with exact latents, rather than at its first noisy level. */
  readonly late: boolean;
}

/** The distance from the exact solution of the probability-flow ODE. */
export async function odeError(
  scheduler: Scheduler,
  noiseModel: NoiseModel,
  measured: Measured,
): Promise<RunError> {
  const { steps } = measured;
  const begin = beginOf(scheduler, noiseModel, measured);
  const unit = normals(runDims, 3);
  const { schedule, states } = await run({
    scheduler,
    steps,
    noiseModel,
    begin,
    latents: ({ levels }) => runData.latents(levels[begin]!, unit),
    denoise: runData.denoise,
    noise: countingNoise(runDims, 5).noise,
  });
  const { levels } = schedule;
  // The exact solution keeps its place among the data's latents: it is the same normals' throughout.
  const far = (index: number) =>
    distance(states[index - 1 - begin]!, runData.latents(levels[index]!, unit));
  return withLastStep(levels, measured.cycle, far);
}

/**
 * The distance of the results' mean and standard deviation from the data's, relative to the
 * latter; not sampled, but exact.
 *
 * With exact estimates for Gaussian data, the steps of every solver of these equations are affine:
 * the result is a + b0 · start + Σ bk · draw k. One run of many elements, each of which has a 1 in
 * one of these places and 0 in all others, gives the b, and with them the variance, Σ b².
 */
export async function sdeError(
  scheduler: Scheduler,
  noiseModel: NoiseModel,
  measured: Measured,
): Promise<RunError> {
  const { steps } = measured;
  const begin = beginOf(scheduler, noiseModel, measured);
  const spreads = [0.4, 1, 2].map((deviation) => ({ mean: 0.5, deviation }));
  const found: RunError[] = [];
  for (const data of spreads) {
    const exact = gaussianDenoiser(data);
    const { levels, result } = await moments(scheduler, noiseModel, steps, begin, exact);
    const far = (index: number) => {
      const { mean, deviation } = result(index);
      const right = exact.deviation(levels[index]!, 0);
      return Math.hypot(mean - exact.mean(levels[index]!, 0), deviation - right) / right;
    };
    found.push(withLastStep(levels, measured.cycle, far));
  }
  return {
    error: Math.sqrt(found.reduce((sum, { error }) => sum + error ** 2, 0) / found.length),
    lastStep: found.reduce((worst, each) =>
      each.lastStep.error > worst.lastStep.error ? each : worst,
    ).lastStep,
  };
}

/** {@link sdeError}'s distance at the end, with a network that gives the end of each path. */
export async function consistencyError(
  scheduler: Scheduler,
  noiseModel: NoiseModel,
  steps: number,
): Promise<number> {
  const exact = gaussianDenoiser({ mean: 0.5, deviation: 0.8 });
  const data = { ...exact, denoise: exact.consistent };
  const { levels, result } = await moments(scheduler, noiseModel, steps, 0, data);
  const { mean, deviation } = result(levels.length - 1);
  const end = levels.at(-1)!;
  return Math.hypot(mean - exact.mean(end, 0), deviation - exact.deviation(end, 0));
}

type Exact = Pick<ReturnType<typeof gaussianDenoiser>, "latents"> & { readonly denoise: Denoise };

/** The exact mean and standard deviation of a run's results at its levels. */
async function moments(
  scheduler: Scheduler,
  noiseModel: NoiseModel,
  steps: number,
  begin: number,
  data: Exact,
) {
  /** A run from the given normals, for the start and for each draw. */
  const runFrom = (start: FloatTensor, noise: () => FloatTensor) =>
    run({
      scheduler,
      steps,
      noiseModel,
      begin,
      latents: ({ levels }) => data.latents(levels[begin]!, start),
      denoise: data.denoise,
      noise,
    });
  const single = countingNoise([1, 1, 1, 1], 7);
  const tried = await runFrom(normals([1, 1, 1, 1], 8), single.noise);
  const draws = single.drawn.length;

  // Element k has its 1 in the start (k = 0) or in draw k; the last element has it nowhere.
  const dims = [1, 1, 1, draws + 2];
  const impulse = (k: number): FloatTensor => {
    const tensor = zeros("float32", dims);
    tensor.data[k] = 1;
    return tensor;
  };
  let drawn = 0;
  const { schedule, states } = await runFrom(impulse(0), () => impulse(++drawn));
  const weightsAt = (index: number) => {
    const values = Array.from(states[index - 1 - begin]!.data);
    const mean = values.pop()!;
    return { mean, weights: values.map((value) => value - mean) };
  };

  // The tried run, put together from what the impulses gave: the steps must be affine.
  const last = schedule.levels.length - 1;
  const { mean, weights } = weightsAt(last);
  const places = [normals([1, 1, 1, 1], 8), ...single.drawn].map(({ data }) => data[0]!);
  const together = weights.reduce((sum, weight, k) => sum + weight * places[k]!, mean);
  const found = tried.states.at(-1)!.data[0]!;
  need(Math.abs(together - found) < 1e-3 * Math.max(1, Math.abs(found)), () => {
    return (
      "steps are not affine in latents, estimate and noise: from their parts a run should end at " +
      `${together}, and ends at ${found}`
    );
  });
  return {
    levels: schedule.levels,
    result(index: number) {
      const { mean, weights } = weightsAt(index);
      return { mean, deviation: Math.hypot(...weights) };
    },
  };
}

/** The errors before and at the end, from the error at any level. */
function withLastStep(
  levels: readonly NoiseLevel[],
  cycle: number,
  far: (index: number) => number,
): RunError {
  const last = levels.length - 1;
  const isClean = levels[last]!.sigma === 0;
  const whole = isClean ? last - 1 : last;
  const error = far(whole - (whole % cycle));
  if (!isClean) return { error, lastStep: { error: 0, allowed: 0 } };
  const { alpha, sigma } = levels[last - 1]!;
  // What a clean estimate may be off by is of the order of the noise that was left.
  return { error, lastStep: { error: far(last), allowed: 3 * error + (2 * sigma) / alpha } };
}

/** Where a run begins: half way, or at its first level that has noise; inversion has one without. */
function beginOf(scheduler: Scheduler, noiseModel: NoiseModel, { steps, cycle, late }: Measured) {
  const { levels } = scheduler.schedule(steps, noiseModel, { latentDims: runDims });
  if (!late) return levels.findIndex(({ sigma }) => sigma > 0);
  return cycle * Math.floor(steps / 2 / cycle);
}

function distance(a: FloatTensor, b: FloatTensor): number {
  const squares = a.data.reduce((sum, value, i) => sum + (value - b.data[i]!) ** 2, 0);
  return Math.sqrt(squares / a.data.length);
}
