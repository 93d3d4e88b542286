import {
  type CustomSpacing,
  checkedTimesteps,
  checkSteps,
  diffusionNoise,
  discreteLevel,
  type EstimateLimitOptions,
  estimateLimitFields,
  leading,
  limitEstimate,
  linear,
  type NoiseLevel,
  posteriorVariance,
  readOptions,
  refuseUnreadableLevels,
  roundHalfEven,
  type Scheduler,
  spaceTimesteps,
  spacingOption,
  type TimestepSpacing,
  wordOption,
} from "@underpaint/core";

/** Options of {@link ddpm}. */
export interface DdpmOptions extends EstimateLimitOptions {
  /** The timesteps: `leading()`. */
  readonly spacing?: TimestepSpacing | (CustomSpacing & { readonly kind: "timesteps" });
  /**
   * The variance of a step's noise: the posterior's (`fixed_small`, also by way of its logarithm),
   * or beta (`fixed_large`); section 3.2 of the paper.
   */
  readonly varianceType?: "fixed_small" | "fixed_small_log" | "fixed_large";
}

const fields = {
  spacing: spacingOption(leading(), ["leading", "trailing", "linspace", "timesteps"]),
  varianceType: wordOption("fixed_small", ["fixed_small", "fixed_small_log", "fixed_large"]),
  ...estimateLimitFields,
};

/**
 * DDPM's ancestral sampling: algorithm 2 of Ho, Jain and Abbeel, arXiv 2006.11239. For hundreds of
 * steps. Draws one noise a step, none at timestep 0.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function ddpm(options: DdpmOptions = {}): Scheduler {
  const settings = readOptions("ddpm", options, fields);
  const { spacing } = settings;
  return {
    name: "ddpm",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = diffusionNoise(noiseModel, "ddpm");
      const trainTimesteps = noise.alphasCumprod.length;
      const timesteps =
        spacing.kind === "timesteps"
          ? checkedTimesteps(spacing, steps, trainTimesteps).map(Math.trunc)
          : spaceTimesteps(spacing, steps, { trainTimesteps, dropsLast: false }).map(roundHalfEven);
      const levels: NoiseLevel[] = timesteps.map((timestep) => discreteLevel(noise, timestep));
      refuseUnreadableLevels(levels, noise);
      levels.push({ alpha: 1, sigma: 0, timestep: 0 });
      return { levels, timestepType: "int64", initialNoiseScale: 1 };
    },
    start({ schedule: { levels }, denoise, noise }) {
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        const estimate = limitEstimate(await denoise(latents, level), settings);
        const alpha = level.alpha / next.alpha;
        const beta = 1 - alpha ** 2;
        // The mean of the posterior: equation 7.
        const [ofEstimate, ofLatents] = [next.alpha * beta, alpha * next.sigma ** 2].map(
          (share) => share / level.sigma ** 2,
        );
        if (level.timestep === 0) return linear(ofEstimate!, estimate, ofLatents!, latents);
        const variance =
          settings.varianceType === "fixed_large"
            ? beta
            : Math.max(1e-20, posteriorVariance(level, next));
        return linear(ofEstimate!, estimate, ofLatents!, latents, Math.sqrt(variance), noise());
      };
    },
  };
}
