import {
  type DynamicThresholdOptions,
  type FloatTensor,
  flagOption,
  limitEstimate,
  linear,
  linearInto,
  linspace,
  type NoiseLevel,
  optionalNumber,
  type Scheduler,
  type Spacing,
  spacingOption,
  thresholdFields,
  UnderpaintError,
  wholeOption,
  wordOption,
} from "@underpaint/core";
import { type DpmAlgorithm, type DpmSolverType, dpmStep, lambdaOf } from "./dpm-coefficients.js";
import { type FlowLambdaOptions, flowLambdaFields } from "./flow-lambda-schedule.js";
import { lambdaSchedule } from "./lambda-schedule.js";
import { noiseIn } from "./noise-in.js";
import { finalOfType } from "./preserving-schedule.js";
import { readPreset } from "./presets.js";

/** Options of {@link dpmSinglestep} that its presets leave open. */
export interface DpmppSinglestepOptions extends DynamicThresholdOptions, FlowLambdaOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Exclude<Spacing, { readonly kind: "leading" | "trailing" }>;
  /** How the last term of a step is approximated: `midpoint`, or `heun`. */
  readonly solverType?: DpmSolverType;
  /** Whether the last step is of first order even if the run does not end without noise: false. */
  readonly lowerOrderFinal?: boolean;
  /** Where the last step ends: `zero` (no noise), or `sigma_min` (the first timestep's noise). */
  readonly finalSigmasType?: "zero" | "sigma_min";
  /** Timesteps with less than this ln(alpha / sigma) are left out; −5.1 suits cosine betas. */
  readonly lambdaMinClipped?: number;
}

/** Options of {@link dpmSinglestep}. */
export interface DpmSinglestepOptions extends DpmppSinglestepOptions {
  /** How many steps make up one of the method's: 1 to 3; 2. */
  readonly solverOrder?: number;
  /** Which equation is solved: `dpmsolver++`. */
  readonly algorithmType?: Exclude<DpmAlgorithm, "sde-dpmsolver">;
}

const fields = {
  spacing: spacingOption(linspace(), [
    "linspace",
    "karras",
    "exponential",
    "beta",
    "lu",
    "timesteps",
    "sigmas",
  ]),
  solverOrder: wholeOption(2, 1, 3),
  algorithmType: wordOption("dpmsolver++", ["dpmsolver", "dpmsolver++", "sde-dpmsolver++"]),
  solverType: wordOption("midpoint", ["midpoint", "heun"]),
  lowerOrderFinal: flagOption(false),
  finalSigmasType: wordOption("zero", ["zero", "sigma_min"]),
  lambdaMinClipped: optionalNumber(-1000, 1000),
  ...flowLambdaFields,
  ...thresholdFields,
};

/**
 * Singlestep DPM-Solver and DPM-Solver++: Lu et al., arXiv 2206.00927 and 2211.01095. One network
 * call a step; a step of the method's is as many of these as its order, and the latents between
 * are its stages, not good to look at. The SDE's draw one noise a step.
 *
 * Options default to those of diffusers' DPMSolverSinglestepScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function dpmSinglestep(options: DpmSinglestepOptions = {}): Scheduler {
  return singlestepNamed("dpm-singlestep", options, {});
}

/** Singlestep DPM-Solver++ of second order. */
export function dpmpp2s(options: DpmppSinglestepOptions = {}): Scheduler {
  return singlestepNamed("dpmpp-2s", options, { solverOrder: 2, algorithmType: "dpmsolver++" });
}

/** Singlestep DPM-Solver++ of third order. */
export function dpmpp3s(options: DpmppSinglestepOptions = {}): Scheduler {
  return singlestepNamed("dpmpp-3s", options, { solverOrder: 3, algorithmType: "dpmsolver++" });
}

