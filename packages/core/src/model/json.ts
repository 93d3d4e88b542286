import { UnderpaintError } from "../errors.js";
import type { ModelSource } from "./source.js";

/** A parsed JSON object whose values are not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The largest that is known of (a text encoder's, with its label maps) has 30 kB. */
const maxBytes = 2 ** 20;

const fetchAgain = "fetch the file again, or export the model anew";

/**
 * One of a model's small JSON files.
 *
 * @throws UnderpaintError `model-invalid` when the file is missing, larger than a megabyte, not
 * UTF-8, not JSON, or JSON of something else than an object.
 */
export async function readJson(
  source: ModelSource,
  file: string,
  signal?: AbortSignal,
): Promise<JsonObject> {
  const bytes = await source.read(file, { maxBytes, ...(signal && { signal }) });
  let value: unknown;
  try {
    value = parsePythonJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${file} is not JSON`,
      remedy: fetchAgain,
      cause,
    });
  }
  if (!isObject(value)) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${file} holds no object`,
      value,
      remedy: fetchAgain,
    });
  }
  return value;
}

/**
 * Parses JSON as Python's `json` module writes it, with the infinities that JSON has not:
 * diffusers' default `"lambda_min_clipped": -Infinity` stands in the scheduler configs of the hub.
 * NaN becomes null.
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const found = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) => {
      if (token.startsWith('"')) return token;
      // JSON numbers beyond the doubles parse to infinities.
      return token === "NaN" ? "null" : token.replace("Infinity", "1e999");
    });
    if (found === text) throw error;
    return JSON.parse(found);
  }
}

/** {@link readJson}, or an empty object when the model has no such file. */
export async function readOptionalJson(
  source: ModelSource,
  file: string,
  signal?: AbortSignal,
): Promise<JsonObject | undefined> {
  const size = await source.size(file, signal && { signal });
  return size === undefined ? undefined : readJson(source, file, signal);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A number of a config, or undefined where the config has none (absent, or null as Python's None).
 *
 * @throws UnderpaintError `model-invalid` for what is no finite number, or fails `allows`.
 */
export function configNumber(
  config: JsonObject,
  key: string,
  allowed = "a finite number",
  allows: (value: number) => boolean = Number.isFinite,
): number | undefined {
  const value = config[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value) || !allows(value)) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${key} in a config.json of the model cannot be used`,
      value,
      allowed,
      remedy: fetchAgain,
    });
  }
  return value;
}

/** A whole number of a config, from 1 on. */
export function configCount(config: JsonObject, key: string): number | undefined {
  return configNumber(
    config,
    key,
    "a whole number from 1 on",
    (value) => Number.isSafeInteger(value) && value >= 1,
  );
}

/** A list of finite numbers of a config. */
export function configNumbers(config: JsonObject, key: string): readonly number[] | undefined {
  const value = config[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length === 0 || value.length > 1024) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${key} in a config.json of the model cannot be used`,
      value,
      allowed: "a list of numbers",
      remedy: fetchAgain,
    });
  }
  return value.map((_, index) => configNumber(value as unknown as JsonObject, String(index))!);
}
