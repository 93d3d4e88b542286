// A double-precision logarithm, sine and cosine by sums and products alone, which the language
// defines to the bit: the same on every engine, where Math.log, Math.sin and Math.cos are not.
// Each reduces its argument and sums Taylor's series; errors stay under 1 unit in the last place.

// ln 2 and π/2 in parts whose leading ones end in zeros, so that a small whole number times them
// is exact (Cody and Waite, "Software Manual for the Elementary Functions", 1980).
const ln2High = 0.6931471805582987;
const ln2Low = 1.6465949582897082e-12;
const halfPiHigh = 1.5707963267341256;
const halfPiMiddle = 6.077100506303966e-11;
const halfPiLow = 2.0222662487959506e-21;

/** The natural logarithm of `w`, 2^−60 < w ≤ 1. */
export function logarithm(w: number): number {
  let exponent = 0;
  while (w < Math.SQRT1_2) {
    w *= 2;
    exponent--;
  }
  // ln(1 + f) = 2 artanh s = 2s + s·tail, where s = f / (2 + f) and 2s = f − s f, of which all but
  // f is small, so that rounding it costs little.
  const f = w - 1;
  const s = f / (2 + f);
  const ss = s * s;
  let tail = 0;
  for (let n = 23; n >= 3; n -= 2) tail = ss * (2 / n + tail);
  const half = 0.5 * f * f;
  return exponent * ln2High - (half - (s * (half + tail) + exponent * ln2Low) - f);
}

/** The sine and cosine of `theta`, 0 ≤ theta ≤ 2π. */
export function sineAndCosine(theta: number): readonly [sine: number, cosine: number] {
  // theta = quadrant·π/2 + t + rest, with |t| ≤ π/4 and rest what t lost to rounding.
  const quadrant = Math.floor(theta / halfPiHigh + 0.5);
  const near = theta - quadrant * halfPiHigh;
  const t = near - quadrant * halfPiMiddle;
  const rest = near - t - quadrant * halfPiMiddle - quadrant * halfPiLow;

  const tt = t * t;
  let odd = 0;
  for (let n = 18; n >= 2; n -= 2) odd = (-tt / (n * (n + 1))) * (1 + odd);
  const sine = t + (t * odd + rest * (1 - 0.5 * tt));

  let even = 0;
  for (let n = 17; n >= 3; n -= 2) even = (-tt / (n * (n + 1))) * (1 + even);
  const half = 0.5 * tt;
  const leading = 1 - half;
  const cosine = leading + (1 - leading - half + (-half * even - t * rest));

  switch (quadrant & 3) {
    case 0:
      return [sine, cosine];
    case 1:
      return [cosine, -sine];
    case 2:
      return [-sine, -cosine];
    default:
      return [-cosine, sine];
  }
}
