import { type NoiseModel, noiseModelFromConfig, type Scheduler } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import {
  type ReferenceCase,
  type ReferenceRun,
  readFixture,
  referenceState,
  relativeError,
  runOurs,
} from "../../core/src/sampling/fakes/reference-runs.js";
import { configClassNames, fromConfig } from "./config/from-config.js";
import { camelCase } from "./config/values.js";
import { customSigmas, customTimesteps } from "./index.js";
import { createScheduler } from "./registry.js";

/** What diffusers takes as arguments of its methods are options of ours. */
function schedulerOf(reference: ReferenceCase, steps: number): Scheduler {
  const warnings: string[] = [];
  const scheduler = fromConfig(reference.config, { onWarning: (text) => warnings.push(text) });
  expect(warnings).toEqual([]);
  const { timesteps, sigmas } = (reference.set_timesteps ?? {}) as Record<string, number[]>;
  return createScheduler(scheduler.name, {
    ...scheduler.options,
    ...(timesteps ? { spacing: customTimesteps(timesteps) } : {}),
    ...(sigmas ? { spacing: customSigmas(sigmas.length === steps ? [...sigmas, 0] : sigmas) } : {}),
    ...Object.fromEntries(
      Object.entries(reference.step ?? {}).map(([key, value]) => [camelCase(key), value]),
    ),
  });
}

function expectSigmas(
  { config }: ReferenceCase,
  run: ReferenceRun,
  noise: NoiseModel,
  levels: readonly { alpha: number; sigma: number }[],
) {
  if (!run.sigmas) return;
  const expected = run.sigmasRounded ?? run.sigmas;
  // The reference's sigmas are noise over picture, but for flow the share of noise, or of picture.
  const ours = levels.map(({ alpha, sigma }) => {
    if (noise.kind === "flow") return config.invert_sigmas ? 1 - sigma : sigma;
    return sigma / alpha;
  });
  expect(ours).toHaveLength(expected.length);
  expected.forEach((sigma, i) => {
    expect(Math.abs(ours[i]! - sigma)).toBeLessThanOrEqual(1e-6 * sigma);
    // What an unmodified diffusers gave, whose roots are a bit off.
    expect(Math.abs(ours[i]! - run.sigmas![i]!)).toBeLessThanOrEqual(1e-5 * sigma);
  });
}

describe.each(configClassNames)("%s", (className) => {
  const { cases } = readFixture<{ cases: ReferenceCase[] }>(`${className}.json`);

  for (const reference of cases) {
    const { _class_name, trained_betas, ...config } = reference.config;
    const told = JSON.stringify({
      ...config,
      ...(trained_betas ? { trained_betas: "…" } : {}),
      ...reference.set_timesteps,
      ...reference.step,
    });
    for (const run of reference.runs) {
      it(`equals diffusers in ${run.steps} steps: ${told}`, async () => {
        const scheduler = schedulerOf(reference, run.steps);
        const noise = noiseModelFromConfig(reference.config);
        const ours = await runOurs(scheduler, noise, run.steps, run.begin);

        expectSigmas(reference, run, noise, ours.schedule.levels);
        const seen = run.timesteps.slice(run.beginCall ?? 0);
        expect(ours.told).toEqual(run.timestepsRounded?.slice(run.beginCall ?? 0) ?? seen);
        // Whole timesteps are those of an unmodified diffusers too, fractional ones almost.
        const slack = run.timestepType === "int64" ? 0 : 3e-3;
        seen.forEach((timestep, i) => {
          expect(Math.abs(ours.told[i]! - timestep)).toBeLessThanOrEqual(slack);
        });
        expect(ours.schedule.timestepType).toBe(run.timestepType.replace("float64", "float32"));
        const scale = ours.schedule.initialNoiseScale / run.initialNoiseScale;
        expect(Math.abs(scale - 1)).toBeLessThan(1e-6);

        for (const { calls, latents } of ours.states) {
          expect(relativeError(latents.data, referenceState(run, calls))).toBeLessThan(1e-4);
        }
      });
    }
  }
});
