import {
  type FloatTensor,
  isUnderpaintError,
  noiseModelFromConfig,
  type Scheduler,
} from "@underpaint/core";
import { describe, expect, it } from "vitest";
import {
  customSigmas,
  customTimesteps,
  ddim,
  ddimInverse,
  ddpm,
  deis,
  dpmMultistep,
  dpmpp2m,
  dpmSinglestep,
  edmEuler,
  euler,
  exponential,
  flowMatchEuler,
  karras,
  lcm,
  leading,
  pndm,
  saSolver,
  tcd,
  trailing,
  unipc,
} from "./index.js";

const diffusion = noiseModelFromConfig({ beta_schedule: "scaled_linear" });
const zeroSnr = noiseModelFromConfig({ rescale_betas_zero_snr: true });
const pictures = noiseModelFromConfig({ prediction_type: "sample" });
const flow = noiseModelFromConfig({ _class_name: "FlowMatchEulerDiscreteScheduler" });
const inverted = noiseModelFromConfig({
  _class_name: "FlowMatchEulerDiscreteScheduler",
  invert_sigmas: true,
});
const edm = noiseModelFromConfig({ _class_name: "EDMEulerScheduler" });

describe("combinations that make no sense are refused, before any work", () => {
  const cases: [string, () => Scheduler, number, typeof diffusion, string][] = [
    [
      "noise read from pure noise",
      () => ddim({ spacing: trailing() }),
      5,
      zeroSnr,
      "zero terminal",
    ],
    ["the same with ddpm", () => ddpm({ spacing: trailing() }), 5, zeroSnr, "zero terminal"],
    ["the same with tcd", () => tcd(), 4, zeroSnr, "zero terminal"],
    ["inversion of a model of pictures", () => ddimInverse(), 5, pictures, "setAlphaToOne"],
    ["a table's solver for flow", () => euler(), 5, flow, "flow-match-euler"],
    ["a table's solver for EDM", () => dpmpp2m(), 5, edm, "edm-euler"],
    ["flow's solver for a table", () => flowMatchEuler(), 5, diffusion, "dpmpp-2m"],
    ["EDM's solver for a table", () => edmEuler(), 5, diffusion, "euler"],
    ["one linspace step", () => euler(), 1, diffusion, "trailing()"],
    ["more steps than timesteps", () => ddim(), 1001, diffusion, "1 to 1000"],
    ["the same, dropping the last", () => dpmpp2m(), 1000, diffusion, "1 to 999"],
    [
      "timesteps past the last",
      () => ddim({ spacing: leading({ offset: 1 }) }),
      1000,
      diffusion,
      "999",
    ],
    [
      "custom timesteps past the last",
      () => ddim({ spacing: customTimesteps([1200, 3]) }),
      2,
      diffusion,
      "999",
    ],
    [
      "another number of custom timesteps",
      () => ddim({ spacing: customTimesteps([900, 3]) }),
      3,
      diffusion,
      "ask for 2 steps",
    ],
    [
      "another number of custom sigmas",
      () => euler({ spacing: customSigmas([9, 3, 0]) }),
      3,
      diffusion,
      "ask for 2 steps",
    ],
    ["no room for Runge-Kutta", () => pndm(), 3, diffusion, "skipPrkSteps"],
    ["more steps than were distilled", () => lcm(), 51, diffusion, "1 to 50"],
    ["Karras sigmas for flow", () => dpmpp2m({ spacing: karras() }), 5, flow, "flow-match-euler"],
    ["exponential sigmas for flow", () => unipc({ spacing: exponential() }), 5, flow, "linspace"],
    [
      "Karras sigmas without ends for flow",
      () => unipc({ spacing: karras() }),
      5,
      flow,
      "sigmaMin",
    ],
    [
      "flow sigmas above 1",
      () => flowMatchEuler({ spacing: customSigmas([2, 1, 0]) }),
      2,
      flow,
      "1 or below",
    ],
    [
      "fresh noise with inverted time",
      () => flowMatchEuler({ stochasticSampling: true }),
      5,
      inverted,
      "stochasticSampling",
    ],
    [
      "a size that was not told",
      () => flowMatchEuler({ useDynamicShifting: true }),
      5,
      flow,
      "latentDims",
    ],
    ["noise solved for to a clean end", () => unipc({ predictX0: false }), 5, diffusion, "above 0"],
    [
      "second order to a clean end",
      () => unipc({ lowerOrderFinal: false }),
      5,
      diffusion,
      "above 0",
    ],
    [
      "the same with custom sigmas",
      () =>
        dpmMultistep({
          algorithmType: "dpmsolver",
          finalSigmasType: "sigma_min",
          spacing: customSigmas([9, 3, 0]),
        }),
      2,
      diffusion,
      "above 0",
    ],
    [
      "stochastic Adams to a clean end",
      () => saSolver({ spacing: customSigmas([9, 3, 0]) }),
      2,
      diffusion,
      "above 0",
    ],
    [
      "noise solved for in a model of flow",
      () => dpmSinglestep({ algorithmType: "dpmsolver", finalSigmasType: "sigma_min" }),
      5,
      flow,
      "above 0",
    ],
    ["no steps", () => deis(), 0, diffusion, "1 to 10000"],
    ["half a step", () => euler(), 2.5, diffusion, "whole number"],
  ];

  it.each(cases)("%s", (_, make, steps, model, told) => {
    let caught: unknown;
    try {
      make().schedule(steps, model);
    } catch (error) {
      caught = error;
    }
    expect(isUnderpaintError(caught, "invalid-request")).toBe(true);
    expect((caught as Error).message).toContain(told);
  });

  it("unipc's bh1 ends without noise, where the reference gives NaN", async () => {
    const scheduler = unipc({ solverType: "bh1" });
    const schedule = scheduler.schedule(5, diffusion);
    const dims = [1, 1, 1, 2];
    const clean: FloatTensor = { type: "float32", dims, data: Float32Array.of(0.25, -0.5) };
    const step = scheduler.start({
      schedule,
      noiseModel: diffusion,
      begin: 0,
      denoise: async () => clean,
      noise: () => clean,
    });
    let latents: FloatTensor = { type: "float32", dims, data: Float32Array.of(2, -1) };
    for (let i = 0; i < 5; i++) latents = await step(latents, i);
    expect(latents.data[0]).toBeCloseTo(0.25, 6);
    expect(latents.data[1]).toBeCloseTo(-0.5, 6);
  });
});
