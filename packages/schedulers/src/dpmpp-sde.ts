import {
  type DiffusionNoise,
  linear,
  linspace,
  numberOption,
  readOptions,
  type Scheduler,
  type Spacing,
  type SpacingRules,
  sigmaTable,
  spacingKinds,
  spacingOption,
  timestepOf,
} from "@underpaint/core";
import { ancestral } from "./euler-ancestral.js";
import { sigmaSchedule } from "./sigma-schedule.js";

/** Options of {@link dpmppSde}. */
export interface DpmppSdeOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
  /** What the added noise is multiplied with: 1. */
  readonly sNoise?: number;
}

const fields = {
  spacing: spacingOption(linspace(), spacingKinds),
  sNoise: numberOption(1, 0, Infinity),
};

const rules: SpacingRules = { dropsLast: false, timesteps: "float64-spaced" };

/**
 * DPM-Solver++ of second order for the SDE, singlestep, with ancestral noise (k-diffusion's
 * `sample_dpmpp_sde`; Lu et al., arXiv 2211.01095). Two network calls a step, one in a last step
 * that ends without noise.
 *
 * Each step draws two noises, one for either half of a Brownian path over sigma: the first half's
 * goes into the midpoint, and both into the step. The reference takes the path from torchsde's
 * Brownian tree, whose numbers are another seed's.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function dpmppSde(options: DpmppSdeOptions = {}): Scheduler {
  const settings = readOptions("dpmpp-sde", options, fields);
  return {
    name: "dpmpp-sde",
    options: settings,
    schedule: sigmaSchedule("dpmpp-sde", settings.spacing, rules),
    start({ schedule: { levels }, noiseModel, denoise, noise }) {
      const table = sigmaTable(noiseModel as DiffusionNoise);
      const { sNoise } = settings;
      return async (latents, index) => {
        const level = levels[index]!;
        const [from, to] = [level.sigma, levels[index + 1]!.sigma];
        const estimate = await denoise(latents, level);
        if (to === 0) return linear(0, latents, 1, estimate);

        const middle = Math.exp((Math.log(from) + Math.log(to)) / 2);
        const half = ancestral(from, middle);
        const first = noise();
        const kept = half.down / from;
        const halfway = linear(kept, latents, 1 - kept, estimate, sNoise * half.up, first);
        const timestep = Math.fround(timestepOf(table, middle));
        const better = await denoise(halfway, { alpha: 1, sigma: middle, timestep });

        const { up, down } = ancestral(from, to);
        const second = noise();
        // The step's increment is the sum of its halves', whose variances are their lengths.
        const [a, b] = [from - middle, middle - to].map((part) => Math.sqrt(part / (from - to)));
        const [stay, added] = [down / from, sNoise * up];
        return linear(stay, latents, 1 - stay, better, added * a!, first, added * b!, second);
      };
    },
  };
}
