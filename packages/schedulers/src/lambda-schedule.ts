import {
  checkSteps,
  noiseOfKind,
  type Schedule,
  type Scheduler,
  type Spacing,
  type SpacingRules,
  UnderpaintError,
} from "@underpaint/core";
import {
  type FlowLambdaOptions,
  flowLambdaSchedule,
  flowShiftOf,
  refuseFlowSpacing,
} from "./flow-lambda-schedule.js";
import { refuseOneStep } from "./one-step.js";
import { type PreservingRules, preservingSchedule } from "./preserving-schedule.js";

/** What the schedule of a solver over lambda goes by. */
export interface LambdaSettings extends Required<FlowLambdaOptions> {
  readonly spacing: Spacing;
  /** Timesteps with less than this ln(alpha / sigma) are left out. */
  readonly lambdaMinClipped?: number | undefined;
}

/**
 * The `schedule` of a solver over lambda: variance preserving for a table of betas, and for models
 * of flow of their own scale.
 */
export function lambdaSchedule(
  name: string,
  settings: LambdaSettings,
  final: PreservingRules["final"],
  rules: {
    /** Whether runs of a model of flow end at their last sigma once more, not at 0. */
    readonly repeatsLast?: boolean;
    readonly timesteps?: SpacingRules["timesteps"];
    /** Whether the solver works on the noise, of which none may be left out at the end. */
    readonly endsNoisy?: boolean;
  } = {},
): Scheduler["schedule"] {
  return (steps, noiseModel, context) => {
    const schedule = unchecked(steps, noiseModel, context);
    if (rules.endsNoisy) refuseCleanEnd(schedule, name);
    return schedule;
  };

  function unchecked(...[steps, noiseModel, context]: Parameters<Scheduler["schedule"]>): Schedule {
    checkSteps(steps);
    const noise = noiseOfKind(noiseModel, ["diffusion", "flow"], name);
    if (noise.kind === "flow") {
      refuseFlowSpacing(settings.spacing, name);
      // It would end at the one sigma that it begins with.
      if (rules.repeatsLast) refuseOneStep(steps, `${name} of a model of flow`);
      return flowLambdaSchedule(steps, noise, flowShiftOf(settings, context), rules.repeatsLast);
    }
    return preservingSchedule(settings.spacing, steps, noise, {
      final,
      timesteps: rules.timesteps ?? "int64",
      lambdaMin: settings.lambdaMinClipped ?? -Infinity,
    });
  }
}

/**
 * Refuses schedules that end without noise, for a solver that cannot: its lambda is infinite there.
 *
 * @throws UnderpaintError `invalid-request`.
 */
export function refuseCleanEnd({ levels }: Schedule, name: string): void {
  if (levels[levels.length - 1]!.sigma > 0) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: `${name} cannot end without noise with these options`,
    value: 0,
    allowed: "a last sigma above 0",
  });
}
