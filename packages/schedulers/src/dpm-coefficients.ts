import type { NoiseLevel } from "@underpaint/core";

/** Which equation a DPM-Solver discretises. */
export type DpmAlgorithm = "dpmsolver" | "dpmsolver++" | "sde-dpmsolver" | "sde-dpmsolver++";

/** How the second-order term is approximated: at the middle of the step, or exactly integrated. */
export type DpmSolverType = "midpoint" | "heun";

/** Half the logarithm of the signal-to-noise ratio: the time of DPM-Solver. */
export function lambdaOf({ alpha, sigma }: NoiseLevel): number {
  return Math.log(alpha) - Math.log(sigma);
}

/**
 * What the parts of a step are multiplied with: the latents, the model's output D0 and its first
 * and second differences D1 and D2 over lambda, and unit noise.
 */
export interface DpmStep {
  readonly latents: number;
  readonly d0: number;
  readonly d1: number;
  readonly d2: number;
  readonly noise: number;
}

/**
 * A step of DPM-Solver between two levels.
 *
 * - `dpmsolver`: the model's output is the noise. Lu et al., arXiv 2206.00927.
 * - `dpmsolver++`: it is the clean estimate. Lu et al., arXiv 2211.01095, algorithms 1 and 2.
 * - `sde-…`: the same for the diffusion SDE; arXiv 2211.01095, appendix B.
 *
 * For midpoint steps, d1 is half of d0; there d2 goes with third-order steps alone, which have d1
 * integrated.
 */
export function dpmStep(
  algorithm: DpmAlgorithm,
  solverType: DpmSolverType,
  from: NoiseLevel,
  to: NoiseLevel,
): DpmStep {
  const h = lambdaOf(to) - lambdaOf(from);
  const midpoint = solverType === "midpoint";
  switch (algorithm) {
    case "dpmsolver++": {
      const phi = Math.expm1(-h);
      return {
        latents: to.sigma / from.sigma,
        d0: -to.alpha * phi,
        d1: midpoint ? -0.5 * to.alpha * phi : to.alpha * (phi / h + 1),
        d2: -to.alpha * ((phi + h) / h ** 2 - 0.5),
        noise: 0,
      };
    }
    case "dpmsolver": {
      const phi = Math.expm1(h);
      return {
        latents: to.alpha / from.alpha,
        d0: -to.sigma * phi,
        d1: midpoint ? -0.5 * to.sigma * phi : -to.sigma * (phi / h - 1),
        d2: -to.sigma * ((phi - h) / h ** 2 - 0.5),
        noise: 0,
      };
    }
    case "sde-dpmsolver++": {
      const decay = -Math.expm1(-2 * h);
      return {
        latents: (to.sigma / from.sigma) * Math.exp(-h),
        d0: to.alpha * decay,
        d1: midpoint ? 0.5 * to.alpha * decay : to.alpha * (1 - decay / (2 * h)),
        d2: to.alpha * ((decay - 2 * h) / (2 * h) ** 2 - 0.5),
        noise: to.sigma * Math.sqrt(decay),
      };
    }
    case "sde-dpmsolver": {
      const phi = Math.expm1(h);
      return {
        latents: to.alpha / from.alpha,
        d0: -2 * to.sigma * phi,
        d1: midpoint ? -to.sigma * phi : -2 * to.sigma * (phi / h - 1),
        d2: 0,
        noise: to.sigma * Math.sqrt(Math.expm1(2 * h)),
      };
    }
  }
}
