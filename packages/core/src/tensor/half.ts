// IEEE 754 binary16 ("half"): 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.

/**
 * The number that a half's 16 bits mean, exactly: 0, ±2^−24 (the least subnormal) to ±65504,
 * ±Infinity or NaN.
 *
 * @param bits A whole number from 0 to 65535; of a larger one the low 16 bits count.
 */
export function halfToNumber(bits: number): number {
  return halfToFloat(Uint16Array.of(bits))[0]!;
}

/**
 * The 16 bits of the half nearest to `value`, which is rounded once: to nearest, ties to even.
 * From ±65520 on that is ±Infinity; NaN is 0x7e00.
 */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  let rest = Math.abs(value);
  if (Number.isNaN(rest)) return 0x7e00;
  if (rest >= 65520) return sign | 0x7c00;
  // rest·2^24 counts units of the least subnormal; above 2^11 of them the unit grows, and the
  // exponent with it. A carry out of the fraction is a carry into the exponent, as it should be.
  rest *= 2 ** 24;
  let exponent = 0;
  while (rest >= 2048) {
    rest /= 2;
    exponent++;
  }
  return sign | (exponent * 1024 + roundToEven(rest));
}

/** The whole number nearest to a value from 0 to 2^51, ties to even: what lies below is pushed out. */
function roundToEven(value: number): number {
  return value + 2 ** 52 - 2 ** 52;
}

/** Halves, as their bits, to float32, which holds each of them exactly; NaNs keep their payload. */
export function halfToFloat(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = (half & 0x8000) << 16;
    const magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00) words[i] = sign | 0x7f800000 | ((magnitude & 0x3ff) << 13);
    else if (magnitude >= 0x0400) words[i] = sign | ((magnitude << 13) + (112 << 23));
    else out[i] = (sign === 0 ? magnitude : -magnitude) * 2 ** -24;
  }
  return out;
}

/**
 * Float32 to halves, as their bits: to nearest, ties to even; from ±65520 on ±Infinity. NaNs stay
 * NaNs, with the upper bits of their payload.
 */
export function floatToHalf(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      // A payload whose upper bits are all 0 must not turn the NaN into an infinity.
      const payload = (magnitude >>> 13) & 0x3ff;
      out[i] = sign | 0x7c00 | (payload === 0 ? 0x200 : payload);
    } else if (magnitude >= 0x477ff000) out[i] = sign | 0x7c00;
    else if (magnitude >= 0x38800000) {
      out[i] = sign | ((magnitude - (112 << 23) + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else out[i] = sign | roundToEven(Math.abs(values[i]!) * 2 ** 24);
  }
  return out;
}
