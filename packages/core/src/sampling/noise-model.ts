import type { BetaSchedule } from "./betas.js";
import type { NoiseLevel } from "./contract.js";

/** What the network's output means. */
export type PredictionType = "epsilon" | "v_prediction" | "sample" | "flow_prediction";

/** The discrete-time noise of Stable Diffusion and its kin: a table over the training timesteps. */
export interface DiffusionNoise {
  readonly kind: "diffusion";
  readonly predictionType: Exclude<PredictionType, "flow_prediction">;
  /** Float32 values, as the reference computes them: the share of the picture's variance left. */
  readonly alphasCumprod: Float64Array;
  /** Whether the table was rescaled so that its last entry is pure noise. */
  readonly zeroTerminalSnr: boolean;
  /** The named table that this is, if one: DPM-Solver rounds timesteps otherwise for the cosine. */
  readonly betaSchedule?: BetaSchedule;
}

/** Rectified flow: latents = (1 − sigma) · picture + sigma · noise; timestep = sigma · trainTimesteps. */
export interface FlowNoise {
  readonly kind: "flow";
  readonly predictionType: "flow_prediction";
  readonly trainTimesteps: number;
  /** Whether time runs the other way: the network is told 1 − sigma, and goes towards the picture. */
  readonly inverted?: boolean;
}

/** The continuous noise of Karras et al.'s EDM (arXiv 2206.00364): timestep = ln(sigma) / 4. */
export interface EdmNoise {
  readonly kind: "edm";
  readonly predictionType: "epsilon" | "v_prediction";
  readonly sigmaData: number;
}

/**
 * v-diffusion's continuous noise: alpha = cos and sigma = sin of an angle of timestep · 90°, so that
 * timesteps go from 0 to 1.
 */
export interface AngularNoise {
  readonly kind: "angular";
  readonly predictionType: "v_prediction";
}

/** What noise a model was trained with, and what it predicts: a property of the model, not of a solver. */
export type NoiseModel = DiffusionNoise | FlowNoise | EdmNoise | AngularNoise;

/** The variance-preserving level of a training timestep. */
export function discreteLevel(noise: DiffusionNoise, timestep: number): NoiseLevel {
  const left = noise.alphasCumprod[timestep]!;
  return { alpha: Math.sqrt(left), sigma: Math.sqrt(1 - left), timestep };
}

/** Network input = input · latents; clean estimate = skip · latents + output · network output. */
export interface Preconditioning {
  readonly input: number;
  readonly skip: number;
  readonly output: number;
}

/**
 * How the network is asked at a noise level, and its answer read.
 *
 * The names are those of table 1 of Karras et al., arXiv 2206.00364. One formula serves variance
 * preserving and exploding scales alike, as both differ by the factor √(alpha² + sigma²) alone.
 */
export function preconditioning(noise: NoiseModel, { alpha, sigma }: NoiseLevel): Preconditioning {
  if (noise.kind === "flow") {
    return { input: 1, skip: 1, output: noise.inverted ? sigma : -sigma };
  }
  if (noise.kind === "edm") {
    const data = noise.sigmaData;
    const total = sigma ** 2 + data ** 2;
    const sign = noise.predictionType === "v_prediction" ? -1 : 1;
    return {
      input: 1 / Math.sqrt(total),
      skip: data ** 2 / total,
      output: (sign * sigma * data) / Math.sqrt(total),
    };
  }
  const norm = Math.sqrt(alpha ** 2 + sigma ** 2);
  // Tables of float32 values make a variance-preserving norm 1 only to within their rounding.
  const input = Math.abs(norm - 1) < 1e-6 ? 1 : 1 / norm;
  switch (noise.predictionType) {
    case "epsilon":
      return { input, skip: 1 / alpha, output: -sigma / alpha };
    case "v_prediction":
      return { input, skip: alpha / norm ** 2, output: -sigma / norm };
    case "sample":
      return { input, skip: 0, output: 1 };
  }
}
