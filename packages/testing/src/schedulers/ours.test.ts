import { schedulerNames, schedulers } from "@underpaint/schedulers";
import { describe, expect, it } from "vitest";
import type { SchedulerCheckOptions } from "./options.js";
import { schedulerChecks } from "./scheduler-checks.js";

type Calls = NonNullable<SchedulerCheckOptions["calls"]>;

/** One more call than the last step has, which ends without noise. */
const butInTheLast =
  (...calls: ("denoise" | "noise")[]): Calls =>
  (index, steps) =>
    index === steps - 1 ? ["denoise"] : calls;

/** The default, linspace spacing, has no run of one step. */
const overSigma: SchedulerCheckOptions = { mayRefuse: [1] };
/** Nor has it there, and every run needs a timestep more than it has steps. */
const overLambda: SchedulerCheckOptions = { mayRefuse: [1, 1000] };
const twoKinds: SchedulerCheckOptions = { ...overLambda, noise: ["diffusion", "flow"] };
const heunLike: SchedulerCheckOptions = {
  ...overSigma,
  order: 2,
  calls: butInTheLast("denoise", "denoise"),
};

interface Expected extends SchedulerCheckOptions {
  readonly name: string;
  /** Options of the factory; its defaults when left out. */
  readonly of?: Readonly<Record<string, unknown>>;
}

const karras = { kind: "karras", rho: 7 };

/**
 * What each solver promises. The orders are those of the literature, where the reference, whose
 * numbers we give, keeps to it:
 *
 * - dpm-multistep of third order has an order of 2: the reference's second difference lacks a
 *   factor of 2.
 * - pndm's pseudo-linear steps have an order of 2, whatever they combine; and Runge-Kutta steps
 *   whose halves do not fall on timesteps one of 1, which shows where they come late.
 */
const expected: readonly Expected[] = [
  { name: "ddim", refuses: [{ eta: 2 }, { spacing: { kind: "karras" } }, { etta: 0 }] },
  { name: "ddim", of: { eta: 1 }, solves: "sde", calls: butInTheLast("denoise", "noise") },
  { name: "ddim", of: { spacing: { kind: "trailing" } } },
  { name: "euler", ...overSigma },
  { name: "euler", of: { spacing: { kind: "trailing" } } },
  { name: "euler", of: { spacing: karras } },
  { name: "euler", of: { spacing: karras, finalSigmasType: "sigma_min" }, endsWithNoise: true },
  {
    name: "euler-ancestral",
    ...overSigma,
    solves: "sde",
    calls: butInTheLast("denoise", "noise"),
  },
  { name: "dpmpp-2m", ...twoKinds, order: 2, multistep: true },
  { name: "dpmpp-2m", of: { spacing: karras }, ...overLambda, order: 2, multistep: true },
  { name: "dpmpp-2m", of: { solverType: "heun" }, ...twoKinds, order: 2, multistep: true },
  { name: "dpm-multistep", ...twoKinds, order: 2, multistep: true },
  { name: "dpm-multistep", of: { solverOrder: 1 }, ...twoKinds },
  { name: "dpm-multistep", of: { solverOrder: 3 }, ...twoKinds, order: 2, multistep: true },
  {
    name: "dpm-multistep",
    of: { algorithmType: "sde-dpmsolver++" },
    ...twoKinds,
    solves: "sde",
    order: 2,
    multistep: true,
    calls: butInTheLast("denoise", "noise"),
  },
  {
    name: "ddim-inverse",
    inverts: true,
    mayRefuse: (_, noise) => noise.predictionType === "sample",
  },
  { name: "ddpm", solves: "sde", calls: butInTheLast("denoise", "noise") },
  {
    name: "pndm",
    order: 2,
    multistep: true,
    lateOrder: 1,
    endsWithNoise: true,
    mayRefuse: [1, 2, 3],
    calls: (index) => (index < 3 ? ["denoise", "denoise", "denoise", "denoise"] : ["denoise"]),
  },
  {
    name: "pndm",
    of: { skipPrkSteps: true },
    order: 2,
    multistep: true,
    endsWithNoise: true,
    calls: (index) => (index < 1 ? ["denoise", "denoise"] : ["denoise"]),
  },
  { name: "lms", ...overSigma, order: 4, multistep: true },
  { name: "heun", ...heunLike },
  { name: "heun", of: { spacing: karras }, ...heunLike },
  { name: "dpm2", ...heunLike },
  {
    name: "dpm2-ancestral",
    ...overSigma,
    solves: "sde",
    order: 2,
    calls: butInTheLast("denoise", "denoise", "noise"),
  },
  {
    name: "dpmpp-sde",
    ...overSigma,
    solves: "sde",
    order: 2,
    calls: butInTheLast("denoise", "noise", "denoise", "noise"),
  },
];

it("every registered scheduler has its expectations here", () => {
  const byDefault = expected.filter(({ of }) => of === undefined).map(({ name }) => name);
  expect(byDefault.sort()).toEqual([...schedulerNames].sort());
});

for (const { name, of, ...options } of expected) {
  describe(`${name} ${of ? JSON.stringify(of) : ""}`, () => {
    const { create } = schedulers[name]!;
    for (const check of schedulerChecks((given = of) => create(given), options)) {
      it(check.name, check.run);
    }
  });
}
