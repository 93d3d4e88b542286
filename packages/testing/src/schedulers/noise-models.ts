import { type NoiseModel, noiseModelFromConfig } from "@underpaint/core";

/** A noise model that runs are tried with. */
export interface TriedNoise {
  /** For messages: "v_prediction at zero terminal SNR". */
  readonly name: string;
  readonly model: NoiseModel;
  /** Whether a scheduler may refuse it: from pure noise, no picture is to be had. */
  readonly mayBeRefused: boolean;
}

const kinds = [
  "diffusion",
  "flow",
  "edm",
  "angular",
] as const satisfies readonly NoiseModel["kind"][];

/** Every kind of noise model there is. */
export const noiseKinds: readonly NoiseModel["kind"][] = kinds;

const stableDiffusion = { beta_schedule: "scaled_linear", beta_start: 0.00085, beta_end: 0.012 };

/** Stable Diffusion's noise, flow, EDM's and v-diffusion's, with all that networks may predict. */
export function triedNoise(wanted: readonly NoiseModel["kind"][]): readonly TriedNoise[] {
  const table = ["epsilon", "v_prediction", "sample"].flatMap((prediction_type) =>
    [false, true].map((rescale_betas_zero_snr) => ({
      name: prediction_type + (rescale_betas_zero_snr ? " at zero terminal SNR" : ""),
      mayBeRefused: rescale_betas_zero_snr && prediction_type === "epsilon",
      model: noiseModelFromConfig({ ...stableDiffusion, prediction_type, rescale_betas_zero_snr }),
    })),
  );
  const edm = ["epsilon", "v_prediction"].map((prediction_type) => ({
    name: `EDM's ${prediction_type}`,
    mayBeRefused: false,
    model: noiseModelFromConfig({ _class_name: "EDMEulerScheduler", prediction_type }),
  }));
  const flow = {
    name: "flow",
    mayBeRefused: false,
    model: noiseModelFromConfig({ _class_name: "FlowMatchEulerDiscreteScheduler" }),
  };
  const angular = {
    name: "angular noise",
    mayBeRefused: false,
    model: noiseModelFromConfig({ _class_name: "IPNDMScheduler" }),
  };
  return [...table, flow, ...edm, angular].filter(({ model }) => wanted.includes(model.kind));
}

/**
 * The noise model of a kind that orders of convergence are measured with.
 *
 * A table of betas whose sigma / alpha goes evenly, in its logarithm, from 0.05 to 200. Every
 * spacing then refines everywhere at once as steps are added; with Stable Diffusion's table the
 * last steps stay long in that logarithm, and hide the order of whoever solves over it.
 */
export function measuredNoise(kind: NoiseModel["kind"]): NoiseModel {
  if (kind !== "diffusion") return triedNoise([kind])[0]!.model;
  const [smallest, largest] = [Math.log(0.05), Math.log(200)];
  const alphasCumprod = Float64Array.from({ length: 1000 }, (_, timestep) => {
    const ratio = Math.exp(smallest + (timestep / 999) * (largest - smallest));
    return Math.fround(1 / (1 + ratio ** 2));
  });
  return { kind, predictionType: "epsilon", alphasCumprod, zeroTerminalSnr: false };
}
