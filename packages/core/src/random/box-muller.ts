/** How many normals one transform makes: eight pairs. */
export const groupSize = 16;

/**
 * Turns the 16 uniforms at `data[start]`, given as whole numbers u·2^24, into 16 normals in place,
 * bit for bit as torch's AVX2 build does (Box and Muller, 1958): for j < 8, with the uniforms at j
 * and j + 8,
 *
 *     r = √(−2 ln(1 − u_j)),  θ = 2π u_(j+8),  n_j = r cos θ,  n_(j+8) = r sin θ.
 *
 * The logarithm, sine and cosine are Cephes' single-precision ones (Moshier, netlib.org/cephes:
 * logf.c, sinf.c), which torch uses by way of Pommier's sse_mathfun. Each step is rounded to
 * float32 by `Math.fround`, which the language defines to the bit; `Math.log`, `Math.sin` and
 * `Math.cos` it leaves to the engine. Of `Math.sqrt`, which every engine takes from the processor,
 * the double result is rounded to float32, so that it is right even if its last bits were not.
 *
 * Where torch's compiler fused a multiplication with an addition, which rounds once, the line here
 * reads `fround(a * b + c)`: the double product of two float32 is exact, and the sum is rounded
 * twice, to double and to float32. The two ways differ for one triple in some 10^9. There are only
 * 2^24 uniforms: the test compares all of them with torch, and none meets such a triple.
 */
export function transformGroup(data: Float32Array, start: number): void {
  const { fround } = Math;
  const p0 = fround(7.0376836292e-2);
  const p1 = fround(-1.151461031e-1);
  const p2 = fround(1.167699874e-1);
  const p3 = fround(-1.2420140846e-1);
  const p4 = fround(1.4249322787e-1);
  const p5 = fround(-1.6668057665e-1);
  const p6 = fround(2.0000714765e-1);
  const p7 = fround(-2.4999993993e-1);
  const p8 = fround(3.3333331174e-1);
  const ln2Low = fround(-2.1219444e-4);
  const ln2High = 0.693359375;
  const rootHalf = 11863283; // fround(√½)·2^24
  const s0 = fround(-1.9515295891e-4);
  const s1 = fround(8.3321608736e-3);
  const s2 = fround(-1.6666654611e-1);
  const c0 = fround(2.443315711809948e-5);
  const c1 = fround(-1.388731625493765e-3);
  const c2 = fround(4.166664568298827e-2);
  const fourOverPi = fround(1.27323954473516);
  // π/4 in three parts, so that octant·π/4 is taken off with more digits than float32 has.
  const piOver4High = 0.78515625;
  const piOver4Middle = 2.4187564849853516e-4;
  const piOver4Low = fround(3.774894977445941e-8);
  const ulp = 2 ** -24;
  const turn = fround(2 * Math.PI) * ulp;

  const middle = start + 8;
  for (let i = start; i < middle; i++) {
    // ln u, with u = (1 + x)·2^exponent and √½ ≤ 1 + x < √2; whole numbers carry it without
    // branches, which would be mispredicted half of the time.
    const u = 0x1000000 - data[i]!;
    const leading = Math.clz32(u);
    const mantissa = (u << leading) >>> 8;
    const small = (mantissa - rootHalf) >>> 31;
    const exponent = 8 - leading - small;
    const x = ((mantissa << small) - 0x1000000) * ulp;
    const xx = fround(x * x);
    let log = fround(p0 * x + p1);
    log = fround(log * x + p2);
    log = fround(log * x + p3);
    log = fround(log * x + p4);
    log = fround(log * x + p5);
    log = fround(log * x + p6);
    log = fround(log * x + p7);
    log = fround(log * x + p8);
    log = fround(log * x);
    log = fround(log * xx + fround(exponent * ln2Low));
    log = fround(log - 0.5 * xx);
    log = fround(exponent * ln2High + fround(x + log));
    const radius = fround(Math.sqrt(-2 * log));

    // sin θ and cos θ, from θ − octant·π/4 in [−π/4, π/4].
    const theta = fround(data[i + 8]! * turn);
    const octant = (fround(theta * fourOverPi) + 1) & ~1;
    let t = fround(theta - octant * piOver4High);
    t = fround(t - octant * piOver4Middle);
    t = fround(t - octant * piOver4Low);
    const tt = fround(t * t);
    let cosine = fround(c0 * tt + c1);
    cosine = fround(cosine * tt + c2);
    cosine = fround(cosine * tt);
    cosine = fround(cosine * tt - 0.5 * tt);
    cosine = fround(cosine + 1);
    let sine = fround(s0 * tt + s1);
    sine = fround(sine * tt + s2);
    sine = fround(sine * tt);
    sine = fround(sine * t + t);

    // In every second quadrant the two change places; + 0 makes −0 a 0, as torch's last step does.
    const swap = (octant << 2) & 8;
    const cosineSign = 1 - ((octant >> 1) & 2);
    const sineSign = 1 - ((octant ^ (octant >> 1)) & 2);
    data[i + swap] = fround(radius * cosine) * cosineSign + 0;
    data[i + 8 - swap] = fround(radius * sine) * sineSign + 0;
  }
}
