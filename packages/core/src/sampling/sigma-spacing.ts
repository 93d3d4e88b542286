import { betaQuantile } from "./beta-quantile.js";
import type { DiffusionNoise } from "./noise-model.js";
import { type SigmaTable, sigmaAt, sigmaTable, timestepOf } from "./sigma-table.js";
import type { SigmaSpacing, Spacing } from "./spacing.js";
import { checkCount, checkedTimesteps, roundHalfEven, spaceTimesteps } from "./timesteps.js";

/** What a family of solvers takes spacings to mean. */
export interface SpacingRules {
  /** See `TimestepRules.dropsLast`. */
  readonly dropsLast: boolean;
  /**
   * What the network is told: `float32` timesteps; `float64-spaced`, where their sigmas are those of
   * the timesteps before rounding to float32 (DPM++ SDE); `float32-rounded`, where those of Karras sigmas
   * are rounded (DPM2); or `int64`, where Karras and Lu sigmas round and all others truncate;
   * `int64-truncated-cosine` is the same, but truncates those too with cosine betas.
   */
  readonly timesteps:
    | "float32"
    | "float64-spaced"
    | "float32-rounded"
    | "int64"
    | "int64-truncated-cosine";
  /** See `TimestepRules.limit`. */
  readonly limit?: number;
}

/** The sigmas that `steps` steps start from, noisiest first, and what the network is told there. */
export interface SpacedSigmas {
  readonly sigmas: readonly number[];
  readonly timesteps: readonly number[];
}

const { fround } = Math;

/**
 * Spreads steps over a model's sigmas. The final level, which lies below the last sigma, is not
 * among them, except for custom sigmas, which bring theirs: then there is one sigma more.
 *
 * @throws UnderpaintError `invalid-request` where spacing, steps and model do not go together.
 */
export function spaceSigmas(
  spacing: Spacing,
  steps: number,
  noise: DiffusionNoise,
  rules: SpacingRules,
): SpacedSigmas {
  const table = sigmaTable(noise);
  const trainTimesteps = table.sigmas.length;
  const timestepRules = { ...rules, trainTimesteps };
  const whole = rules.timesteps.startsWith("int64");
  switch (spacing.kind) {
    case "sigmas": {
      checkCount("sigmas", spacing.sigmas.length - 1, steps);
      const sigmas = spacing.sigmas.map(fround);
      const timesteps = sigmas
        .slice(0, -1)
        .map((sigma) => timestepOf(table, sigma, "float32-share"));
      return { sigmas, timesteps: timesteps.map(whole ? Math.trunc : fround) };
    }
    case "timesteps": {
      const checked = checkedTimesteps(spacing, steps, trainTimesteps);
      const timesteps = checked.map(whole ? Math.trunc : fround);
      return { sigmas: timesteps.map((timestep) => sigmaAt(table, timestep)), timesteps };
    }
    case "leading":
    case "trailing":
    case "linspace": {
      const spaced = spaceTimesteps(spacing, steps, timestepRules);
      const timesteps = spaced.map(whole ? roundHalfEven : fround);
      const places = rules.timesteps === "float64-spaced" ? spaced : timesteps;
      return { sigmas: places.map((timestep) => sigmaAt(table, timestep)), timesteps };
    }
    default: {
      const sigmas = spreadSigmas(spacing, steps, endsOf(spacing, steps, table, timestepRules));
      const timesteps = sigmas.map((sigma) => timestepOf(table, sigma));
      const rounds = spacing.kind === "karras" || spacing.kind === "lu";
      if (whole) {
        const isCosine = noise.betaSchedule === "squaredcos_cap_v2";
        const truncates = !rounds || (isCosine && rules.timesteps === "int64-truncated-cosine");
        return { sigmas, timesteps: timesteps.map(truncates ? Math.trunc : roundHalfEven) };
      }
      const rounded = rounds && rules.timesteps === "float32-rounded";
      return { sigmas, timesteps: timesteps.map(rounded ? roundHalfEven : fround) };
    }
  }
}

interface Ends {
  readonly first: number;
  readonly last: number;
}

function endsOf(
  spacing: SigmaSpacing,
  steps: number,
  table: SigmaTable,
  rules: SpacingRules & { readonly trainTimesteps: number },
): Ends {
  let [first, last] = [table.sigmas[table.sigmas.length - 1]!, table.sigmas[0]!];
  if (spacing.kind === "lu") return { first, last };
  if (spacing.ends) {
    const timesteps = spaceTimesteps(spacing.ends, steps, rules).map(fround);
    first = sigmaAt(table, timesteps[0]!);
    last = sigmaAt(table, timesteps[timesteps.length - 1]!);
  }
  return { first: spacing.sigmaMax ?? first, last: spacing.sigmaMin ?? last };
}

/** `steps` sigmas between two ends, both included; one step takes the first. */
export function spreadSigmas(
  spacing: SigmaSpacing,
  steps: number,
  { first, last }: Ends,
): number[] {
  switch (spacing.kind) {
    case "karras": {
      const [from, to] = [first ** (1 / spacing.rho), last ** (1 / spacing.rho)];
      return ramp(steps).map((share) => (from + share * (to - from)) ** spacing.rho);
    }
    case "exponential":
      return between(Math.log(first), Math.log(last), steps).map(Math.exp);
    case "lu": {
      const [from, to] = [fround(Math.log(first)), fround(Math.log(last))];
      return ramp(steps).map((share) => Math.exp(from + share * (to - from)));
    }
    case "beta": {
      const { alpha, beta } = spacing;
      return ramp(steps).map(
        (share) => last + betaQuantile(1 - share, alpha, beta) * (first - last),
      );
    }
  }
}

/** `np.linspace(0, 1, count)`. */
function ramp(count: number): number[] {
  return between(0, 1, count);
}

/** `np.linspace(first, last, count)`, in double precision. */
export function between(first: number, last: number, count: number): number[] {
  const step = (last - first) / (count - 1);
  return Array.from({ length: count }, (_, i) =>
    i > 0 && i === count - 1 ? last : first + (i === 0 ? 0 : i * step),
  );
}
