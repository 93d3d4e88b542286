import {
  isUnderpaintError,
  nearest,
  type Scheduler,
  type SchedulerConfig,
  UnderpaintError,
} from "@underpaint/core";
import { configClasses } from "./classes.js";
import { type ConfigClass, noiseFields, withDefaults } from "./values.js";

/** Options of {@link fromConfig}. */
export interface FromConfigOptions {
  /**
   * Reads the config as one of another class, as diffusers' `OtherScheduler.from_config` does: what
   * the two share is taken over, and fields that only the config's own class knows are not told of.
   */
  readonly className?: string;
  /** Told, in a sentence, of the fields that are not known and so have no effect. */
  readonly onWarning?: (message: string) => void;
}

/** The classes of diffusers that {@link fromConfig} knows. */
export const configClassNames: readonly string[] = Object.keys(configClasses);

/**
 * The scheduler that a model's `scheduler_config.json` describes, with diffusers' defaults for
 * what is absent. The config's betas and prediction type are the noise model's business: see
 * `noiseModelFromConfig`.
 *
 * @throws UnderpaintError `model-unsupported` for a class or value that is not built,
 * `model-invalid` for one that cannot be.
 */
export function fromConfig(config: SchedulerConfig, options: FromConfigOptions = {}): Scheduler {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: "the scheduler config is not an object",
      value: config,
    });
  }
  const reader = classNamed(options.className ?? config._class_name);
  const unknown = Object.keys(config)
    .filter((field) => !isKnown(field, reader, options.className !== undefined))
    .map((field) => JSON.stringify(field.slice(0, 60)));
  if (unknown.length > 0) {
    options.onWarning?.(
      `the scheduler config has what ${options.className ?? config._class_name} does not know, ` +
        `and which has no effect: ${unknown.join(", ")}.`,
    );
  }
  try {
    return reader.create(withDefaults(withoutInfinities(config), reader.defaults));
  } catch (error) {
    if (!isUnderpaintError(error, "invalid-request")) throw error;
    throw new UnderpaintError({
      code: "model-unsupported",
      what: `the scheduler config asks for what is not built: ${error.message.replace(/\.$/, "")}`,
      cause: error,
    });
  }
}

/** An infinity is diffusers' way to leave a bound out (`lambda_min_clipped`); a recipe cannot hold it. */
function withoutInfinities(config: SchedulerConfig): SchedulerConfig {
  return Object.fromEntries(
    Object.entries(config).filter(([, value]) => Math.abs(value as number) !== Infinity),
  );
}

function classNamed(name: unknown): ConfigClass {
  const known = typeof name === "string" && Object.hasOwn(configClasses, name);
  if (known) return configClasses[name]!;
  const meant = typeof name === "string" ? nearest(name, configClassNames) : undefined;
  throw new UnderpaintError({
    code: "model-unsupported",
    what: "the scheduler config's _class_name is not one that is built",
    value: name,
    allowed: configClassNames.join(", "),
    remedy: `${meant === undefined ? "" : `did you mean ${meant}? Or `}choose a scheduler yourself`,
  });
}

function isKnown(field: string, reader: ConfigClass, ofAnyClass: boolean): boolean {
  if (field.startsWith("_") || (noiseFields as readonly string[]).includes(field)) return true;
  const readers = ofAnyClass ? Object.values(configClasses) : [reader];
  return readers.some(
    ({ defaults, rescales }) =>
      Object.hasOwn(defaults, field) || (rescales && field === "rescale_betas_zero_snr"),
  );
}
