import {
  between,
  type FlowNoise,
  type Schedule,
  type ScheduleContext,
  type Spacing,
  UnderpaintError,
} from "@underpaint/core";
import { flowShiftFields, shifted, shiftOf } from "./flow-shift.js";

/** How the solvers over lambda shift the sigmas of a model of flow. */
export interface FlowLambdaOptions {
  /** For models of flow: above 1, more steps go where there is much noise. 1. */
  readonly flowShift?: number;
  /** For models of flow: whether the shift follows from the picture's size. */
  readonly useDynamicShifting?: boolean;
}

/** How {@link FlowLambdaOptions} are read. */
export const flowLambdaFields = {
  flowShift: flowShiftFields.shift,
  useDynamicShifting: flowShiftFields.useDynamicShifting,
};

/** The shift of a run with Flux's numbers for dynamic shifting, which these solvers do not ask. */
export function flowShiftOf(
  { flowShift, useDynamicShifting }: Required<FlowLambdaOptions>,
  context: ScheduleContext | undefined,
  timeShiftType: "exponential" | "linear" = "exponential",
): number {
  return shiftOf(
    {
      shift: flowShift,
      useDynamicShifting,
      baseShift: 0.5,
      maxShift: 1.15,
      baseImageSeqLen: 256,
      maxImageSeqLen: 4096,
      timeShiftType,
    },
    context,
  );
}

/**
 * The schedule of the solvers over lambda for a model of flow: sigmas evenly down from almost 1,
 * shifted; whole timesteps.
 *
 * @param repeatsLast whether the run ends at its last sigma (DEIS, SA-Solver), not at 0.
 */
export function flowLambdaSchedule(
  steps: number,
  noise: FlowNoise,
  shift: number,
  repeatsLast = false,
): Schedule {
  const sigmas = between(1, 1 / noise.trainTimesteps, steps + 1)
    .map((alpha) => shifted(1 - alpha, shift))
    .reverse()
    .slice(0, -1);
  return flowLambdaLevels(sigmas, repeatsLast ? sigmas[steps - 1]! : 0, noise);
}

/** Levels of flow with whole timesteps. */
export function flowLambdaLevels(
  sigmas: readonly number[],
  final: number,
  noise: FlowNoise,
): Schedule {
  const levels = [...sigmas, final].map((value, i) => {
    const sigma = Math.fround(value);
    const timestep = i < sigmas.length ? Math.trunc(value * noise.trainTimesteps) : 0;
    return { alpha: 1 - sigma, sigma, timestep };
  });
  return { levels, timestepType: "int64", initialNoiseScale: 1 };
}

/**
 * Refuses spacings for models of flow, whose sigmas these solvers spread in one way only.
 *
 * @throws UnderpaintError `invalid-request`.
 */
export function refuseFlowSpacing(spacing: Spacing, name: string): void {
  if (["leading", "trailing", "linspace"].includes(spacing.kind)) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: `${name} does not know the ${spacing.kind} spacing for a model of flow`,
    value: spacing.kind,
    allowed: "linspace",
    remedy: "leave the spacing out, or use flow-match-euler",
  });
}
