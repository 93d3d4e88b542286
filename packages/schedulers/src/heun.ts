import {
  checkSteps,
  diffusionNoise,
  explodingSchedule,
  flagOption,
  limitEstimate,
  linear,
  linspace,
  numberOption,
  readOptions,
  type Scheduler,
  type Spacing,
  sigmaRules,
  spaceSigmas,
  spacingKinds,
  spacingOption,
} from "@underpaint/core";

/** Options of {@link heun}. */
export interface HeunOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
  /** Whether to clip the clean estimates; for models of pixels. */
  readonly clipSample?: boolean;
  /** Where to clip them: at −1 and 1. */
  readonly clipSampleRange?: number;
}

const fields = {
  spacing: spacingOption(linspace(), spacingKinds),
  clipSample: flagOption(false),
  clipSampleRange: numberOption(1, 0, 1e6),
};

/**
 * Heun's method over sigma: algorithm 1 of Karras et al., arXiv 2206.00364. Second order; two
 * network calls a step, one in a last step that ends without noise.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function heun(options: HeunOptions = {}): Scheduler {
  const settings = readOptions("heun", options, fields);
  const limits = {
    ...settings,
    thresholding: false,
    dynamicThresholdingRatio: 1,
    sampleMaxValue: 1,
  };
  return {
    name: "heun",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = diffusionNoise(noiseModel, "heun");
      const spaced = spaceSigmas(settings.spacing, steps, noise, sigmaRules);
      return explodingSchedule(spaced, 0, settings.spacing);
    },
    start({ schedule: { levels }, denoise }) {
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        const estimate = limitEstimate(await denoise(latents, level), limits);
        const kept = next.sigma / level.sigma;
        const guess = linear(kept, latents, 1 - kept, estimate);
        if (next.sigma === 0) return guess;
        const better = limitEstimate(await denoise(guess, next), limits);
        // The mean of the slopes (latents − estimate) / sigma at both ends.
        const half = (next.sigma - level.sigma) / 2;
        const [here, there] = [half / level.sigma, half / next.sigma];
        return linear(1 + here, latents, -here, estimate, there, guess, -there, better);
      };
    },
  };
}
