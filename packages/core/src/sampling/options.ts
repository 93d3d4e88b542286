import { nearest, UnderpaintError } from "../errors.js";
import { checkSpacing, type Spacing, type SpacingKind } from "./spacing.js";

/**
 * How one option is read: takes what was given, or `undefined` if nothing was, and returns the
 * value, its default filled in; throws through `fail`, which is told what is allowed.
 */
export type OptionField<T> = (value: unknown, fail: (allowed: string) => never, name: string) => T;

/**
 * Reads the options of the plug-in `name`, which may come from a recipe's JSON: defaults filled
 * in, every value checked, none unknown. Options that are absent and have no default stay absent,
 * so that the result is plain JSON again.
 *
 * @throws UnderpaintError `invalid-request`.
 */
export function readOptions<F extends Readonly<Record<string, OptionField<unknown>>>>(
  name: string,
  given: unknown,
  fields: F,
): { readonly [K in keyof F]: ReturnType<F[K]> } {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `the options of ${name} are not an object`,
      value: given,
    });
  }
  const known = Object.keys(fields);
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${name} has no such option`,
      value: key,
      allowed: known.join(", ") || "none",
      ...(meant === undefined ? {} : { remedy: `did you mean ${meant}?` }),
    });
  }
  const read: Record<string, unknown> = {};
  for (const key of known) {
    const value = (given as Record<string, unknown>)[key];
    const fail = (allowed: string): never => {
      throw new UnderpaintError({
        code: "invalid-request",
        what: `${key} of ${name} is not right`,
        value,
        allowed,
      });
    };
    const result = fields[key]!(value, fail, name);
    if (result !== undefined) read[key] = result;
  }
  return read as { readonly [K in keyof F]: ReturnType<F[K]> };
}

/** A number from `min` to `max`. */
export function numberOption(absent: number, min: number, max: number): OptionField<number> {
  return (value = absent, fail) =>
    typeof value === "number" && value >= min && value <= max ? value : fail(range(min, max));
}

/** A number from `min` to `max`, or none. */
export function optionalNumber(min: number, max: number): OptionField<number | undefined> {
  return (value, fail, name) =>
    value === undefined ? undefined : numberOption(min, min, max)(value, fail, name);
}

/** A whole number from `min` to `max`. */
export function wholeOption(absent: number, min: number, max: number): OptionField<number> {
  return (value = absent, fail) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? (value as number)
      : fail(`a whole number ${range(min, max).slice("a number ".length)}`);
}

/** True or false. */
export function flagOption(absent: boolean): OptionField<boolean> {
  return (value = absent, fail) => (typeof value === "boolean" ? value : fail("true or false"));
}

/** One of some words. */
export function wordOption<T extends string>(absent: T, allowed: readonly T[]): OptionField<T> {
  return (value = absent, fail) =>
    allowed.includes(value as T) ? (value as T) : fail(allowed.join(", "));
}

/** A spacing, of one of the kinds that the solver knows. */
export function spacingOption<K extends SpacingKind>(
  absent: Spacing & { readonly kind: NoInfer<K> },
  kinds: readonly K[],
): OptionField<Spacing & { readonly kind: K }> {
  return (value = absent, _fail, name) => checkSpacing(value, name, kinds);
}

function range(min: number, max: number): string {
  if (max === Infinity) return `a number from ${min} up`;
  return `a number from ${min} to ${max}`;
}
