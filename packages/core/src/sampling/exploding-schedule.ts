import type { NoiseLevel, Schedule } from "./contract.js";
import type { SpacedSigmas, SpacingRules } from "./sigma-spacing.js";
import type { Spacing } from "./spacing.js";

/** The rules of the solvers over sigma (Euler, Heun, LMS, …) for `spaceSigmas`. */
export const sigmaRules: SpacingRules = { dropsLast: false, timesteps: "float32" };

/**
 * A variance-exploding schedule, latents = picture + sigma · noise, from sigmas and timesteps.
 *
 * @param final the last level's sigma; custom sigmas bring their own.
 * @param continuous whether the network is told ln(sigma) / 4, as EDM's is.
 */
export function explodingSchedule(
  { sigmas, timesteps }: SpacedSigmas,
  final: number,
  spacing: Spacing,
  continuous = false,
): Schedule {
  const levels = timesteps.map((timestep, i) => {
    const sigma = sigmas[i]!;
    return { alpha: 1, sigma, timestep: continuous ? continuousTimestep(sigma) : timestep };
  });
  levels.push({ alpha: 1, sigma: sigmas[timesteps.length] ?? final, timestep: 0 });
  return { levels, timestepType: "float32", initialNoiseScale: initialScale(levels, spacing) };
}

/** What a network of EDM's kind is told: ln(sigma) / 4, a float32 value. */
export function continuousTimestep(sigma: number): number {
  return Math.fround(Math.log(Math.fround(sigma))) / 4;
}

/** The first sigma, or with leading spacing the deviation of a noisy picture of unit variance. */
function initialScale(levels: readonly NoiseLevel[], spacing: Spacing): number {
  const { sigma } = levels[0]!;
  const base = "ends" in spacing && spacing.ends ? spacing.ends.kind : spacing.kind;
  return base === "leading" ? Math.sqrt(sigma ** 2 + 1) : sigma;
}
