import { schedulerNames, schedulers } from "@underpaint/schedulers";
import { describe, expect, it } from "vitest";
import type { Call, Calls, SchedulerCheckOptions } from "./options.js";
import { schedulerChecks } from "./scheduler-checks.js";

type Expectations = Omit<SchedulerCheckOptions, "calls">;

interface Expected extends SchedulerCheckOptions {
  readonly name: string;
  /** Options of the factory; its defaults when left out. */
  readonly of?: Readonly<Record<string, unknown>>;
}

/** What every step but the last calls; that one ends without noise, and asks once. */
const butLast =
  (...calls: readonly Call[]): Calls =>
  (index, steps) =>
    index === steps - 1 ? ["denoise"] : calls;

/** The default, linspace spacing, has no run of one step. */
const overSigma = { mayRefuse: [1] } as const satisfies Expectations;

/** Nor have these, which need a timestep more than there are steps. */
const overLambda = { mayRefuse: [1, 1000], multistep: true } as const satisfies Expectations;
const twoKinds = { ...overLambda, noise: ["diffusion", "flow"] } as const satisfies Expectations;
const second = { ...twoKinds, order: 2 } as const satisfies Expectations;

const twoCalls = { order: 2, calls: butLast("denoise", "denoise") } as const;
const oneNoise = { solves: "sde", calls: butLast("denoise", "noise") } as const;

const karras = { spacing: { kind: "karras", rho: 7 } };
/** Solvers for the noise cannot end without any. */
const overNoise = { algorithmType: "dpmsolver", finalSigmasType: "sigma_min" };
const trailing = { spacing: { kind: "trailing" } };

/**
 * What each solver promises. Orders are those of the mathematics, but where the reference, whose
 * numbers these solvers give, does not keep to it:
 *
 * - dpmpp-3m has order 2: its second difference lacks a factor of 2. dpmpp-3m-sde has order 1, and
 *   for flow none: its factor there does not vanish with the step.
 * - pndm and ipndm combine noise as for even steps in a time that they leave open: order 2. Halves
 *   of pndm's Runge-Kutta steps are rounded to timesteps, which shows where few are left.
 * - ipndm takes pure noise of v-diffusion for a picture of 0: order 1.
 */
const expected: readonly Expected[] = [
  { name: "ddim", refuses: [{ eta: 2 }, karras, { etta: 0 }] },
  { name: "ddim", of: { eta: 1 }, ...oneNoise },
  { name: "ddim", of: trailing },
  {
    name: "ddim-inverse",
    inverts: true,
    mayRefuse: (_, noise) => noise.predictionType === "sample",
  },
  { name: "ddpm", ...oneNoise },
  { name: "euler", ...overSigma, refuses: [{ sChurn: -1 }, { spacing: "karras" }] },
  { name: "euler", of: trailing },
  { name: "euler", of: karras },
  { name: "euler", of: { ...karras, finalSigmasType: "sigma_min" }, endsWithNoise: true },
  { name: "euler-ancestral", ...overSigma, ...oneNoise },
  { name: "heun", ...overSigma, ...twoCalls },
  { name: "heun", of: karras, ...twoCalls },
  { name: "dpm2", ...overSigma, ...twoCalls },
  {
    name: "dpm2-ancestral",
    ...overSigma,
    solves: "sde",
    order: 2,
    calls: butLast("denoise", "denoise", "noise"),
  },
  {
    name: "dpmpp-sde",
    ...overSigma,
    solves: "sde",
    order: 2,
    calls: butLast("denoise", "noise", "denoise", "noise"),
  },
  { name: "lms", ...overSigma, order: 4, multistep: true },
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
  {
    name: "ipndm",
    noise: ["diffusion", "angular"],
    order: { diffusion: 2, angular: 1 },
    multistep: true,
  },
  { name: "dpmpp-2m", ...second, refuses: [{ solverType: "bh2" }, { solverOrder: 2 }] },
  { name: "dpmpp-2m", of: karras, ...second, noise: ["diffusion"] },
  { name: "dpmpp-2m", of: { solverType: "heun" }, ...second },
  { name: "dpmpp-2m-sde", ...second, ...oneNoise },
  { name: "dpmpp-3m", ...second },
  { name: "dpmpp-3m-sde", ...twoKinds, order: { diffusion: 1, flow: 0 }, ...oneNoise },
  { name: "dpm-multistep", ...second },
  { name: "dpm-multistep", of: { solverOrder: 1 }, ...twoKinds, multistep: false },
  { name: "dpm-multistep", of: overNoise, ...second, noise: ["diffusion"], endsWithNoise: true },
  {
    name: "dpm-multistep",
    of: { ...overNoise, algorithmType: "sde-dpmsolver" },
    ...second,
    noise: ["diffusion"],
    solves: "sde",
    endsWithNoise: true,
    calls: ["denoise", "noise"],
  },
  { name: "dpmpp-2s", ...second, cycle: 2 },
  { name: "dpmpp-3s", ...twoKinds, order: { diffusion: 3, flow: 2 }, cycle: 3 },
  {
    name: "dpmpp-3s",
    of: { solverType: "heun" },
    ...twoKinds,
    order: { diffusion: 3, flow: 2 },
    cycle: 3,
  },
  { name: "dpm-singlestep", ...second, cycle: 2 },
  {
    name: "dpm-singlestep",
    of: overNoise,
    ...second,
    noise: ["diffusion"],
    cycle: 2,
    endsWithNoise: true,
  },
  { name: "deis", ...second, endsWithNoise: true },
  { name: "unipc", ...twoKinds, order: { diffusion: 3, flow: 2 } },
  { name: "unipc", of: { solverType: "bh1" }, ...twoKinds, order: { diffusion: 3, flow: 2 } },
  {
    name: "unipc",
    of: { predictX0: false, finalSigmasType: "sigma_min" },
    ...twoKinds,
    order: { diffusion: 3, flow: 2 },
    endsWithNoise: true,
  },
  {
    name: "sa-solver",
    ...second,
    solves: "sde",
    endsWithNoise: true,
    calls: (index, _, levels) => {
      const { timestep } = levels[index]!;
      return ["denoise", timestep >= 200 && timestep <= 800 ? "noise" : "unused noise"];
    },
  },
  { name: "lcm", solves: "consistency", calls: oneNoise.calls, mayRefuse: [1000] },
  {
    name: "tcd",
    solves: "unmeasured",
    calls: oneNoise.calls,
    endsWithNoise: true,
    mayRefuse: [1000],
  },
  { name: "tcd", of: { eta: 0, originalInferenceSteps: 1000 }, endsWithNoise: true },
  { name: "edm-euler", noise: ["edm"] },
  {
    name: "edm-euler",
    of: { spacing: { kind: "exponential" } },
    noise: ["edm"],
    mayRefuse: [1],
  },
  { name: "edm-dpm-multistep", noise: ["edm"], order: 2, multistep: true },
  {
    name: "edm-dpm-multistep",
    of: { spacing: { kind: "exponential" } },
    noise: ["edm"],
    order: 2,
    multistep: true,
    mayRefuse: [1],
  },
  { name: "flow-match-euler", noise: ["flow"] },
  { name: "flow-match-euler", of: { shift: 3 }, noise: ["flow"] },
  { name: "flow-match-euler", of: { shiftTerminal: 0.1 }, noise: ["flow"], mayRefuse: [1] },
  {
    name: "flow-match-euler",
    of: { stochasticSampling: true },
    noise: ["flow"],
    solves: "consistency",
    calls: oneNoise.calls,
  },
  { name: "flow-match-heun", noise: ["flow"], ...twoCalls },
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
