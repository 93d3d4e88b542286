import { describe, expect, it } from "vitest";
import { betaQuantile } from "./beta-quantile.js";
import { ddim } from "./ddim.js";
import { euler } from "./euler.js";
import type { DiffusionNoise } from "./noise-model.js";
import { noiseModelFromConfig } from "./noise-model-config.js";
import { spaceSigmas } from "./sigma-spacing.js";
import { sigmaAt, sigmaTable, timestepOf } from "./sigma-table.js";
import { customSigmas, exponential, karras, leading, linspace, trailing } from "./spacing.js";
import { roundHalfEven, spaceTimesteps } from "./timesteps.js";

const stableDiffusion = noiseModelFromConfig({
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
}) as DiffusionNoise;

// What diffusers 0.42.1 gives; the grid of packages/schedulers' reference test covers the rest.
describe("timestep spacings", () => {
  const inclusive = { trainTimesteps: 1000, dropsLast: false };
  const exclusive = { trainTimesteps: 1000, dropsLast: true };
  const offset = leading({ offset: 1 });

  it("differ between DDIM's kind and DPM-Solver's, which drops the last of one more", () => {
    const ddimLike = spaceTimesteps(offset, 10, inclusive);
    expect(ddimLike).toEqual([901, 801, 701, 601, 501, 401, 301, 201, 101, 1]);
    const dpmLike = spaceTimesteps(offset, 10, exclusive);
    expect(dpmLike).toEqual([901, 811, 721, 631, 541, 451, 361, 271, 181, 91]);
    expect(spaceTimesteps(linspace(), 4, inclusive)).toEqual([999, 666, 333, 0]);
    expect(spaceTimesteps(linspace(), 3, exclusive)).toEqual([999, 666, 333]);
    expect(spaceTimesteps(trailing(), 4, inclusive)).toEqual([999, 749, 499, 249]);
    expect(spaceTimesteps(trailing(), 4, exclusive)).toEqual([999, 749, 499, 249]);
  });

  it("never give a timestep too many, as the reference's trailing does for 61 steps", () => {
    for (let steps = 1; steps <= 1000; steps++) {
      const timesteps = spaceTimesteps(trailing(), steps, inclusive);
      expect(timesteps).toHaveLength(steps);
      expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
    }
  });

  it("round halves to even numbers, as NumPy does", () => {
    expect([0.5, 1.5, 2.5, 3.4999, -1.5, -2.5].map(roundHalfEven)).toEqual([0, 2, 2, 3, -2, -2]);
  });
});

describe("sigma spacings", () => {
  it("lie between all sigmas, or between those of the timesteps that are named", () => {
    const rules = { dropsLast: false, timesteps: "float32" } as const;
    const full = spaceSigmas(karras(), 10, stableDiffusion, rules);
    expect(full.sigmas[0]).toBeCloseTo(14.6146, 4);
    expect(full.timesteps[0]).toBe(999);
    const named = karras({ ends: leading({ offset: 1 }) });
    expect(spaceSigmas(named, 10, stableDiffusion, rules).sigmas[0]).toBeCloseTo(8.39, 2);
    const given = karras({ sigmaMin: 0.1, sigmaMax: 10 });
    const { sigmas } = spaceSigmas(given, 5, stableDiffusion, rules);
    expect(sigmas[0]).toBeCloseTo(10, 12);
    expect(sigmas[4]).toBeCloseTo(0.1, 12);
  });

  it("are told to whole-timestep networks rounded for Karras and truncated for exponential", () => {
    const rules = { dropsLast: true, timesteps: "int64" } as const;
    expect(spaceSigmas(karras(), 10, stableDiffusion, rules).timesteps[0]).toBe(999);
    expect(spaceSigmas(exponential(), 10, stableDiffusion, rules).timesteps[0]).toBe(998);
  });

  it("go back to the timesteps that they came from", () => {
    const table = sigmaTable(stableDiffusion);
    for (const timestep of [0, 1, 499, 998, 999]) {
      expect(timestepOf(table, sigmaAt(table, timestep))).toBeCloseTo(timestep, 3);
    }
    expect(timestepOf(table, 1e9)).toBe(999);
    expect(timestepOf(table, 0)).toBe(0);
    expect(sigmaAt(table, 10.5)).toBeCloseTo((table.sigmas[10]! + table.sigmas[11]!) / 2, 12);
  });
});

describe("schedules", () => {
  it("begin with the reference's noise: more for leading spacing", () => {
    const first = (spacing: Parameters<typeof euler>[0]) =>
      euler(spacing).schedule(10, stableDiffusion);
    const even = first({});
    expect(even.initialNoiseScale).toBe(even.levels[0]!.sigma);
    for (const spacing of [leading(), karras({ ends: leading() })]) {
      const { initialNoiseScale, levels } = first({ spacing });
      expect(initialNoiseScale).toBeCloseTo(Math.sqrt(levels[0]!.sigma ** 2 + 1), 12);
    }
  });

  it("put 4096 for the infinite sigma of zero terminal SNR, but in DDIM", () => {
    const zero = noiseModelFromConfig({
      beta_schedule: "scaled_linear",
      prediction_type: "v_prediction",
      rescale_betas_zero_snr: true,
    });
    const spacing = trailing();
    expect(euler({ spacing }).schedule(5, zero).levels[0]!.sigma).toBeCloseTo(4096, 3);
    expect(ddim({ spacing }).schedule(5, zero).levels[0]).toEqual({
      alpha: 0,
      sigma: 1,
      timestep: 999,
    });
  });

  it("end where they are told to", () => {
    const last = (options: Parameters<typeof euler>[0], steps = 5) =>
      euler(options).schedule(steps, stableDiffusion).levels.at(-1)!.sigma;
    expect(last({})).toBe(0);
    expect(last({ finalSigmasType: "sigma_min" })).toBeCloseTo(0.029167, 5);
    expect(last({ spacing: customSigmas([9, 4, 0.5]) }, 2)).toBe(0.5);
    expect(ddim({ setAlphaToOne: false }).schedule(5, stableDiffusion).levels.at(-1)).toEqual({
      alpha: Math.sqrt(stableDiffusion.alphasCumprod[0]!),
      sigma: Math.sqrt(1 - stableDiffusion.alphasCumprod[0]!),
      timestep: 0,
    });
  });
});

describe("betaQuantile", () => {
  it("equals scipy.stats.beta.ppf", () => {
    // scipy 1.17.1: beta.ppf(p, 0.6, 0.6) and others
    const known: [number, number, number, number][] = [
      [1e-6, 0.6, 0.6, 1.8558824624053043e-10],
      [0.04, 0.6, 0.6, 0.00866376938478334],
      [0.25, 0.6, 0.6, 0.17568037865269498],
      [0.5, 0.6, 0.6, 0.5000000000000001],
      [0.75, 0.6, 0.6, 0.824319621347305],
      [0.96, 0.6, 0.6, 0.9913362306152167],
      [0.999, 0.6, 0.6, 0.9999814412614826],
      [0.3, 2.5, 0.4, 0.8361418841247603],
      [0.7, 0.2, 3.0, 0.045204329082143745],
      [0.01, 5.0, 7.0, 0.13438753529129716],
      [0.9, 1.0, 1.0, 0.9],
    ];
    for (const [p, a, b, x] of known) {
      expect(Math.abs(betaQuantile(p, a, b) - x)).toBeLessThanOrEqual(1e-12 * x);
    }
    expect(betaQuantile(0, 0.6, 0.6)).toBe(0);
    expect(betaQuantile(1, 0.6, 0.6)).toBe(1);
  });
});
