import {
  type DynamicThresholdOptions,
  type FloatTensor,
  flagOption,
  limitEstimate,
  linear,
  linspace,
  type NoiseLevel,
  readOptions,
  type Scheduler,
  type Spacing,
  spacingKinds,
  spacingOption,
  thresholdFields,
  wholeOption,
} from "@underpaint/core";
import { type FlowLambdaOptions, flowLambdaFields } from "./flow-lambda-schedule.js";
import { lambdaSchedule } from "./lambda-schedule.js";
import { noiseIn } from "./noise-in.js";
import { finalOrLast } from "./preserving-schedule.js";

/** Options of {@link deis}. */
export interface DeisOptions extends DynamicThresholdOptions, FlowLambdaOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
  /** How many of the model's outputs a step uses: 1 to 3; 2. */
  readonly solverOrder?: number;
  /** Whether runs of fewer than 15 steps lower the order in the last steps: true. */
  readonly lowerOrderFinal?: boolean;
}

const fields = {
  spacing: spacingOption(linspace(), spacingKinds),
  solverOrder: wholeOption(2, 1, 3),
  lowerOrderFinal: flagOption(true),
  ...flowLambdaFields,
  ...thresholdFields,
};

/**
 * DEIS, the exponential integrator with polynomials in ln rho (tAB-DEIS with logrho): Zhang and
 * Chen, arXiv 2204.13902. One network call a step.
 *
 * As in diffusers' DEISMultistepScheduler, whose defaults the options have, a run ends at the
 * first timestep's noise, and with spacings of sigmas at their last, where the last step does
 * nothing.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function deis(options: DeisOptions = {}): Scheduler {
  const settings = readOptions("deis", options, fields);
  return {
    name: "deis",
    options: settings,
    schedule: lambdaSchedule("deis", settings, finalOrLast(settings.spacing), {
      repeatsLast: true,
    }),
    start({ schedule: { levels }, denoise }) {
      const steps = levels.length - 1;
      const short = settings.lowerOrderFinal && steps < 15;
      const outputs: FloatTensor[] = [];
      return async (latents, index) => {
        const level = levels[index]!;
        const estimate = limitEstimate(await denoise(latents, level), settings);
        outputs.unshift(noiseIn(latents, estimate, level));
        outputs.length = Math.min(outputs.length, settings.solverOrder);
        const order = Math.min(outputs.length, short ? steps - index : 3);
        const next = levels[index + 1]!;
        const nodes = outputs.slice(0, order).map((_, k) => rhoOf(levels[index - k]!));
        const weights = nodes.map(
          (_, k) => next.alpha * integral(nodes, k, nodes[0]!, rhoOf(next)),
        );
        const [a = 0, b = 0, c = 0] = weights;
        const [m0, m1 = m0, m2 = m0] = outputs;
        return linear(next.alpha / level.alpha, latents, a, m0!, b, m1!, c, m2!);
      };
    },
  };
}

/** Noise over picture: the time of DEIS. */
function rhoOf({ alpha, sigma }: NoiseLevel): number {
  return sigma / alpha;
}

/**
 * The integral over rho of the polynomial in ln rho that is 1 at node k and 0 at the others:
 * ∫ dρ = ρ, ∫ ln ρ dρ = ρ (ln ρ − 1), ∫ ln² ρ dρ = ρ (ln² ρ − 2 ln ρ + 2).
 */
function integral(nodes: readonly number[], k: number, from: number, to: number): number {
  const others = nodes.filter((_, j) => j !== k).map(Math.log);
  const here = Math.log(nodes[k]!);
  const [u = 0, v = 0] = others;
  const scale = others.reduce((product, other) => product * (here - other), 1);
  const at = (rho: number): number => {
    if (rho === 0) return 0;
    const l = Math.log(rho);
    if (others.length === 0) return rho;
    if (others.length === 1) return rho * (l - 1 - u);
    return rho * (l * l - 2 * l + 2 - (u + v) * (l - 1) + u * v);
  };
  return (at(to) - at(from)) / scale;
}
