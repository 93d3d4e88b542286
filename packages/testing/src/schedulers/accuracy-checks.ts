import type { NoiseModel } from "@underpaint/core";
import { type Check, check, need } from "../check.js";
import { consistencyError, odeError, sdeError } from "./errors-of-runs.js";
import { measuredNoise } from "./noise-models.js";
import type { Expectations, SchedulerFactory } from "./options.js";

/**
 * How far below the declared order the measured one may be: runs are of finite length. Steps of
 * flow get longer in ln(sigma) towards its end, so that orders show later.
 */
const shortfall = { diffusion: 0.3, edm: 0.3, angular: 0.3, flow: 0.45 } as const;
/** How far above: solvers of high order have not settled to it in 50 steps. */
const excess = 0.6;

/** The clauses about accuracy: one for each kind of noise model. */
export function accuracyChecks(make: SchedulerFactory, expected: Expectations): Check[] {
  const { solves } = expected;
  if (solves === "unmeasured") return [];
  return expected.noise.flatMap((kind) => {
    const model = measuredNoise(kind);
    if (solves === "consistency") {
      return [
        check(`gives the data's distribution with a consistency model (${kind})`, () =>
          checkConsistency(make, model),
        ),
      ];
    }
    const [order, late] = [expected.order(kind), expected.lateOrder(kind)];
    const what = solves === "ode" ? "to the exact solution" : "to the data's distribution";
    return [
      check(`converges ${what} with order ${order} (${kind})`, () =>
        checkOrder(make, model, expected, order, false),
      ),
      ...(expected.multistep
        ? [
            check(`started late, converges ${what} with order ${late} (${kind})`, () =>
              checkOrder(make, model, expected, late, true),
            ),
          ]
        : []),
    ];
  });
}

/**
 * They divide a table's 1000 timesteps, as some solvers go by whole strides. In more, float32's
 * rounding shows.
 */
function measuredSteps(kind: NoiseModel["kind"]): readonly number[] {
  return kind === "flow" ? [100, 200, 400] : [50, 100, 200];
}

async function checkOrder(
  make: SchedulerFactory,
  model: NoiseModel,
  { solves, cycle }: Expectations,
  order: number,
  late: boolean,
): Promise<void> {
  const measure = solves === "ode" ? odeError : sdeError;
  const counts = measuredSteps(model.kind);
  const errors: number[] = [];
  for (const steps of counts) {
    const { error, lastStep } = await measure(make(), model, { steps, cycle, late });
    errors.push(error);
    const far = `in ${steps} steps the last one ends ${lastStep.error} off`;
    need(lastStep.error <= lastStep.allowed, `${far}; up to ${lastStep.allowed} is allowed`);
  }
  const measured = -slope(counts.map(Math.log), errors.map(Math.log));
  const told = errors.map((error, i) => `${error.toExponential(2)} in ${counts[i]} steps`);
  const found = `the error falls with order ${measured.toFixed(2)} (${told.join(", ")})`;
  need(measured >= order - shortfall[model.kind], `${found}; expected ${order}`);
  need(late || measured <= order + excess, `${found}; declare a higher order than ${order}`);
}

/** The slope of the straight line with the least squared distances from the points. */
function slope(x: readonly number[], y: readonly number[]): number {
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - meanX) * (y[i]! - meanY)));
  return covariance / mean(x.map((value) => (value - meanX) ** 2));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function checkConsistency(make: SchedulerFactory, model: NoiseModel): Promise<void> {
  for (const steps of [2, 4, 8]) {
    const error = await consistencyError(make(), model, steps);
    need(error < 1e-4, `in ${steps} steps the mean or deviation is ${error.toExponential(2)} off`);
  }
}
