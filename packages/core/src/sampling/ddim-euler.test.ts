import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import type { Scheduler } from "./contract.js";
import { ddim } from "./ddim.js";
import { euler } from "./euler.js";
import {
  type ReferenceCase,
  readFixture,
  referenceState,
  relativeError,
  runOurs,
} from "./fakes/reference-runs.js";
import { noiseModelFromConfig } from "./noise-model-config.js";
import { leading, linspace, type TimestepSpacing, trailing } from "./spacing.js";

/** The timestep spacing of a config of diffusers. */
function spacingOf(config: ReferenceCase["config"], absent: string): TimestepSpacing {
  const offset = (config.steps_offset ?? 0) as number;
  const spacings = { leading: leading({ offset }), trailing: trailing(), linspace: linspace() };
  return spacings[(config.timestep_spacing ?? absent) as keyof typeof spacings];
}

function ddimOf({ config, step = {} }: ReferenceCase): Scheduler {
  return ddim({
    spacing: spacingOf(config, "leading"),
    clipSample: (config.clip_sample ?? true) as boolean,
    clipSampleRange: (config.clip_sample_range ?? 1) as number,
    setAlphaToOne: (config.set_alpha_to_one ?? true) as boolean,
    thresholding: (config.thresholding ?? false) as boolean,
    dynamicThresholdingRatio: (config.dynamic_thresholding_ratio ?? 0.995) as number,
    sampleMaxValue: (config.sample_max_value ?? 1) as number,
    eta: (step.eta ?? 0) as number,
    useClippedModelOutput: (step.use_clipped_model_output ?? false) as boolean,
  });
}

function eulerOf({ config, step = {} }: ReferenceCase): Scheduler {
  return euler({
    spacing: spacingOf(config, "linspace"),
    interpolationType: (config.interpolation_type ?? "linear") as "linear" | "log_linear",
    finalSigmasType: (config.final_sigmas_type ?? "zero") as "zero" | "sigma_min",
    sChurn: (step.s_churn ?? 0) as number,
    sTmin: (step.s_tmin ?? 0) as number,
    sNoise: (step.s_noise ?? 1) as number,
    ...(typeof step.s_tmax === "number" ? { sTmax: step.s_tmax } : {}),
  });
}

/** Sigma spacings and custom ones are covered by packages/schedulers, which reads whole configs. */
function isOverTimesteps({ config, set_timesteps }: ReferenceCase): boolean {
  return !set_timesteps && !Object.keys(config).some((field) => /^use_|timestep_type/.test(field));
}

describe.each([
  ["ddim", "DDIMScheduler.json", ddimOf, 13],
  ["euler", "EulerDiscreteScheduler.json", eulerOf, 14],
] as const)("%s", (_, file, make, count) => {
  const all = readFixture<{ cases: ReferenceCase[] }>(file).cases;
  const cases = all.filter(isOverTimesteps);

  it("has cases to be compared with", () => {
    expect(cases.length).toBeGreaterThanOrEqual(count);
  });

  it.each(cases)("has diffusers' latents after each step: $config $step", async (reference) => {
    const noise = noiseModelFromConfig(reference.config);
    for (const run of reference.runs) {
      const ours = await runOurs(make(reference), noise, run.steps, run.begin);
      expect(ours.told).toEqual(run.timesteps.slice(run.beginCall ?? 0));
      for (const { calls, latents } of ours.states) {
        expect(relativeError(latents.data, referenceState(run, calls))).toBeLessThan(1e-4);
      }
    }
  });
});

describe("options", () => {
  it.each([
    [() => ddim({ eta: -0.1 }), "eta"],
    [() => ddim({ eta: Number.NaN }), "eta"],
    [() => ddim({ dynamicThresholdingRatio: 1.5 }), "0 to 1"],
    [() => ddim({ setAlphaToOne: 1 as unknown as boolean }), "true or false"],
    [() => ddim({ spacing: leading({ offset: -1 }) }), "whole number"],
    [() => euler({ sChurn: Number.POSITIVE_INFINITY * 0 }), "sChurn"],
    [() => euler({ finalSigmasType: "none" as "zero" }), "zero, sigma_min"],
    [() => euler({ spacing: "karras" as never }), "karras"],
    [() => euler({ churn: 1 } as never), "did you mean sChurn?"],
    [() => euler(null as never), "not an object"],
  ])("are checked: %s", (make, told) => {
    let caught: unknown;
    try {
      make();
    } catch (error) {
      caught = error;
    }
    expect(isUnderpaintError(caught, "invalid-request")).toBe(true);
    expect((caught as Error).message).toContain(told);
  });
});
