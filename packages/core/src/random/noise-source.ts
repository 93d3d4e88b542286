import { UnderpaintError } from "../errors.js";
import { groupSize, transformGroup } from "./box-muller.js";
import { logarithm, sineAndCosine } from "./double-math.js";
import { createMersenneTwister } from "./mersenne-twister.js";
import { type Seed, validateSeed } from "./seed.js";

/** A stream of normally distributed numbers (mean 0, variance 1), told by its seed alone. */
export interface NoiseSource {
  /**
   * The next normals: what `torch.randn(count)` gives next.
   *
   * One call for 32 values is not two for 16, nor is any other division the same: how many are
   * asked for at once is part of what picks the values, as it is in torch.
   *
   * @param count A whole number from 0 to 2^31 − 1.
   * @throws UnderpaintError `invalid-request` when `count` is not.
   */
  normal(count: number): Float32Array;
  /** {@link normal} of `out.length` values, into `out`. */
  fillNormal(out: Float32Array): void;
}

const largestCount = 2 ** 31 - 1;

/**
 * The noise that `torch.manual_seed(seed)` and calls of `torch.randn` give on the CPU, on every
 * JavaScript engine, from call to call.
 *
 * From 16 values on they equal torch's vectorised (AVX2 and AVX-512) builds bit for bit; its other
 * builds differ from those by up to 1.8e-6. Fewer values torch computes by its C library's
 * double-precision functions, which may differ from the ones here in a double's last bit; rounded
 * to float32 that shows in about one value of 10^9.
 *
 * As in torch, only the low 32 bits of the seed count: 2^32 + 7 gives the noise of 7.
 *
 * @throws UnderpaintError `invalid-request` when the seed is none; see {@link validateSeed}.
 */
export function createNoiseSource(seed: Seed): NoiseSource {
  const twister = createMersenneTwister(Number(BigInt(validateSeed(seed)) & 0xffffffffn));
  // The second normal of a pair that a call for fewer than 16 left over. Calls for more pass it by.
  let spare: number | undefined;

  /** A double from 0 on, below 1: 53 bits of two draws. */
  function uniform(): number {
    const high = twister.next() & 0x1fffff;
    return (high * 2 ** 32 + twister.next()) * 2 ** -53;
  }

  function nextNormal(): number {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return kept;
    }
    const theta = 2 * Math.PI * uniform();
    const radius = Math.sqrt(-2 * logarithm(1 - uniform()));
    const [sine, cosine] = sineAndCosine(theta);
    spare = radius * sine;
    return radius * cosine;
  }

  function fillNormal(out: Float32Array): void {
    const count = out.length;
    if (count < groupSize) {
      // + 0 makes −0 a 0, as torch's addition of the mean does.
      for (let i = 0; i < count; i++) out[i] = nextNormal() + 0;
      return;
    }
    twister.fill24(out, 0);
    const last = count - groupSize;
    for (let i = 0; i <= last; i += groupSize) transformGroup(out, i);
    if (count % groupSize !== 0) {
      // The uniforms of the rest are dropped, and the last 16 values drawn anew.
      twister.fill24(out, last);
      transformGroup(out, last);
    }
  }

  return {
    normal(count) {
      if (!Number.isInteger(count) || count < 0 || count > largestCount) {
        throw new UnderpaintError({
          code: "invalid-request",
          what: "the number of normals is out of range or not a whole number",
          value: count,
          allowed: `0 to ${largestCount}`,
        });
      }
      const out = new Float32Array(count);
      fillNormal(out);
      return out;
    },
    fillNormal,
  };
}
