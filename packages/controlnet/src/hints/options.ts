import { type ErrorDetails, nearest, UnderpaintError } from "@underpaint/core";

/** An `invalid-request` error, unless another code is given. */
export function invalid(
  details: Omit<ErrorDetails, "code"> & Partial<ErrorDetails>,
): UnderpaintError {
  return new UnderpaintError({ code: "invalid-request", ...details });
}

/**
 * Throws unless `options` is an object whose keys are all known: a misspelt option would silently
 * be its default.
 */
export function checkKeys(options: unknown, owner: string, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalid({ what: `${owner}'s options are no object`, value: options });
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    throw invalid({
      what: `${owner} has no option of that name`,
      value: key,
      allowed: known.join(", "),
      ...(meant === undefined ? {} : { remedy: `did you mean ${meant}?` }),
    });
  }
}

/** `value`, once it is known to be a finite number from `least` to `most`. */
export function numberIn(value: unknown, name: string, least: number, most: number): number {
  if (typeof value !== "number" || !(value >= least && value <= most)) {
    throw invalid({ what: `${name} is out of range`, value, allowed: `${least} to ${most}` });
  }
  return value;
}

/** `value`, once it is known to be a whole number from `least` to `most`. */
export function wholeIn(value: unknown, name: string, least: number, most: number): number {
  if (!Number.isInteger(value) || !((value as number) >= least && (value as number) <= most)) {
    throw invalid({
      what: `${name} is out of range`,
      value,
      allowed: `a whole number from ${least} to ${most}`,
    });
  }
  return value as number;
}

/** `value`, once it is known to be true or false. */
export function flag(value: unknown, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw invalid({ what: `${name} is neither true nor false`, value });
}

/** `value`, once it is known to be one of `words`. */
export function oneOf<Word extends string>(
  value: unknown,
  name: string,
  words: readonly Word[],
): Word {
  if (words.includes(value as Word)) return value as Word;
  const meant = typeof value === "string" ? nearest(value, words) : undefined;
  throw invalid({
    what: `${name} is not known`,
    value,
    allowed: words.join(", "),
    ...(meant === undefined ? {} : { remedy: `did you mean ${meant}?` }),
  });
}
