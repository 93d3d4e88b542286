import {
  type ChurnOptions,
  checkSteps,
  churnFields,
  churning,
  noiseOfKind,
  readOptions,
  type Scheduler,
} from "@underpaint/core";
import { combine } from "./combine.js";
import { evenSigmas, flowSchedule } from "./flow-schedule.js";
import { flowShiftFields, shifted } from "./flow-shift.js";

/** Options of {@link flowMatchHeun}. */
export interface FlowMatchHeunOptions extends ChurnOptions {
  /** Above 1, more steps go where there is much noise: 1. */
  readonly shift?: number;
}

const fields = { shift: flowShiftFields.shift, ...churnFields };

/**
 * Heun's method for rectified flow: second order; two network calls a step, one in the last.
 * Options default to those of diffusers' FlowMatchHeunDiscreteScheduler.
 *
 * With churn, two noises are drawn a step as in the reference, though only the first has effect.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function flowMatchHeun(options: FlowMatchHeunOptions = {}): Scheduler {
  const settings = readOptions("flow-match-heun", options, fields);
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
        // The network is asked before noise is added, and its slope kept.
        const added = deviation === 0 ? [] : [noise()];
        const slope = (next.sigma - sigma) / sigma;
        const guess = combine([1 + slope, -slope, deviation], [latents, estimate, ...added]);
        if (next.sigma === 0) return guess;
        const better = await denoise(guess, next);
        if (deviation !== 0) noise();
        const [here, there] = [slope / 2, (next.sigma - sigma) / (2 * next.sigma)];
        return combine(
          [1 + here, -here, there, -there, deviation],
          [latents, estimate, guess, better, ...added],
        );
      };
    },
  };
}
