import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { readFixture, unpack } from "./fakes/reference-runs.js";
import type { DiffusionNoise } from "./noise-model.js";
import { noiseModelFromConfig, type SchedulerConfig } from "./noise-model-config.js";

interface TableFixture {
  readonly config: SchedulerConfig;
  readonly alphasCumprod: string;
  readonly alphasCumprodRounded?: string;
}

const { tables } = readFixture<{ tables: TableFixture[] }>("tables.json");

describe("tables of betas", () => {
  it.each(tables)("equal diffusers', bit for bit: $config", (table) => {
    const noise = noiseModelFromConfig(table.config) as DiffusionNoise;
    const expected = unpack(table.alphasCumprodRounded ?? table.alphasCumprod);
    const asIs = unpack(table.alphasCumprod);
    expect(noise.alphasCumprod).toHaveLength(expected.length);
    // Torch's float32 sigmoid is off by a bit here and there.
    const bound = table.config.beta_schedule === "sigmoid" ? 2.5e-7 : 0;
    noise.alphasCumprod.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(bound * expected[i]!);
      expect(Math.abs(value - asIs[i]!)).toBeLessThanOrEqual(5e-6 * asIs[i]!);
    });
  });

  it("end in pure noise when rescaled", () => {
    const noise = noiseModelFromConfig({ rescale_betas_zero_snr: true }) as DiffusionNoise;
    expect(noise.alphasCumprod[999]).toBe(0);
    expect(noise.zeroTerminalSnr).toBe(true);
  });
});

describe("noiseModelFromConfig", () => {
  it("takes flow and EDM noise from the class, and flow from use_flow_sigmas", () => {
    expect(noiseModelFromConfig({ _class_name: "FlowMatchEulerDiscreteScheduler" })).toEqual({
      kind: "flow",
      predictionType: "flow_prediction",
      trainTimesteps: 1000,
    });
    expect(noiseModelFromConfig({ _class_name: "EDMEulerScheduler", sigma_data: 1 })).toEqual({
      kind: "edm",
      predictionType: "epsilon",
      sigmaData: 1,
    });
    const flow = { use_flow_sigmas: true, prediction_type: "flow_prediction" };
    expect(noiseModelFromConfig(flow).kind).toBe("flow");
  });

  it.each([
    ["model-unsupported", { beta_schedule: "quadratic" }, "scaled_linear"],
    ["model-unsupported", { prediction_type: "score" }, "v_prediction"],
    ["model-unsupported", { use_flow_sigmas: true, prediction_type: "epsilon" }, "flow_prediction"],
    ["model-invalid", { num_train_timesteps: 1e9 }, "10000"],
    ["model-invalid", { num_train_timesteps: 10.5 }, "10000"],
    ["model-invalid", { beta_start: "0.1" }, "beta_start"],
    ["model-invalid", { beta_end: 1.5 }, "below 1"],
    ["model-invalid", { trained_betas: [0.1, Number.NaN] }, "numbers from 0 to 1"],
    ["model-invalid", { trained_betas: new Array(20_000).fill(0.1) }, "10000"],
  ] as const)("refuses what cannot be, %s: %j", (code, config, told) => {
    let caught: unknown;
    try {
      noiseModelFromConfig(config);
    } catch (error) {
      caught = error;
    }
    expect(isUnderpaintError(caught, code)).toBe(true);
    expect((caught as Error).message).toContain(told);
  });
});
