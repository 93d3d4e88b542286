import {
  beta,
  exponential,
  karras,
  leading,
  linspace,
  lu,
  type Scheduler,
  type SchedulerConfig,
  type SigmaEnds,
  type Spacing,
  type TimestepSpacing,
  trailing,
  UnderpaintError,
} from "@underpaint/core";

/** How the configs of one of diffusers' classes are read. */
export interface ConfigClass {
  /** The class's own fields, with diffusers' defaults; those of the noise are not among them. */
  readonly defaults: ConfigValues;
  /** Whether the class knows `rescale_betas_zero_snr`. */
  readonly rescales?: boolean;
  /** The scheduler of these values. */
  create(values: ConfigValues): Scheduler;
}

/** A config with the class's defaults filled in; nothing is null that has a default. */
export type ConfigValues = Readonly<Record<string, unknown>>;

/** The fields of a config that tell of the model's noise: `noiseModelFromConfig` reads them. */
export const noiseFields = [
  "num_train_timesteps",
  "beta_start",
  "beta_end",
  "beta_schedule",
  "trained_betas",
  "prediction_type",
] as const;

/** diffusers' defaults of the fields that choose timesteps. */
export const timestepDefaults = { timestep_spacing: "linspace", steps_offset: 0 } as const;

/** diffusers' defaults of the fields that choose sigmas. */
export const sigmaDefaults = {
  ...timestepDefaults,
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  // Not parameters of most classes, but read from the config where another class left them.
  sigma_min: null,
  sigma_max: null,
} as const;

/** diffusers' defaults of dynamic thresholding. */
export const thresholdDefaults = {
  thresholding: false,
  dynamic_thresholding_ratio: 0.995,
  sample_max_value: 1.0,
} as const;

/** diffusers' defaults of clipping. */
export const clipDefaults = { clip_sample: false, clip_sample_range: 1.0 } as const;

/** What options and values of the solvers over lambda have in common. */
export const lambdaFields = [
  "solver_order",
  "lower_order_final",
  ...Object.keys(thresholdDefaults),
] as const;

/** The classes take each other's configs, with the nearest that they have of their own. */
export const dpmTypes = {
  algorithm_type: { deis: "dpmsolver++" },
  solver_type: { logrho: "midpoint", bh1: "midpoint", bh2: "midpoint" },
} as const;

/** `timestep_spacing` and `steps_offset` as a spacing. */
export function timestepSpacingOf(values: ConfigValues): TimestepSpacing {
  switch (values.timestep_spacing) {
    case "leading":
      return leading({ offset: values.steps_offset as number });
    case "trailing":
      return trailing();
    case "linspace":
      return linspace();
  }
  throw unsupported("timestep_spacing", values.timestep_spacing, "leading, trailing, linspace");
}

/**
 * The spacing of a config.
 *
 * @param overSpaced whether sigmas are spread between those of the spaced timesteps (the solvers
 * over sigma), or over all that the model knows (the DPM-Solver family).
 */
export function spacingOf(values: ConfigValues, overSpaced: boolean): Spacing {
  const wanted = Object.keys(values).filter(
    (field) =>
      /^use_(karras|exponential|beta)_sigmas$|^use_lu_lambdas$/.test(field) && flag(values, field),
  );
  const base = timestepSpacingOf(values);
  if (wanted.length > 1) {
    throw unsupported(wanted.join(" and "), true, "one of them");
  }
  const ends: SigmaEnds = {
    ...(overSpaced ? { ends: base } : {}),
    ...(typeof values.sigma_min === "number" ? { sigmaMin: values.sigma_min } : {}),
    ...(typeof values.sigma_max === "number" ? { sigmaMax: values.sigma_max } : {}),
  };
  switch (wanted[0]) {
    case "use_karras_sigmas":
      return karras(ends);
    case "use_exponential_sigmas":
      return exponential(ends);
    case "use_beta_sigmas":
      return beta(ends);
    case "use_lu_lambdas":
      return lu();
  }
  return base;
}

/** A field that is true or false; JSON's null is false, as in Python. */
export function flag(values: ConfigValues, field: string): boolean {
  const value = values[field] ?? false;
  if (typeof value !== "boolean") throw unsupported(field, value, "true or false");
  return value;
}

/** The named fields as options of a factory, `snake_case` made `camelCase`; null ones left out. */
export function optionsOf(
  values: ConfigValues,
  fields: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(
    fields
      .filter((field) => values[field] !== null && values[field] !== undefined)
      .map((field) => [camelCase(field), values[field]]),
  );
}

/** `final_sigmas_type` → `finalSigmasType`. */
export function camelCase(field: string): string {
  return field.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The error for a field of a config whose value is not built. */
export function unsupported(field: string, value: unknown, allowed: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-unsupported",
    what: `the scheduler config's ${field} is not one that is built`,
    value,
    allowed,
  });
}

/** The config's values over the defaults of its class. */
export function withDefaults(config: SchedulerConfig, defaults: ConfigValues): ConfigValues {
  const values: Record<string, unknown> = { ...defaults };
  for (const field of Object.keys(defaults)) {
    if (config[field] !== undefined && config[field] !== null) values[field] = config[field];
  }
  return values;
}

/** The values with some words replaced by others. */
export function replaced(
  values: ConfigValues,
  words: Readonly<Record<string, Readonly<Record<string, string>>>>,
): ConfigValues {
  const result: Record<string, unknown> = { ...values };
  for (const [field, others] of Object.entries(words)) {
    const value = result[field];
    if (typeof value === "string" && Object.hasOwn(others, value)) result[field] = others[value];
  }
  return result;
}

/** @throws UnderpaintError `model-unsupported` when a field has another value than these. */
export function requireOne(values: ConfigValues, field: string, allowed: readonly string[]): void {
  if (!allowed.includes(values[field] as string)) {
    throw unsupported(field, values[field], allowed.join(", "));
  }
}

/** Refuses models that predict their variance beside the picture: their outputs are twice as many. */
export function refuseLearnedVariance(values: ConfigValues): void {
  const type = values.variance_type;
  if (type === "learned" || type === "learned_range") {
    throw unsupported("variance_type", type, "null, fixed_small, fixed_large");
  }
}

/** A copy without some fields. */
export function omit<T extends object, K extends keyof T>(
  from: T,
  fields: readonly K[],
): Omit<T, K> {
  const entries = Object.entries(from).filter(
    ([field]) => !(fields as readonly string[]).includes(field),
  );
  return Object.fromEntries(entries) as Omit<T, K>;
}
