import { UnderpaintError } from "../errors.js";
import {
  type BetaSchedule,
  betaSchedules,
  betaTable,
  checkBetas,
  cumulativeProduct,
  rescaleToZeroTerminalSnr,
} from "./betas.js";
import type { DiffusionNoise, NoiseModel } from "./noise-model.js";

/** A parsed `scheduler_config.json`. */
export type SchedulerConfig = Readonly<Record<string, unknown>>;

/** What diffusers' classes take for betas that a config leaves out. */
interface BetaDefaults {
  readonly start: number;
  readonly end: number;
  readonly schedule: BetaSchedule;
}

const ddpmDefaults: BetaDefaults = { start: 0.0001, end: 0.02, schedule: "linear" };
const kDiffusionDefaults: BetaDefaults = { start: 0.00085, end: 0.012, schedule: "linear" };
const consistencyDefaults: BetaDefaults = {
  start: 0.00085,
  end: 0.012,
  schedule: "scaled_linear",
};

const defaultsByClass: Readonly<Record<string, BetaDefaults>> = {
  HeunDiscreteScheduler: kDiffusionDefaults,
  KDPM2DiscreteScheduler: kDiffusionDefaults,
  KDPM2AncestralDiscreteScheduler: kDiffusionDefaults,
  DPMSolverSDEScheduler: kDiffusionDefaults,
  LCMScheduler: consistencyDefaults,
  TCDScheduler: consistencyDefaults,
};

/** Classes that know nothing of `rescale_betas_zero_snr`, and so leave betas as they are. */
const neverRescaled: readonly string[] = [
  "PNDMScheduler",
  "LMSDiscreteScheduler",
  "HeunDiscreteScheduler",
  "KDPM2DiscreteScheduler",
  "KDPM2AncestralDiscreteScheduler",
  "DPMSolverSDEScheduler",
  "DPMSolverSinglestepScheduler",
  "DEISMultistepScheduler",
  "SASolverScheduler",
];

/**
 * The noise that a model was trained with, from its `scheduler_config.json` in diffusers' terms:
 * betas, zero-terminal-SNR rescaling and the prediction type, or the flow or EDM noise that the
 * config's class implies. Fields that are absent take the class's defaults in diffusers.
 *
 * @throws UnderpaintError `model-invalid` for a value that cannot be, `model-unsupported` for one
 * that is not built.
 */
export function noiseModelFromConfig(config: SchedulerConfig): NoiseModel {
  const className = typeof config._class_name === "string" ? config._class_name : "";
  if (className.startsWith("EDM")) {
    return {
      kind: "edm",
      predictionType: choice(config, "prediction_type", ["epsilon", "v_prediction"], "epsilon"),
      sigmaData: positive(config, "sigma_data", 0.5),
    };
  }
  if (className === "IPNDMScheduler") return { kind: "angular", predictionType: "v_prediction" };
  const trainTimesteps = count(config, "num_train_timesteps", 1000);
  if (className.startsWith("FlowMatch") || config.use_flow_sigmas === true) {
    if (config.use_flow_sigmas === true) {
      choice(config, "prediction_type", ["flow_prediction"], "epsilon", "with use_flow_sigmas");
    }
    return {
      kind: "flow",
      predictionType: "flow_prediction",
      trainTimesteps,
      ...(config.invert_sigmas === true ? { inverted: true } : {}),
    };
  }
  const defaults = defaultsByClass[className] ?? ddpmDefaults;
  const { betas, betaSchedule } = betasOf(config, defaults, trainTimesteps);
  const zeroTerminalSnr =
    config.rescale_betas_zero_snr === true && !neverRescaled.includes(className);
  const alphasCumprod = cumulativeProduct(
    zeroTerminalSnr ? rescaleToZeroTerminalSnr(betas) : betas,
  );
  return {
    kind: "diffusion",
    predictionType: predictionType(config),
    alphasCumprod: Float64Array.from(alphasCumprod),
    zeroTerminalSnr,
    betaSchedule,
  };
}

function betasOf(config: SchedulerConfig, defaults: BetaDefaults, timesteps: number) {
  const betaSchedule = choice(config, "beta_schedule", betaSchedules, defaults.schedule);
  if (config.trained_betas !== undefined && config.trained_betas !== null) {
    return { betas: checkBetas(config.trained_betas), betaSchedule };
  }
  const [start, end] = [
    positive(config, "beta_start", defaults.start),
    positive(config, "beta_end", defaults.end),
  ];
  if (start >= 1 || end >= 1) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: "beta_start and beta_end are not betas",
      value: [start, end],
      allowed: "numbers above 0 and below 1",
    });
  }
  return { betas: betaTable(betaSchedule, start, end, timesteps), betaSchedule };
}

function predictionType(config: SchedulerConfig): DiffusionNoise["predictionType"] {
  // Euler's class in diffusers knows "sample" by an older name too.
  const allowed = ["epsilon", "v_prediction", "sample", "original_sample"] as const;
  const type = choice(config, "prediction_type", allowed, "epsilon");
  return type === "original_sample" ? "sample" : type;
}

function choice<T extends string>(
  config: SchedulerConfig,
  field: string,
  allowed: readonly T[],
  absent: string,
  where = "",
): T {
  const value = config[field] ?? absent;
  if (!allowed.includes(value as T)) {
    throw new UnderpaintError({
      code: "model-unsupported",
      what: `the scheduler config's ${field} is not one that is built${where && ` ${where}`}`,
      value,
      allowed: allowed.join(", "),
    });
  }
  return value as T;
}

function positive(config: SchedulerConfig, field: string, absent: number): number {
  const value = config[field] ?? absent;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `the scheduler config's ${field} is not a number above 0`,
      value,
    });
  }
  return value;
}

function count(config: SchedulerConfig, field: string, absent: number): number {
  const value = config[field] ?? absent;
  if (!Number.isInteger(value) || (value as number) < 2 || (value as number) > 10_000) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `the scheduler config's ${field} is not a number of timesteps`,
      value,
      allowed: "a whole number from 2 to 10000",
    });
  }
  return value as number;
}
