import { nearest, UnderpaintError } from "../errors.js";

/**
 * Checks that the options of a platform's `createPipeline()` are an object with no key that is not
 * known.
 *
 * @param known what errors list.
 * @param hidden known as well, and not told of.
 * @throws UnderpaintError `invalid-request`.
 */
export function checkPipelineOptions(
  options: unknown,
  known: readonly string[],
  hidden: readonly string[] = [],
): void {
  if (typeof options !== "object" || options === null) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the pipeline's options are not an object",
      value: options,
      remedy: 'pass { model: "…" }, or nothing for the embedded model',
    });
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key) || hidden.includes(key)) continue;
    const meant = nearest(key, known);
    throw new UnderpaintError({
      code: "invalid-request",
      what: `the pipeline's options have an unknown key ${JSON.stringify(key.slice(0, 60))}`,
      value: (options as Record<string, unknown>)[key],
      allowed: known.join(", "),
      remedy: meant ? `did you mean ${meant}?` : "leave it out",
    });
  }
}