function singlestepNamed(
  name: string,
  options: DpmSinglestepOptions,
  preset: Pick<DpmSinglestepOptions, "solverOrder" | "algorithmType">,
): Scheduler {
  const { settings, open } = readPreset(name, options, fields, preset);
  refuseSenseless(name, settings);
  return {
    name,
    options: open,
    schedule: lambdaSchedule(name, settings, finalOfType(settings.finalSigmasType), {
      endsNoisy: settings.algorithmType === "dpmsolver",
    }),
    start({ schedule: { levels }, denoise, noise }) {
      const orders = ordersOf(levels, settings.solverOrder, settings.lowerOrderFinal);
      const predictsNoise = settings.algorithmType === "dpmsolver";
      const outputs: FloatTensor[] = [];
      let base: FloatTensor;
      return async (latents, index) => {
        const level = levels[index]!;
        const estimate = limitEstimate(await denoise(latents, level), settings);
        outputs.unshift(predictsNoise ? noiseIn(latents, estimate, level) : estimate);
        outputs.length = Math.min(outputs.length, settings.solverOrder);
        const order = Math.min(orders[index]!, outputs.length);
        if (order === 1) base = latents;
        return update(settings, levels, index, order, base, outputs, noise);
      };
    },
  };
}

/**
 * The order of each step: 1, 2, 3, 1, 2, 3, … A last step of order 1 keeps the end stable: it must
 * be one where the run ends without noise, and may be where it would complete one of the method's.
 */
function ordersOf(
  levels: readonly NoiseLevel[],
  order: number,
  lowerOrderFinal: boolean,
): number[] {
  const steps = levels.length - 1;
  const orders = Array.from({ length: steps }, (_, index) => (index % order) + 1);
  const endsClean = levels[steps]!.sigma === 0;
  if (endsClean || (lowerOrderFinal && steps % order === 0)) orders[steps - 1] = 1;
  return orders;
}

function update(
  { algorithmType, solverType }: { algorithmType: DpmAlgorithm; solverType: DpmSolverType },
  levels: readonly NoiseLevel[],
  index: number,
  order: number,
  base: FloatTensor,
  [m0, m1, m2]: readonly FloatTensor[],
  noise: () => FloatTensor,
): FloatTensor {
  const [from, to] = [levels[index + 1 - order]!, levels[index + 1]!];
  const step = dpmStep(algorithmType, order === 3 ? "heun" : solverType, from, to);
  const next = singlestep();
  return step.noise === 0 ? next : linearInto(next, 1, next, step.noise, noise());

  function singlestep(): FloatTensor {
    if (order === 1) return linear(step.latents, base, step.d0, m0!);
    const h = lambdaOf(to) - lambdaOf(from);
    const r0 = (lambdaOf(levels[index]!) - lambdaOf(from)) / h;
    // Second order: D0 = m1 and D1 = (m0 − m1) / r0.
    const slope = step.d1 / r0;
    if (order === 2) return linear(step.latents, base, step.d0 - slope, m1!, slope, m0!);
    // Third order: D0 = m2, and with a = (m1 − m2) / r1, b = (m0 − m2) / r0 either D1 = b, or
    // D1 = (r0 a − r1 b) / (r0 − r1) and D2 = 2 (b − a) / (r0 − r1).
    if (solverType === "midpoint") {
      return linear(step.latents, base, step.d0 - slope, m2!, slope, m0!);
    }
    const r1 = (lambdaOf(levels[index - 1]!) - lambdaOf(from)) / h;
    const ofA = (step.d1 * r0 - 2 * step.d2) / (r0 - r1) / r1;
    const ofB = (2 * step.d2 - step.d1 * r1) / (r0 - r1) / r0;
    return linear(step.latents, base, step.d0 - ofA - ofB, m2!, ofA, m1!, ofB, m0!);
  }
}

function refuseSenseless(
  name: string,
  settings: Pick<
    Required<DpmSinglestepOptions>,
    "algorithmType" | "finalSigmasType" | "thresholding"
  >,
): void {
  if (settings.algorithmType !== "dpmsolver") return;
  if (settings.finalSigmasType === "zero") {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${name} solves for the noise with dpmsolver, which cannot end without noise`,
      value: settings.finalSigmasType,
      allowed: "finalSigmasType sigma_min",
      remedy: "or take algorithmType dpmsolver++",
    });
  }
}
