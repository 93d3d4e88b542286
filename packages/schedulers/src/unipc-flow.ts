import {
  between,
  type FlowNoise,
  type Schedule,
  type ScheduleContext,
  type Spacing,
  spreadSigmas,
  UnderpaintError,
} from "@underpaint/core";
import { flowLambdaLevels, flowShiftOf } from "./flow-lambda-schedule.js";
import { customFlowSigmas, shifted, stretched } from "./flow-shift.js";

/** What UniPC's schedule for a model of flow goes by. */
export interface UniPcFlowSettings {
  readonly spacing: Spacing;
  readonly flowShift: number;
  readonly useDynamicShifting: boolean;
  readonly timeShiftType: "exponential" | "linear";
  readonly shiftTerminal: number | undefined;
  readonly finalSigmasType: "zero" | "sigma_min";
}

/** The distance that a first sigma of 1, whose lambda is infinite, is moved by. */
const nudge = 1e-6;

/**
 * UniPC's schedule for a model of flow: sigmas evenly down from 1, shifted and stretched. Karras
 * sigmas s are noise over picture, between ends that must be given, and stand for s / (s + 1).
 */
export function uniPcFlowSchedule(
  settings: UniPcFlowSettings,
  steps: number,
  noise: FlowNoise,
  context: ScheduleContext | undefined,
): Schedule {
  const sigmas = spread(settings, steps, noise, context);
  const final = settings.finalSigmasType === "zero" ? 0 : sigmas[steps - 1]!;
  return flowLambdaLevels(sigmas, final, noise);
}

function spread(
  settings: UniPcFlowSettings,
  steps: number,
  noise: FlowNoise,
  context: ScheduleContext | undefined,
): number[] {
  const { spacing } = settings;
  if (spacing.kind === "karras") {
    const { sigmaMax: first, sigmaMin: last } = spacing;
    if (first === undefined || last === undefined) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: "for a model of flow, unipc's Karras spacing needs its ends",
        value: spacing.kind,
        allowed: "karras({ sigmaMin, sigmaMax })",
      });
    }
    return spreadSigmas(spacing, steps, { first, last }).map((sigma) => sigma / (sigma + 1));
  }
  const custom = spacing.kind === "sigmas";
  if (!custom && !["leading", "trailing", "linspace"].includes(spacing.kind)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `unipc does not know the ${spacing.kind} spacing for a model of flow`,
      value: spacing.kind,
      allowed: "linspace, karras, sigmas",
    });
  }
  const even = custom
    ? customFlowSigmas(spacing.sigmas, steps)
    : between(1, 1 / noise.trainTimesteps, steps + 1).slice(0, -1);
  const shift = flowShiftOf(settings, context, settings.timeShiftType);
  const sigmas = stretched(
    even.map((sigma) => shifted(sigma, shift)),
    settings.shiftTerminal,
  );
  if (Math.abs(sigmas[0]! - 1) < nudge) sigmas[0]! -= nudge;
  return sigmas;
}
