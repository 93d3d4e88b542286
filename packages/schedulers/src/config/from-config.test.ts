import { isUnderpaintError, noiseModelFromConfig } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { configClassNames, fromConfig } from "./from-config.js";

/** The `scheduler_config.json` of Stable Diffusion 1.5. */
const stableDiffusion = {
  _class_name: "PNDMScheduler",
  _diffusers_version: "0.6.0",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
  clip_sample: false,
};

function errorOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

describe("fromConfig", () => {
  it("reads Stable Diffusion's config, and names the one field that its class does not know", () => {
    const warnings: string[] = [];
    const scheduler = fromConfig(stableDiffusion, { onWarning: (text) => warnings.push(text) });
    expect(scheduler.name).toBe("pndm");
    expect(scheduler.options).toEqual({
      spacing: { kind: "leading", offset: 1 },
      skipPrkSteps: true,
      setAlphaToOne: false,
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('"clip_sample"');
  });

  it("names all unknown fields in one warning", () => {
    const warnings: string[] = [];
    const config = { _class_name: "EulerDiscreteScheduler", clip_sample: false, step_offset: 1 };
    fromConfig(config, { onWarning: (text) => warnings.push(text) });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('"clip_sample", "step_offset"');
  });

  it("reads a config as another class's, as diffusers' from_config does, without warnings", () => {
    const warnings: string[] = [];
    const scheduler = fromConfig(stableDiffusion, {
      className: "DPMSolverMultistepScheduler",
      onWarning: (text) => warnings.push(text),
    });
    expect(scheduler.name).toBe("dpmpp-2m");
    // diffusers' default of the new class, as the config says nothing of it; the offset is kept.
    expect(scheduler.options.spacing).toEqual({ kind: "linspace" });
    expect(warnings).toEqual([]);
    const ddim = fromConfig(stableDiffusion, { className: "DDIMScheduler" });
    expect(ddim.options).toMatchObject({
      spacing: { kind: "leading", offset: 1 },
      clipSample: false,
      setAlphaToOne: false,
    });
  });

  it.each(configClassNames)("has diffusers' defaults for all that a config of %s lacks", (name) => {
    const scheduler = fromConfig({ _class_name: name });
    const nulls = fromConfig({ _class_name: name, sigma_min: null, timestep_spacing: null });
    expect(nulls.options).toEqual(scheduler.options);
    // With the class's own noise, the two go together.
    expect(scheduler.schedule(8, noiseModelFromConfig({ _class_name: name })).levels).toHaveLength(
      9,
    );
  });

  it("refuses a class that is not built, and lists those that are", () => {
    const error = errorOf(() => fromConfig({ _class_name: "EulerDiscretScheduler" }));
    expect(isUnderpaintError(error, "model-unsupported")).toBe(true);
    for (const name of configClassNames) expect(error.message).toContain(name);
    expect(error.message).toContain("did you mean EulerDiscreteScheduler?");
    expect(errorOf(() => fromConfig({})).message).toContain("_class_name");
    const broken = errorOf(() => fromConfig([] as unknown as Record<string, unknown>));
    expect(isUnderpaintError(broken, "model-invalid")).toBe(true);
  });

  it.each([
    [{ _class_name: "EulerDiscreteScheduler", timestep_spacing: "middle" }, "leading, trailing"],
    [{ _class_name: "EulerDiscreteScheduler", final_sigmas_type: "one" }, "zero, sigma_min"],
    [
      {
        _class_name: "EulerDiscreteScheduler",
        use_karras_sigmas: true,
        use_beta_sigmas: true,
      },
      "one of them",
    ],
    [{ _class_name: "EulerDiscreteScheduler", use_karras_sigmas: "yes" }, "true or false"],
    [{ _class_name: "DPMSolverMultistepScheduler", solver_order: 4 }, "1 to 3"],
    [{ _class_name: "DPMSolverMultistepScheduler", algorithm_type: "ddpm" }, "dpmsolver++"],
    [{ _class_name: "DPMSolverMultistepScheduler", algorithm_type: "dpmsolver" }, "sigma_min"],
    [{ _class_name: "DPMSolverMultistepScheduler", variance_type: "learned_range" }, "fixed_small"],
    [
      {
        _class_name: "DPMSolverMultistepScheduler",
        algorithm_type: "sde-dpmsolver",
        final_sigmas_type: "sigma_min",
        solver_order: 3,
      },
      "1 or 2",
    ],
    [{ _class_name: "DPMSolverSinglestepScheduler", solver_type: "euler" }, "midpoint, heun"],
    [{ _class_name: "DDPMScheduler", variance_type: "learned" }, "fixed_small, fixed_small_log"],
    [{ _class_name: "DDPMScheduler", variance_type: "fixed_large_log" }, "fixed_large"],
    [{ _class_name: "DEISMultistepScheduler", solver_type: "rhoab" }, "logrho"],
    [{ _class_name: "UniPCMultistepScheduler", solver_p: {} }, "null"],
    [{ _class_name: "UniPCMultistepScheduler", shift_terminal: 0.1 }, "use_flow_sigmas"],
    [{ _class_name: "UniPCMultistepScheduler", solver_type: "bh3" }, "bh1, bh2"],
    [{ _class_name: "SASolverScheduler", tau_func: "lambda t: 1" }, "null"],
    [{ _class_name: "EDMEulerScheduler", sigma_schedule: "linear" }, "karras, exponential"],
    [{ _class_name: "IPNDMScheduler", trained_betas: [0.5] }, "null"],
    [{ _class_name: "FlowMatchEulerDiscreteScheduler", shift: -1 }, "0.001"],
    [{ _class_name: "FlowMatchEulerDiscreteScheduler", time_shift_type: "cubic" }, "exponential"],
  ])("refuses what is not built, and lists what is: %j", (config, allowed) => {
    const error = errorOf(() => fromConfig(config));
    expect(isUnderpaintError(error, "model-unsupported")).toBe(true);
    expect(error.message).toContain(allowed);
  });
});
