import type { Check } from "../check.js";
import { accuracyChecks } from "./accuracy-checks.js";
import { expectations, type SchedulerCheckOptions, type SchedulerFactory } from "./options.js";
import { runChecks } from "./run-checks.js";
import { scheduleChecks } from "./schedule-checks.js";

/**
 * The conformance suite for schedulers: what `Scheduler` promises, and the order of convergence,
 * against Gaussian data, whose clean estimate and exact solution are known in closed form.
 *
 * @param make makes the scheduler; see {@link SchedulerFactory}.
 * @param options what the scheduler promises beyond the contract; by default it is deterministic,
 * single-step, of first order, and for models with a table of betas.
 */
export function schedulerChecks(
  make: SchedulerFactory,
  options: SchedulerCheckOptions = {},
): readonly Check[] {
  const expected = expectations(options);
  return [
    ...scheduleChecks(make, expected),
    ...runChecks(make, expected),
    ...accuracyChecks(make, expected),
  ];
}
