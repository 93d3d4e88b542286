import { UnderpaintError } from "../errors.js";
import type { CustomSpacing, TimestepSpacing } from "./spacing.js";

/** What a family of solvers takes timestep spacings to mean. */
export interface TimestepRules {
  /** How many timesteps the model was trained with. */
  readonly trainTimesteps: number;
  /**
   * Where the last step starts: at the spacing's end (DDIM, Euler), or one short of it
   * (DPM-Solver, UniPC, DEIS: they space steps + 1 timesteps and drop the last).
   */
  readonly dropsLast: boolean;
  /** Timesteps from this one up are left out; `trainTimesteps` by default. */
  readonly limit?: number;
}

/**
 * The timesteps of `steps` steps, noisiest first; fractional for linspace, which some solvers
 * round.
 *
 * Where `train / steps` is just below a quotient of the same (61 or 103 steps of 1000), the
 * reference's trailing spacing has one timestep too many, −1; here it never has.
 *
 * @throws UnderpaintError `invalid-request` when the model has no such timesteps.
 */
export function spaceTimesteps(
  spacing: TimestepSpacing,
  steps: number,
  rules: TimestepRules,
): number[] {
  const { trainTimesteps, dropsLast, limit = trainTimesteps } = rules;
  const points = dropsLast ? steps + 1 : steps;
  if (points > limit) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "there are more steps than the model has timesteps",
      value: steps,
      allowed: `1 to ${Math.max(1, dropsLast ? limit - 1 : limit)}`,
    });
  }
  const timesteps = spread(spacing, steps, points, rules);
  if (dropsLast && spacing.kind !== "trailing") timesteps.pop();
  if ((timesteps[0] ?? 0) > trainTimesteps - 1) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `leading spacing's offset puts ${steps} steps past the model's last timestep`,
      value: timesteps[0],
      allowed: `up to ${trainTimesteps - 1}`,
      remedy: "take fewer steps or a smaller offset",
    });
  }
  return timesteps;
}

function spread(
  spacing: TimestepSpacing,
  steps: number,
  points: number,
  { trainTimesteps, limit = trainTimesteps }: TimestepRules,
): number[] {
  switch (spacing.kind) {
    case "linspace": {
      if (points === 1) {
        throw new UnderpaintError({
          code: "invalid-request",
          what: "linspace spacing has no one-step schedule: its one timestep would be the last, 0",
          value: steps,
          allowed: "2 steps or more",
          remedy: "use trailing()",
        });
      }
      const step = (limit - 1) / (points - 1);
      const ascending = Array.from({ length: points }, (_, i) => i * step);
      ascending[points - 1] = limit - 1;
      return ascending.reverse();
    }
    case "leading": {
      const ratio = Math.floor(limit / points);
      return Array.from({ length: points }, (_, i) => (points - 1 - i) * ratio + spacing.offset);
    }
    case "trailing": {
      const ratio = trainTimesteps / steps;
      const timesteps: number[] = [];
      for (let i = 0; i < steps && limit - i * ratio > 0; i++) {
        timesteps.push(roundHalfEven(limit - i * ratio) - 1);
      }
      return timesteps;
    }
  }
}

/**
 * Timesteps that were given one by one.
 *
 * @throws UnderpaintError `invalid-request` when they are not `steps`, or past the model's last.
 */
export function checkedTimesteps(
  { timesteps }: CustomSpacing & { readonly kind: "timesteps" },
  steps: number,
  trainTimesteps: number,
): readonly number[] {
  checkCount("timesteps", timesteps.length, steps);
  if (timesteps[0]! <= trainTimesteps - 1) return timesteps;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "the custom timesteps go past the model's last",
    value: timesteps[0],
    allowed: `0 to ${trainTimesteps - 1}`,
  });
}

/** @throws UnderpaintError `invalid-request` when a custom spacing is for another number of steps. */
export function checkCount(kind: string, given: number, steps: number): void {
  if (given === steps) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: `the custom ${kind} are for another number of steps`,
    value: steps,
    allowed: String(given),
    remedy: `ask for ${given} steps`,
  });
}

/** NumPy's and torch's rounding: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const part = value - floor;
  if (part !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
