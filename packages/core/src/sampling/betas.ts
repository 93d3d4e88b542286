import { UnderpaintError } from "../errors.js";

/**
 * How much noise each training timestep adds, as a table of betas, and what is left of the picture.
 *
 * Everything here is float32 arithmetic step by step, as the reference computes its tables:
 * 1 − alphasCumprod is 0.0009 at the first timestep, so that float32's rounding shows there in the
 * fifth digit of sigma.
 */

/** The named tables of betas. */
export const betaSchedules = [
  "linear",
  "scaled_linear",
  "squaredcos_cap_v2",
  "sigmoid",
  "laplace",
  "exp",
] as const;

/** A named table of betas: see {@link betaTable}. */
export type BetaSchedule = (typeof betaSchedules)[number];

const { fround } = Math;

/** `torch.linspace(start, end, count)` in float32: from both ends towards the middle. */
export function linspaceFloat32(start: number, end: number, count: number): number[] {
  const [first, last] = [fround(start), fround(end)];
  if (count === 1) return [first];
  const step = fround(fround(last - first) / (count - 1));
  return Array.from({ length: count }, (_, i) =>
    // The product is not rounded before it is added: torch's build fuses the two.
    i < Math.floor(count / 2) ? fround(first + step * i) : fround(last - step * (count - 1 - i)),
  );
}

/**
 * The betas of a named schedule, float32 values, one for each of `count` training timesteps.
 *
 * - `linear`: Ho et al., arXiv 2006.11239.
 * - `scaled_linear`: linear in √beta, the latent diffusion models' (arXiv 2112.10752).
 * - `squaredcos_cap_v2`: the cosine schedule of Nichol and Dhariwal, arXiv 2102.09672.
 * - `sigmoid`: GeoDiff's, arXiv 2203.02923.
 * - `laplace`: Hang et al., arXiv 2407.03297. `exp`: alpha-bar falls as exp(−12 t).
 *
 * The last three take no notice of `start` and `end`, but for `sigmoid`.
 */
export function betaTable(
  schedule: BetaSchedule,
  start: number,
  end: number,
  count: number,
): number[] {
  switch (schedule) {
    case "linear":
      return linspaceFloat32(start, end, count);
    case "scaled_linear":
      return linspaceFloat32(start ** 0.5, end ** 0.5, count).map((root) => fround(root * root));
    case "sigmoid": {
      const [span, low] = [fround(end - start), fround(start)];
      return linspaceFloat32(-6, 6, count).map((x) =>
        fround(fround(fround(1 / (1 + Math.exp(-x))) * span) + low),
      );
    }
    case "squaredcos_cap_v2":
      return betasOfAlphaBar((t) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2, count);
    case "exp":
      return betasOfAlphaBar((t) => Math.exp(-12 * t), count);
    case "laplace":
      return betasOfAlphaBar(laplaceAlphaBar, count);
  }
}

/** beta = 1 − alphaBar(end of the timestep) / alphaBar(its begin), at most 0.999. */
function betasOfAlphaBar(alphaBar: (t: number) => number, count: number): number[] {
  return Array.from({ length: count }, (_, i) =>
    fround(Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999)),
  );
}

function laplaceAlphaBar(t: number): number {
  const sign = t > 0.5 ? -1 : 1;
  const ratio = Math.exp(-0.5 * sign * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6));
  return Math.sqrt(ratio / (1 + ratio));
}

/**
 * Betas shifted and scaled so that the last timestep is pure noise: algorithm 1 of Lin et al.,
 * "Common Diffusion Noise Schedules and Sample Steps are Flawed", arXiv 2305.08891.
 *
 * Square roots are rounded correctly here. Torch's float32 root is not, by a bit that depends on
 * the machine, which this algorithm magnifies to 1e-4 of the smallest sigmas.
 */
export function rescaleToZeroTerminalSnr(betas: readonly number[]): number[] {
  const roots = cumulativeProduct(betas).map((value) => fround(Math.sqrt(value)));
  const [first, last] = [roots[0]!, roots[roots.length - 1]!];
  const scale = fround(first / fround(first - last));
  const rescaled = roots.map((root) => {
    const shifted = fround(fround(root - last) * scale);
    return fround(shifted * shifted);
  });
  return rescaled.map((value, i) =>
    fround(1 - (i === 0 ? value : fround(value / rescaled[i - 1]!))),
  );
}

/** The running product of 1 − beta: kept in double, each entry rounded to float32, as torch does. */
export function cumulativeProduct(betas: readonly number[]): number[] {
  let product = 1;
  return betas.map((beta) => {
    product *= fround(1 - beta);
    return fround(product);
  });
}

/**
 * Checks betas that come from a file.
 *
 * @throws UnderpaintError `model-invalid` unless there are 2 to 10,000, each from 0 to 1.
 */
export function checkBetas(betas: unknown): number[] {
  const sound =
    Array.isArray(betas) &&
    betas.length >= 2 &&
    betas.length <= 10_000 &&
    betas.every((beta) => typeof beta === "number" && beta >= 0 && beta <= 1);
  if (!sound) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: "trained_betas is not a table of betas",
      value: betas,
      allowed: "2 to 10000 numbers from 0 to 1",
    });
  }
  return betas.map((beta: number) => fround(beta));
}
