import { between, type FlowNoise, type Schedule } from "@underpaint/core";

/** More steps where there is much noise, for shift above 1: equation 23 of arXiv 2403.03206. */
export function shifted(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/**
 * The schedule of the solvers over lambda for a model of flow: sigmas evenly down from almost 1,
 * shifted; whole timesteps.
 */
export function flowSchedule(steps: number, noise: FlowNoise, shift: number): Schedule {
  const alphas = between(1, 1 / noise.trainTimesteps, steps + 1);
  const levels = alphas.map((alpha) => {
    const sigma = shifted(1 - alpha, shift);
    return {
      alpha: 1 - Math.fround(sigma),
      sigma: Math.fround(sigma),
      timestep: Math.trunc(sigma * noise.trainTimesteps),
    };
  });
  return { levels: levels.reverse(), timestepType: "int64", initialNoiseScale: 1 };
}
