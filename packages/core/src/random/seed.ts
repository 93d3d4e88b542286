import { UnderpaintError } from "../errors.js";

/**
 * What picks the noise: a whole number from 0 to 2^53 − 1, or a bigint from 0 to 2^64 − 1.
 * Equal values mean the same, whichever type they have.
 */
export type Seed = number | bigint;

const bigintSeeds = 1n << 64n;

/**
 * The seed that was given, if it is one (−0 becomes 0).
 *
 * @throws UnderpaintError `invalid-request` when it is out of range, fractional or no number.
 */
export function validateSeed(seed: unknown): Seed {
  if (typeof seed === "bigint" && seed >= 0n && seed < bigintSeeds) return seed;
  if (typeof seed === "number" && Number.isSafeInteger(seed) && seed >= 0) return seed + 0;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "seed is out of range or not a whole number",
    value: seed,
    allowed: "0 to 9007199254740991 as a number, 0 to 18446744073709551615 as a bigint",
    remedy:
      typeof seed === "number" && seed > Number.MAX_SAFE_INTEGER && seed < 2 ** 64
        ? "write a seed of this size as a bigint, with an n behind it"
        : "leave it out for a random one",
  });
}

/**
 * The seed of picture `k` of a request that starts at `seed`: their sum.
 *
 * A bigint stays a bigint; a number becomes one where the sum passes 2^53 − 1, so that no two
 * pictures share a seed by rounding. Past 2^64 − 1, where torch would refuse the seed, it goes on
 * from 0n. Only a seed's low 32 bits reach the generator, and those are the sum's either way.
 *
 * @param k A whole number from 0.
 * @throws UnderpaintError `invalid-request` when `seed` is none (see {@link validateSeed}) or `k`
 * is not a whole number from 0 to 2^53 − 1.
 */
export function addToSeed(seed: Seed, k: number): Seed {
  const first = validateSeed(seed);
  if (!Number.isSafeInteger(k) || k < 0) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the number of a picture is not a whole number",
      value: k,
      allowed: "0 to 9007199254740991",
    });
  }
  if (typeof first === "number" && Number.isSafeInteger(first + k)) return first + k;
  return (BigInt(first) + BigInt(k)) % bigintSeeds;
}
