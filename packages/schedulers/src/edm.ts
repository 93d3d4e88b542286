import {
  type ChurnOptions,
  checkSteps,
  churnedStep,
  churnFields,
  churning,
  continuousTimestep,
  type DynamicThresholdOptions,
  flagOption,
  karras,
  linear,
  linspaceFloat32,
  noiseOfKind,
  readOptions,
  type Schedule,
  type Scheduler,
  type Spacing,
  spacingOption,
  spreadSigmas,
  thresholdFields,
  UnderpaintError,
  wholeOption,
  wordOption,
} from "@underpaint/core";
import type { DpmSolverType } from "./dpm-coefficients.js";
import { startDpmMultistep } from "./dpm-multistep.js";

/** The spacings that the solvers for EDM's noise know. */
export type EdmSpacing = Spacing & { readonly kind: "karras" | "exponential" };

/** How the sigmas of a run with EDM's noise are chosen. */
export interface EdmScheduleOptions {
  /** `karras()`, or `exponential()`; between 80 and 0.002 if nothing else is given. */
  readonly spacing?: EdmSpacing;
  /** Where the last step ends: `zero` (no noise), or `sigma_min` (the last sigma once more). */
  readonly finalSigmasType?: "zero" | "sigma_min";
}

const scheduleFields = {
  spacing: spacingOption(karras(), ["karras", "exponential"]),
  finalSigmasType: wordOption("zero", ["zero", "sigma_min"]),
};

/** Options of {@link edmEuler}. */
export interface EdmEulerOptions extends EdmScheduleOptions, ChurnOptions {}

const eulerFields = { ...scheduleFields, ...churnFields };

/**
 * Euler's method with EDM's noise and preconditioning: Karras et al., arXiv 2206.00364, algorithm
 * 2 without its second-order correction. Options default to those of diffusers' EDMEulerScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function edmEuler(options: EdmEulerOptions = {}): Scheduler {
  const settings = readOptions("edm-euler", options, eulerFields);
  return {
    name: "edm-euler",
    options: settings,
    schedule(steps, noiseModel) {
      noiseOfKind(noiseModel, ["edm"], "edm-euler");
      return edmSchedule(settings, steps, "double");
    },
    start({ schedule: { levels }, noiseModel, denoise, noise }) {
      const churn = churning(settings, levels.length - 1);
      return async (latents, index) => {
        const level = levels[index]!;
        const next = levels[index + 1]!.sigma;
        const estimate = await denoise(latents, level);
        const churned = churn(level.sigma);
        return churned.sigma === level.sigma
          ? linear(next / level.sigma, latents, 1 - next / level.sigma, estimate)
          : churnedStep(latents, estimate, noise(), level, churned, next, noiseModel);
      };
    },
  };
}

/** Options of {@link edmDpmMultistep}. */
export interface EdmDpmMultistepOptions extends EdmScheduleOptions, DynamicThresholdOptions {
  /** How many of the model's outputs a step uses: 1 to 3; 2. */
  readonly solverOrder?: number;
  /** The ODE (`dpmsolver++`), or the SDE, up to second order. */
  readonly algorithmType?: "dpmsolver++" | "sde-dpmsolver++";
  /** The second-order term: `midpoint`, or `heun`. */
  readonly solverType?: DpmSolverType;
  /** Whether runs of fewer than 15 steps lower the order in the last steps: true. */
  readonly lowerOrderFinal?: boolean;
  /** Whether the last step is of first order in longer runs too: false. */
  readonly eulerAtFinal?: boolean;
}

const dpmFields = {
  ...scheduleFields,
  solverOrder: wholeOption(2, 1, 3),
  algorithmType: wordOption("dpmsolver++", ["dpmsolver++", "sde-dpmsolver++"]),
  solverType: wordOption("midpoint", ["midpoint", "heun"]),
  lowerOrderFinal: flagOption(true),
  eulerAtFinal: flagOption(false),
  ...thresholdFields,
};

/**
 * Multistep DPM-Solver++ with EDM's noise and preconditioning: Lu et al., arXiv 2211.01095. Options
 * default to those of diffusers' EDMDPMSolverMultistepScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function edmDpmMultistep(options: EdmDpmMultistepOptions = {}): Scheduler {
  const settings = readOptions("edm-dpm-multistep", options, dpmFields);
  if (settings.algorithmType === "sde-dpmsolver++" && settings.solverOrder === 3) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "edm-dpm-multistep has no third-order sde-dpmsolver++",
      value: settings.solverOrder,
      allowed: "solverOrder 1 or 2",
    });
  }
  return {
    name: "edm-dpm-multistep",
    options: settings,
    schedule(steps, noiseModel) {
      noiseOfKind(noiseModel, ["edm"], "edm-dpm-multistep");
      return edmSchedule(settings, steps, "float32");
    },
    start: (run) => startDpmMultistep(run, settings),
  };
}

function edmSchedule(
  { spacing, finalSigmasType }: Required<EdmScheduleOptions>,
  steps: number,
  precision: "double" | "float32",
): Schedule {
  checkSteps(steps);
  const [first, last] = [spacing.sigmaMax ?? 80, spacing.sigmaMin ?? 0.002];
  const sigmas =
    spacing.kind === "exponential"
      ? linspaceFloat32(Math.log(last), Math.log(first), steps).map(Math.exp).reverse()
      : precision === "double"
        ? spreadSigmas(spacing, steps, { first, last })
        : karrasFloat32(steps, first, last, spacing.rho);
  const levels = sigmas.map((value) => {
    const sigma = fround(value);
    return { alpha: 1, sigma, timestep: continuousTimestep(sigma) };
  });
  const final = finalSigmasType === "zero" ? 0 : fround(last);
  levels.push({ alpha: 1, sigma: final, timestep: 0 });
  return { levels, timestepType: "float32", initialNoiseScale: Math.sqrt(first ** 2 + 1) };
}

const { fround } = Math;

/** Karras sigmas in float32, whose rounding the power of rho magnifies to 2e-6. */
function karrasFloat32(steps: number, first: number, last: number, rho: number): number[] {
  const [from, to] = [first ** (1 / rho), last ** (1 / rho)];
  const step = fround(to - from);
  return linspaceFloat32(0, 1, steps).map(
    (share) => fround(fround(share * step) + fround(from)) ** rho,
  );
}
