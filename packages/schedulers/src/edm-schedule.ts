import {
  checkSteps,
  continuousTimestep,
  karras,
  linspaceFloat32,
  type Schedule,
  type Spacing,
  spacingOption,
  spreadSigmas,
  wordOption,
} from "@underpaint/core";
import { refuseOneStep } from "./one-step.js";

/** The spacings that the solvers for EDM's noise know. */
export type EdmSpacing = Spacing & { readonly kind: "karras" | "exponential" };

/** How the sigmas of a run with EDM's noise are chosen. */
export interface EdmScheduleOptions {
  /** `karras()`, or `exponential()`; between 80 and 0.002 if nothing else is given. */
  readonly spacing?: EdmSpacing;
  /** Where the last step ends: `zero` (no noise), or `sigma_min` (the last sigma once more). */
  readonly finalSigmasType?: "zero" | "sigma_min";
}

/** How {@link EdmScheduleOptions} are read. */
export const edmScheduleFields = {
  spacing: spacingOption(karras(), ["karras", "exponential"]),
  finalSigmasType: wordOption("zero", ["zero", "sigma_min"]),
};

/**
 * The schedule of a run with EDM's noise.
 *
 * @param precision in which the reference computes Karras sigmas: `double` for Euler, `float32` for
 * DPM-Solver++.
 */
export function edmSchedule(
  { spacing, finalSigmasType }: Required<EdmScheduleOptions>,
  steps: number,
  precision: "double" | "float32",
): Schedule {
  checkSteps(steps);
  if (spacing.kind === "exponential") refuseOneStep(steps, "exponential spacing of EDM's noise");
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
  // As in the reference, where the sigmas' own rounding may end a little below sigmaMin.
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
