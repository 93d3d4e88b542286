import {
  between,
  type ChurnOptions,
  checkSteps,
  churnFields,
  churning,
  type FlowNoise,
  flagOption,
  linear,
  linspace,
  noiseOfKind,
  readOptions,
  type Schedule,
  type ScheduleContext,
  type Scheduler,
  type Spacing,
  spacingOption,
  spreadSigmas,
  UnderpaintError,
} from "@underpaint/core";
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

const eulerFields = {
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
  const settings = readEulerOptions(options);
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

/** Options of {@link flowMatchHeun}. */
export interface FlowMatchHeunOptions extends ChurnOptions {
  /** Above 1, more steps go where there is much noise: 1. */
  readonly shift?: number;
}

const heunFields = { shift: flowShiftFields.shift, ...churnFields };

/**
 * Heun's method for rectified flow: second order; two network calls a step, one in the last.
 * Options default to those of diffusers' FlowMatchHeunDiscreteScheduler.
 *
 * With churn, two noises are drawn a step as in the reference, though only the first has effect.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function flowMatchHeun(options: FlowMatchHeunOptions = {}): Scheduler {
  const settings = readOptions("flow-match-heun", options, heunFields);
  const { shift } = settings;
  return {
    name: "flow-match-heun",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = noiseOfKind(noiseModel, ["flow"], "flow-match-heun");
      return flowSchedule(
        evenSigmas(steps, noise, shift).map((sigma) => shifted(sigma, shift)),
        noise,
      );
    },
    start({ schedule: { levels }, denoise, noise }) {
      // The reference counts the sigmas of both calls of a step.
      const churn = churning(settings, 2 * (levels.length - 1) - 1);
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        const estimate = await denoise(latents, level);
        const { sigma, deviation } = churn(level.sigma);
        const raised = deviation === 0 ? latents : linear(1, latents, deviation, noise());
        // The slope is the network's, as it was asked: before the noise was added.
        const slope = (next.sigma - sigma) / sigma;
        const guess = linear(1, raised, slope, latents, -slope, estimate);
        if (next.sigma === 0) return guess;
        const better = await denoise(guess, next);
        if (deviation !== 0) noise();
        const [here, there] = [slope / 2, (next.sigma - sigma) / (2 * next.sigma)];
        const middle = linear(1, raised, here, latents, -here, estimate);
        return linear(1, middle, there, guess, -there, better);
      };
    },
  };
}

/** Sigmas evenly from 1 to the smallest that the model knows, which is shifted already. */
function evenSigmas(steps: number, { trainTimesteps }: FlowNoise, shift: number): number[] {
  const smallest = Math.fround(shifted(1 / trainTimesteps, shift));
  return between(trainTimesteps, smallest * trainTimesteps, steps).map((t) => t / trainTimesteps);
}

function flowSigmas(
  settings: ReturnType<typeof readEulerOptions>,
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

function readEulerOptions(options: FlowMatchEulerOptions) {
  return readOptions("flow-match-euler", options, eulerFields);
}

/** The levels of these sigmas and of the end without noise. */
function flowSchedule(sigmas: readonly number[], noise: FlowNoise): Schedule {
  const levels = sigmas.map((value) => {
    const sigma = Math.fround(value);
    // A model whose time runs the other way is told how much picture there is.
    const told = noise.inverted ? Math.fround(1 - sigma) : sigma;
    return { alpha: 1 - sigma, sigma, timestep: Math.fround(told * noise.trainTimesteps) };
  });
  levels.push({ alpha: 1, sigma: 0, timestep: 0 });
  return { levels, timestepType: "float32", initialNoiseScale: 1 };
}
