import {
  checkSteps,
  type DiffusionNoise,
  diffusionNoise,
  discreteLevel,
  type FloatTensor,
  flagOption,
  leading,
  linear,
  type NoiseLevel,
  preconditioning,
  readOptions,
  refuseUnreadableLevels,
  roundHalfEven,
  type SamplingRun,
  type Scheduler,
  spaceTimesteps,
  spacingOption,
  type TimestepSpacing,
  UnderpaintError,
} from "@underpaint/core";
import { combine } from "./combine.js";

/** Options of {@link pndm}. */
export interface PndmOptions {
  /** The timesteps: `leading()`. */
  readonly spacing?: TimestepSpacing;
  /** Whether the run begins with multistep steps of low order (PLMS) in place of Runge-Kutta's. */
  readonly skipPrkSteps?: boolean;
  /** Whether the last step ends without noise, or (false) at the first timestep's noise. */
  readonly setAlphaToOne?: boolean;
}

const fields = {
  spacing: spacingOption(leading(), ["leading", "trailing", "linspace"]),
  skipPrkSteps: flagOption(false),
  setAlphaToOne: flagOption(false),
};

/**
 * Pseudo numerical methods for diffusion models: Liu et al., arXiv 2202.09778. The network's
 * outputs are combined as Runge and Kutta's or Adams and Bashforth's method combines slopes, and
 * DDIM's step is taken with what comes out.
 *
 * Three Runge-Kutta steps (PRK) of four network calls begin a run, or with `skipPrkSteps` one step
 * of two calls; then each step (PLMS) takes one. A run that begins late begins in the same way,
 * where the reference, which does not know that it is late, mixes up its first two timesteps.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function pndm(options: PndmOptions = {}): Scheduler {
  const settings = readOptions("pndm", options, fields);
  return {
    name: "pndm",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      if (!settings.skipPrkSteps && steps < 4) {
        throw new UnderpaintError({
          code: "invalid-request",
          what: "pndm begins with three Runge-Kutta steps and needs one more",
          value: steps,
          allowed: "4 steps or more",
          remedy: "or set skipPrkSteps",
        });
      }
      const noise = diffusionNoise(noiseModel, "pndm");
      const rules = { trainTimesteps: noise.alphasCumprod.length, dropsLast: false };
      const timesteps = spaceTimesteps(settings.spacing, steps, rules).map(roundHalfEven);
      const levels = timesteps.map((timestep) => discreteLevel(noise, timestep));
      refuseUnreadableLevels(levels, noise);
      levels.push(
        settings.setAlphaToOne
          ? { alpha: 1, sigma: 0, timestep: 0 }
          : { ...discreteLevel(noise, 0), timestep: 0 },
      );
      return { levels, timestepType: "int64", initialNoiseScale: 1 };
    },
    start: (run) => startPndm(run, settings.skipPrkSteps),
  };
}

function startPndm(
  { schedule: { levels }, noiseModel, begin, denoise }: SamplingRun,
  skipsPrk: boolean,
) {
  const noise = diffusionNoise(noiseModel, "pndm");
  const steps = levels.length - 1;
  const trainTimesteps = noise.alphasCumprod.length;
  const stride = Math.floor(trainTimesteps / steps);
  const half = Math.floor(stride / 2);
  const outputs: FloatTensor[] = [];

  const levelAt = (timestep: number): NoiseLevel =>
    timestep < 0 ? levels[steps]! : discreteLevel(noise, Math.min(timestep, trainTimesteps - 1));
  const ask = async (latents: FloatTensor, timestep: number): Promise<FloatTensor> => {
    const level = levelAt(timestep);
    return networkOutput(noise, latents, await denoise(latents, { ...level, timestep }), level);
  };
  const remember = (output: FloatTensor): void => {
    outputs.unshift(output);
    outputs.length = Math.min(outputs.length, 4);
  };

  /** Four calls: equation 13 of the paper, whose halves of a step the reference rounds to these. */
  async function rungeKutta(latents: FloatTensor, timestep: number, next: number) {
    const level = levelAt(timestep);
    const to = (target: number, output: FloatTensor) =>
      transfer(noise, latents, [1], [output], level, levelAt(target));
    const e1 = await ask(latents, timestep);
    remember(e1);
    const middle = next + half;
    const e2 = await ask(to(timestep - half, e1), middle);
    const e3 = await ask(to(middle, e2), middle);
    const e4 = await ask(to(middle - half, e3), next);
    return transfer(
      noise,
      latents,
      [1 / 6, 1 / 3, 1 / 3, 1 / 6],
      [e1, e2, e3, e4],
      level,
      levelAt(next),
    );
  }

  /** Two calls: Heun's method. */
  async function firstMultistep(latents: FloatTensor, timestep: number, next: number) {
    const e1 = await ask(latents, timestep);
    remember(e1);
    const [from, to] = [levelAt(timestep), levelAt(timestep - stride)];
    if (next < 0) return transfer(noise, latents, [1], [e1], from, to);
    const e2 = await ask(transfer(noise, latents, [1], [e1], from, to), next);
    return transfer(noise, latents, [0.5, 0.5], [e2, e1], levelAt(next + stride), levelAt(next));
  }

  return async (latents: FloatTensor, index: number): Promise<FloatTensor> => {
    const { timestep } = levels[index]!;
    const next = index + 1 < steps ? levels[index + 1]!.timestep : -1;
    if (!skipsPrk && index - begin < 3 && next >= 0) return rungeKutta(latents, timestep, next);
    if (outputs.length === 0) return firstMultistep(latents, timestep, next);
    remember(await ask(latents, timestep));
    const weights = adamsBashforth[outputs.length - 1]!;
    return transfer(
      noise,
      latents,
      weights,
      outputs,
      levelAt(timestep),
      levelAt(timestep - stride),
    );
  };
}

/** Adams and Bashforth's weights of the last slopes, newest first, for even steps. */
export const adamsBashforth: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** What the network said, from the clean estimate that was read out of it. */
function networkOutput(
  noise: DiffusionNoise,
  latents: FloatTensor,
  estimate: FloatTensor,
  level: NoiseLevel,
): FloatTensor {
  const { skip, output } = preconditioning(noise, level);
  return linear(1 / output, estimate, -skip / output, latents);
}

/** DDIM's step with a combination of outputs, which is read as the output at `from`. */
function transfer(
  noise: DiffusionNoise,
  latents: FloatTensor,
  weights: readonly number[],
  outputs: readonly FloatTensor[],
  from: NoiseLevel,
  to: NoiseLevel,
): FloatTensor {
  const { skip, output } = preconditioning(noise, from);
  const share = to.sigma / from.sigma;
  const ofEstimate = to.alpha - share * from.alpha;
  return combine(
    [share + ofEstimate * skip, ...weights.map((weight) => ofEstimate * output * weight)],
    [latents, ...outputs],
  );
}
