import {
  type ChurnOptions,
  churnFields,
  noiseOfKind,
  readOptions,
  type Scheduler,
  startEuler,
} from "@underpaint/core";
import { type EdmScheduleOptions, edmSchedule, edmScheduleFields } from "./edm-schedule.js";

/** Options of {@link edmEuler}. */
export interface EdmEulerOptions extends EdmScheduleOptions, ChurnOptions {}

const fields = { ...edmScheduleFields, ...churnFields };

/**
 * Euler's method with EDM's noise and preconditioning: Karras et al., arXiv 2206.00364, algorithm
 * 2 without its second-order correction. Options default to those of diffusers' EDMEulerScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function edmEuler(options: EdmEulerOptions = {}): Scheduler {
  const settings = readOptions("edm-euler", options, fields);
  return {
    name: "edm-euler",
    options: settings,
    schedule(steps, noiseModel) {
      noiseOfKind(noiseModel, ["edm"], "edm-euler");
      return edmSchedule(settings, steps, "double");
    },
    start: (run) => startEuler(run, settings),
  };
}
