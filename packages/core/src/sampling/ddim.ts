import { linear, linearInto } from "../tensor/linear.js";
import type { NoiseLevel, Schedule, Scheduler } from "./contract.js";
import {
  type EstimateLimitOptions,
  estimateLimitFields,
  limitEstimate,
} from "./estimate-limits.js";
import { checkSteps, diffusionNoise, refuseUnreadableLevels } from "./model-fit.js";
import { type DiffusionNoise, discreteLevel } from "./noise-model.js";
import { flagOption, numberOption, readOptions, spacingOption } from "./options.js";
import { type CustomSpacing, leading, type TimestepSpacing } from "./spacing.js";
import { checkedTimesteps, roundHalfEven, spaceTimesteps } from "./timesteps.js";

/** Options of {@link ddim}. */
export interface DdimOptions extends EstimateLimitOptions {
  /** The timesteps: `leading()`. */
  readonly spacing?: TimestepSpacing | (CustomSpacing & { readonly kind: "timesteps" });
  /** The share of DDPM's noise that each step adds: 0 (none; deterministic) to 1. */
  readonly eta?: number;
  /** Whether the last step ends without noise (true), or at the first timestep's noise. */
  readonly setAlphaToOne?: boolean;
  /** Whether the noise estimate is derived from the estimate within its limits, as GLIDE does. */
  readonly useClippedModelOutput?: boolean;
}

const fields = {
  spacing: spacingOption(leading(), ["leading", "trailing", "linspace", "timesteps"]),
  eta: numberOption(0, 0, 1),
  setAlphaToOne: flagOption(true),
  useClippedModelOutput: flagOption(false),
  ...estimateLimitFields,
};

/**
 * DDIM: equations 12 and 16 of Song, Meng and Ermon, arXiv 2010.02502.
 *
 * Options default to those of diffusers' DDIMScheduler, but for `clipSample`, which is off: it is
 * for models of pixels.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function ddim(options: DdimOptions = {}): Scheduler {
  const settings = readOptions("ddim", options, fields);
  return {
    name: "ddim",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = diffusionNoise(noiseModel, "ddim");
      const levels = timestepsOf(settings.spacing, steps, noise).map((t) =>
        discreteLevel(noise, t),
      );
      refuseUnreadableLevels(levels, noise);
      levels.push(settings.setAlphaToOne ? noiseless : { ...discreteLevel(noise, 0), timestep: 0 });
      return { levels, timestepType: "int64", initialNoiseScale: 1 };
    },
    start({ schedule, noiseModel, denoise, noise }) {
      const model = diffusionNoise(noiseModel, "ddim");
      return async (latents, index) => {
        const level = schedule.levels[index]!;
        const target = targetOf(schedule, index, settings.spacing.kind, model);
        const estimate = await denoise(latents, level);
        const limited = limitEstimate(estimate, settings);
        const deviation = settings.eta * Math.sqrt(posteriorVariance(level, target));
        const direction = Math.sqrt(Math.max(0, target.sigma ** 2 - deviation ** 2));
        // The noise in the latents is (latents − alpha · estimate) / sigma.
        const [share, seen] = [direction / level.sigma, (direction * level.alpha) / level.sigma];
        const next =
          settings.useClippedModelOutput || limited === estimate
            ? linear(share, latents, target.alpha - seen, limited)
            : linear(share, latents, target.alpha, limited, -seen, estimate);
        return deviation === 0 ? next : linearInto(next, 1, next, deviation, noise());
      };
    },
  };
}

const noiseless: NoiseLevel = { alpha: 1, sigma: 0, timestep: 0 };

function timestepsOf(
  spacing: NonNullable<DdimOptions["spacing"]>,
  steps: number,
  noise: DiffusionNoise,
): number[] {
  const trainTimesteps = noise.alphasCumprod.length;
  if (spacing.kind === "timesteps") {
    return checkedTimesteps(spacing, steps, trainTimesteps).map(Math.trunc);
  }
  const rules = { trainTimesteps, dropsLast: false };
  return spaceTimesteps(spacing, steps, rules).map(roundHalfEven);
}

/**
 * Where a step leads. The reference goes ⌊train / steps⌋ timesteps down rather than to the next
 * timestep, which with linspace spacing is another; below 0 is the schedule's end.
 */
function targetOf(
  { levels }: Schedule,
  index: number,
  spacing: string,
  noise: DiffusionNoise,
): NoiseLevel {
  if (spacing === "timesteps") return levels[index + 1]!;
  const steps = levels.length - 1;
  const timestep = levels[index]!.timestep - Math.floor(noise.alphasCumprod.length / steps);
  return timestep >= 0 ? discreteLevel(noise, timestep) : levels[steps]!;
}

/** The variance of DDPM's step from one level to a cleaner one: equation 7 of arXiv 2006.11239. */
export function posteriorVariance(from: NoiseLevel, to: NoiseLevel): number {
  return (to.sigma ** 2 / from.sigma ** 2) * (1 - from.alpha ** 2 / to.alpha ** 2);
}
