import {
  type FloatTensor,
  linspace,
  readOptions,
  type Scheduler,
  type Spacing,
  spacingKinds,
  spacingOption,
  wholeOption,
} from "@underpaint/core";
import { combine } from "./combine.js";
import { noiseIn } from "./noise-in.js";
import { sigmaSchedule } from "./sigma-schedule.js";

/** Options of {@link lms}. */
export interface LmsOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
  /** How many slopes a step uses: 1 to 4; 4. */
  readonly order?: number;
}

const fields = { spacing: spacingOption(linspace(), spacingKinds), order: wholeOption(4, 1, 4) };

/**
 * The linear multistep method over sigma (k-diffusion's `sample_lms`): Adams and Bashforth's, with
 * coefficients for uneven steps. One network call a step.
 *
 * A run that begins late begins with order 1 again. The reference does not: it takes the first of
 * the coefficients of a higher order, which do not add up to the step.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function lms(options: LmsOptions = {}): Scheduler {
  const settings = readOptions("lms", options, fields);
  return {
    name: "lms",
    options: settings,
    schedule: sigmaSchedule("lms", settings.spacing),
    start({ schedule: { levels }, denoise }) {
      const slopes: FloatTensor[] = [];
      const sigmas = levels.map(({ sigma }) => sigma);
      return async (latents, index) => {
        const level = levels[index]!;
        const estimate = await denoise(latents, level);
        slopes.unshift(noiseIn(latents, estimate, level));
        slopes.length = Math.min(slopes.length, settings.order);
        const nodes = slopes.map((_, k) => sigmas[index - k]!);
        const weights = nodes.map((_, k) =>
          lagrangeIntegral(nodes, k, level.sigma, sigmas[index + 1]!),
        );
        return combine([1, ...weights], [latents, ...slopes]);
      };
    },
  };
}

/**
 * The integral from `from` to `to` of the polynomial that is 1 at node k and 0 at the others: by
 * Gauss's formula with two points, which is exact up to degree 3, that is, for four nodes.
 */
export function lagrangeIntegral(
  nodes: readonly number[],
  k: number,
  from: number,
  to: number,
): number {
  const [middle, half] = [(from + to) / 2, (to - from) / 2];
  const value = (x: number) =>
    nodes.reduce(
      (product, node, j) => (j === k ? product : (product * (x - node)) / (nodes[k]! - node)),
      1,
    );
  return half * (value(middle - half / Math.sqrt(3)) + value(middle + half / Math.sqrt(3)));
}
