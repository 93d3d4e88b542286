import {
  linear,
  linspace,
  readOptions,
  type Scheduler,
  type Spacing,
  spacingKinds,
  spacingOption,
} from "@underpaint/core";
import { sigmaSchedule } from "./sigma-schedule.js";

/** Options of {@link eulerAncestral}. */
export interface EulerAncestralOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
}

const fields = { spacing: spacingOption(linspace(), spacingKinds) };

/**
 * Euler's method with ancestral noise: each step goes below its target and adds noise back up to
 * it, as DDPM does (Song et al., arXiv 2011.13456, appendix F; k-diffusion's `sample_euler_ancestral`).
 * Draws one noise a step, none in a step that ends without noise.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function eulerAncestral(options: EulerAncestralOptions = {}): Scheduler {
  const settings = readOptions("euler-ancestral", options, fields);
  return {
    name: "euler-ancestral",
    options: settings,
    schedule: sigmaSchedule("euler-ancestral", settings.spacing),
    start({ schedule: { levels }, denoise, noise }) {
      return async (latents, index) => {
        const level = levels[index]!;
        const { up, down } = ancestral(level.sigma, levels[index + 1]!.sigma);
        const estimate = await denoise(latents, level);
        const kept = down / level.sigma;
        return up === 0
          ? linear(kept, latents, 1 - kept, estimate)
          : linear(kept, latents, 1 - kept, estimate, up, noise());
      };
    },
  };
}

/** A step from sigma to a smaller one, as one down to `down` and noise of deviation `up` added. */
export function ancestral(
  from: number,
  to: number,
): { readonly up: number; readonly down: number } {
  const up = Math.min(to, Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2));
  return { up, down: Math.sqrt(to ** 2 - up ** 2) };
}
