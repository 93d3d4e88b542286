import {
  between,
  checkSteps,
  type FlowNoise,
  flagOption,
  linear,
  linspace,
  noiseOfKind,
  readOptions,
  type ScheduleContext,
  type Scheduler,
  type Spacing,
  spacingOption,
  spreadSigmas,
  UnderpaintError,
} from "@underpaint/core";
import { evenSigmas, flowSchedule } from "./flow-schedule.js";
import {
  customFlowSigmas,
  type FlowShiftOptions,
  flowShiftFields,
  shifted,
  shiftedFloat32,
  shiftOf,
  stretched,
} from "./flow-shift.js";

/** The spacings that the solvers of flow know. */
export type FlowSpacing = Exclude<Spacing, { readonly kind: "leading" | "lu" | "timesteps" }>;

/** Options of {@link flowMatchEuler}. */
export interface FlowMatchEulerOptions extends FlowShiftOptions {
  /**
   * The sigmas before they are shifted: `linspace()`, down to the smallest that the model knows;
   * `trailing()`, down to 1 / steps, as Flux's pipelines have it; or custom ones, which end in 0.
   * Karras and the like lie between the ends of the shifted linspace.
   */
  readonly spacing?: FlowSpacing;
  /** Whether each step goes to the clean estimate and adds fresh noise, as distilled models want. */
  readonly stochasticSampling?: boolean;
}

const kinds = ["linspace", "trailing", "karras", "exponential", "beta", "sigmas"] as const;

const fields = {
  spacing: spacingOption(linspace(), kinds),
  stochasticSampling: flagOption(false),
  ...flowShiftFields,
};

/**
 * Euler's method for rectified flow: Esser et al., arXiv 2403.03206; Liu et al., arXiv 2209.03003.
 * With `stochasticSampling` one noise is drawn a step, none in the last.
 *
 * Options default to those of diffusers' FlowMatchEulerDiscreteScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function flowMatchEuler(options: FlowMatchEulerOptions = {}): Scheduler {
  const settings = readOptions("flow-match-euler", options, fields);
  return {
    name: "flow-match-euler",
    options: settings,
    schedule(steps, noiseModel, context) {
      checkSteps(steps);
      const noise = noiseOfKind(noiseModel, ["flow"], "flow-match-euler");
      if (noise.inverted && settings.stochasticSampling) {
        throw new UnderpaintError({
          code: "invalid-request",
          what: "stochasticSampling does not go with a model whose time runs from noise up",
          value: true,
          remedy: "leave stochasticSampling out",
        });
      }
      return flowSchedule(flowSigmas(settings, steps, noise, context), noise);
    },
    start({ schedule: { levels }, denoise, noise }) {
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        const estimate = await denoise(latents, level);
        if (settings.stochasticSampling) {
          return next.sigma === 0
            ? linear(1, estimate)
            : linear(next.alpha, estimate, next.sigma, noise());
        }
        const kept = next.sigma / level.sigma;
        return linear(kept, latents, 1 - kept, estimate);
      };
    },
  };
}

function flowSigmas(
  settings: ReturnType<typeof readOptions<typeof fields>>,
  steps: number,
  noise: FlowNoise,
  context: ScheduleContext | undefined,
): number[] {
  const { spacing } = settings;
  const shift = shiftOf(settings, context);
  // Dynamic shifting leaves the model's own sigmas alone.
  const even = evenSigmas(steps, noise, settings.useDynamicShifting ? 1 : settings.shift);
  const isCustom = spacing.kind === "sigmas";
  const base =
    spacing.kind === "trailing"
      ? between(1, 1 / steps, steps)
      : isCustom
        ? customFlowSigmas(spacing.sigmas, steps)
        : even;
  const sigmas = stretched(
    base.map((sigma) => (isCustom ? shiftedFloat32(sigma, shift) : shifted(sigma, shift))),
    settings.shiftTerminal,
  );
  if (spacing.kind === "trailing" || spacing.kind === "linspace" || spacing.kind === "sigmas") {
    return sigmas;
  }
  const first = ("sigmaMax" in spacing ? spacing.sigmaMax : undefined) ?? sigmas[0]!;
  const last = ("sigmaMin" in spacing ? spacing.sigmaMin : undefined) ?? sigmas[steps - 1]!;
  return spreadSigmas(spacing, steps, { first, last });
}
