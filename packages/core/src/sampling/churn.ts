import { linear } from "../tensor/linear.js";
import type { FloatTensor } from "../tensor/tensor.js";
import type { NoiseLevel } from "./contract.js";
import { type NoiseModel, preconditioning } from "./noise-model.js";
import { numberOption, optionalNumber } from "./options.js";

/** The noise that Euler's method can add before a step: algorithm 2 of arXiv 2206.00364. */
export interface ChurnOptions {
  /** How much noise is added in all; 0 (none) by default. */
  readonly sChurn?: number;
  /** The smallest sigma where noise is added: 0. */
  readonly sTmin?: number;
  /** The largest sigma where noise is added; no limit by default. */
  readonly sTmax?: number;
  /** What the added noise is multiplied with: 1. */
  readonly sNoise?: number;
}

/** How {@link ChurnOptions} are read. */
export const churnFields = {
  sChurn: numberOption(0, 0, Infinity),
  sTmin: numberOption(0, 0, Infinity),
  sTmax: optionalNumber(0, Infinity),
  sNoise: numberOption(1, 0, Infinity),
};

/** A raised noise level. */
export interface Churned {
  readonly sigma: number;
  /** What unit noise is multiplied with to get there; 0 where nothing is raised. */
  readonly deviation: number;
}

/** How far noise is raised at each sigma in a run of `steps` steps. */
export function churning(
  options: { readonly [K in keyof ChurnOptions]-?: ChurnOptions[K] | undefined },
  steps: number,
): (sigma: number) => Churned {
  const { sChurn = 0, sTmin = 0, sTmax = Infinity, sNoise = 1 } = options;
  const gamma = Math.min(sChurn / steps, Math.SQRT2 - 1);
  return (sigma) => {
    if (gamma === 0 || sigma < sTmin || sigma > sTmax) return { sigma, deviation: 0 };
    const raised = sigma * (1 + gamma);
    return { sigma: raised, deviation: sNoise * Math.sqrt(raised ** 2 - sigma ** 2) };
  };
}

/**
 * Euler's step to sigma `next` from latents whose noise is raised by `noise`.
 *
 * As in the reference, the network was asked before the noise was added: its answer is read once
 * more, together with the noisier latents; for v with a table of betas, as at the old sigma.
 */
export function churnedStep(
  latents: FloatTensor,
  estimate: FloatTensor,
  noise: FloatTensor,
  level: NoiseLevel,
  churned: Churned,
  next: number,
  noiseModel: NoiseModel,
): FloatTensor {
  const old = preconditioning(noiseModel, level);
  const keeps = noiseModel.kind === "diffusion" && noiseModel.predictionType === "v_prediction";
  const read = keeps ? old : preconditioning(noiseModel, { ...level, sigma: churned.sigma });
  // estimate = old.skip · latents + old.output · answer; the same answer read anew is
  // read.skip · (latents + deviation · noise) + scale · (estimate − old.skip · latents).
  const scale = read.output / old.output;
  const move = 1 - next / churned.sigma;
  const stay = 1 - move + move * read.skip;
  return linear(
    stay - move * scale * old.skip,
    latents,
    move * scale,
    estimate,
    churned.deviation * stay,
    noise,
  );
}
