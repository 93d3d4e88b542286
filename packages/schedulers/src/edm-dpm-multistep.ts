import {
  type DynamicThresholdOptions,
  flagOption,
  noiseOfKind,
  readOptions,
  type Scheduler,
  thresholdFields,
  UnderpaintError,
  wholeOption,
  wordOption,
} from "@underpaint/core";
import type { DpmSolverType } from "./dpm-coefficients.js";
import { startDpmMultistep } from "./dpm-multistep.js";
import { type EdmScheduleOptions, edmSchedule, edmScheduleFields } from "./edm-schedule.js";

/** Options of {@link edmDpmMultistep}. */
export interface EdmDpmMultistepOptions extends EdmScheduleOptions, DynamicThresholdOptions {
  /** How many of the model's outputs a step uses: 1 to 3; 2. */
  readonly solverOrder?: number;
  /** The ODE (`dpmsolver++`), or the SDE, up to second order. */
  readonly algorithmType?: "dpmsolver++" | "sde-dpmsolver++";
  /** The second-order term: `midpoint`, or `heun`. */
  readonly solverType?: DpmSolverType;
  /** Whether runs of fewer than 15 steps lower the order in the last steps: true. */
  readonly lowerOrderFinal?: boolean;
  /** Whether the last step is of first order in longer runs too: false. */
  readonly eulerAtFinal?: boolean;
}

const fields = {
  ...edmScheduleFields,
  solverOrder: wholeOption(2, 1, 3),
  algorithmType: wordOption("dpmsolver++", ["dpmsolver++", "sde-dpmsolver++"]),
  solverType: wordOption("midpoint", ["midpoint", "heun"]),
  lowerOrderFinal: flagOption(true),
  eulerAtFinal: flagOption(false),
  ...thresholdFields,
};

/**
 * Multistep DPM-Solver++ with EDM's noise and preconditioning: Lu et al., arXiv 2211.01095. Options
 * default to those of diffusers' EDMDPMSolverMultistepScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function edmDpmMultistep(options: EdmDpmMultistepOptions = {}): Scheduler {
  const settings = readOptions("edm-dpm-multistep", options, fields);
  if (settings.algorithmType === "sde-dpmsolver++" && settings.solverOrder === 3) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "edm-dpm-multistep has no third-order sde-dpmsolver++",
      value: settings.solverOrder,
      allowed: "solverOrder 1 or 2",
    });
  }
  return {
    name: "edm-dpm-multistep",
    options: settings,
    schedule(steps, noiseModel) {
      noiseOfKind(noiseModel, ["edm"], "edm-dpm-multistep");
      return edmSchedule(settings, steps, "float32");
    },
    start: (run) => startDpmMultistep(run, settings),
  };
}
