import {
  diffusionNoise,
  type EstimateLimitOptions,
  estimateLimitFields,
  limitEstimate,
  linear,
  numberOption,
  readOptions,
  type Scheduler,
} from "@underpaint/core";
import {
  type DistilledTimesteps,
  distilledFields,
  distilledSchedule,
} from "./distilled-schedule.js";

/** Options of {@link lcm}. */
export interface LcmOptions extends DistilledTimesteps, EstimateLimitOptions {
  /** What timesteps are multiplied with in the boundary condition: 10. */
  readonly timestepScaling?: number;
}

const fields = {
  ...distilledFields,
  timestepScaling: numberOption(10, 0, 1e6),
  ...estimateLimitFields,
};

/** EDM's sigma_data in the boundary condition of consistency models. */
const sigmaData = 0.5;

/**
 * Latent consistency models' multistep sampling: Luo et al., arXiv 2310.04378. For models that were
 * distilled for it, in 1 to 8 steps. Draws one noise a step, none in the last.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function lcm(options: LcmOptions = {}): Scheduler {
  const settings = readOptions("lcm", options, fields);
  return {
    name: "lcm",
    options: settings,
    schedule: (steps, noiseModel) =>
      distilledSchedule(settings, steps, diffusionNoise(noiseModel, "lcm"), {
        alpha: 1,
        sigma: 0,
        timestep: 0,
      }),
    start({ schedule: { levels }, denoise, noise }) {
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        const estimate = limitEstimate(await denoise(latents, level), settings);
        const scaled = level.timestep * settings.timestepScaling;
        const total = scaled ** 2 + sigmaData ** 2;
        const [skip, out] = [sigmaData ** 2 / total, scaled / Math.sqrt(total)];
        return next.sigma === 0
          ? linear(out, estimate, skip, latents)
          : linear(next.alpha * out, estimate, next.alpha * skip, latents, next.sigma, noise());
      };
    },
  };
}
