import {
  type DiffusionNoise,
  type NoiseLevel,
  type Schedule,
  type Spacing,
  type SpacingRules,
  sigmaTable,
  spaceSigmas,
} from "@underpaint/core";

/** What a solver over lambda = ln(alpha / sigma) asks of its schedule. */
export interface PreservingRules {
  /** The last level's sigma; custom sigmas bring their own. */
  readonly final: (spacedSigmas: readonly number[], tableSigmas: Float64Array) => number;
  /** Timesteps whose lambda lies below are left out. */
  readonly lambdaMin?: number;
  /** See `SpacingRules.timesteps`: `int64`. */
  readonly timesteps?: SpacingRules["timesteps"];
}

/**
 * A variance-preserving schedule, alpha² + sigma² = 1, with whole timesteps, as the DPM-Solver
 * family has it.
 */
export function preservingSchedule(
  spacing: Spacing,
  steps: number,
  noise: DiffusionNoise,
  { final, lambdaMin = -Infinity, timesteps: kind = "int64" }: PreservingRules,
): Schedule {
  const table = sigmaTable(noise).sigmas;
  // lambda = −ln(sigma / alpha), which falls as the timestep grows.
  const limit = table.filter((sigma) => -Math.log(sigma) >= lambdaMin).length;
  const rules: SpacingRules = { dropsLast: true, timesteps: kind, limit };
  const { sigmas, timesteps } = spaceSigmas(spacing, steps, noise, rules);
  const last = sigmas[timesteps.length] ?? final(sigmas, table);
  const levels = timesteps.map((timestep, i) => preservingLevel(sigmas[i]!, timestep));
  levels.push(preservingLevel(last, 0));
  return { levels, timestepType: "int64", initialNoiseScale: 1 };
}

/** The variance-preserving level whose noise / picture is `ratio`. */
export function preservingLevel(ratio: number, timestep: number): NoiseLevel {
  const single = Math.fround(ratio);
  const alpha = 1 / Math.sqrt(single ** 2 + 1);
  return { alpha, sigma: single * alpha, timestep };
}

/**
 * The final sigma of DEIS and SA-Solver: the table's smallest, but for spacings of sigmas their
 * last one once more, so that the last step does nothing.
 */
export function finalOrLast(spacing: Spacing): PreservingRules["final"] {
  return (sigmas, table) => (isOverTimesteps(spacing) ? table[0]! : sigmas[sigmas.length - 1]!);
}

/** The final sigma of the DPM-Solvers: none, or the table's smallest. */
export function finalOfType(type: "zero" | "sigma_min"): PreservingRules["final"] {
  return (_, table) => (type === "zero" ? 0 : table[0]!);
}

/** Whether a spacing is one of timesteps, not of sigmas. */
export function isOverTimesteps({ kind }: Spacing): boolean {
  return ["leading", "trailing", "linspace", "timesteps"].includes(kind);
}
