import {
  type ClipOptions,
  clipFields,
  limitEstimate,
  linear,
  linspace,
  readOptions,
  type Scheduler,
  type Spacing,
  spacingKinds,
  spacingOption,
} from "@underpaint/core";
import { sigmaSchedule } from "./sigma-schedule.js";

/** Options of {@link heun}. */
export interface HeunOptions extends ClipOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
}

const fields = {
  spacing: spacingOption(linspace(), spacingKinds),
  ...clipFields,
};

/**
 * Heun's method over sigma: algorithm 1 of Karras et al., arXiv 2206.00364. Second order; two
 * network calls a step, one in a last step that ends without noise.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function heun(options: HeunOptions = {}): Scheduler {
  const settings = readOptions("heun", options, fields);
  return {
    name: "heun",
    options: settings,
    schedule: sigmaSchedule("heun", settings.spacing),
    start({ schedule: { levels }, denoise }) {
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        const estimate = limitEstimate(await denoise(latents, level), settings);
        const kept = next.sigma / level.sigma;
        const guess = linear(kept, latents, 1 - kept, estimate);
        if (next.sigma === 0) return guess;
        const better = limitEstimate(await denoise(guess, next), settings);
        // The mean of the slopes (latents − estimate) / sigma at both ends.
        const half = (next.sigma - level.sigma) / 2;
        const [here, there] = [half / level.sigma, half / next.sigma];
        return linear(1 + here, latents, -here, estimate, there, guess, -there, better);
      };
    },
  };
}
