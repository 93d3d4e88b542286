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
  type SamplingRun,
  type Scheduler,
  type Spacing,
  spacingKinds,
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

/** Options of {@link dpmMultistep} that its presets leave open. */
export interface DpmppOptions extends DynamicThresholdOptions, FlowLambdaOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
  /** The second-order term: `midpoint`, or `heun`. */
  readonly solverType?: DpmSolverType;
  /** Whether runs of fewer than 15 steps lower the order in the last steps: true. */
  readonly lowerOrderFinal?: boolean;
  /** Whether the last step is of first order in longer runs too: false. */
  readonly eulerAtFinal?: boolean;
  /** Where the last step ends: `zero` (no noise), or `sigma_min` (the first timestep's noise). */
  readonly finalSigmasType?: "zero" | "sigma_min";
  /** Timesteps with less than this ln(alpha / sigma) are left out; −5.1 suits cosine betas. */
  readonly lambdaMinClipped?: number;
}

/** Options of {@link dpmMultistep}. */
export interface DpmMultistepOptions extends DpmppOptions {
  /** How many of the model's outputs a step uses: 1 to 3; 2. */
  readonly solverOrder?: number;
  /** Which equation is solved: `dpmsolver++`. */
  readonly algorithmType?: DpmAlgorithm;
}

const fields = {
  spacing: spacingOption(linspace(), spacingKinds),
  solverOrder: wholeOption(2, 1, 3),
  algorithmType: wordOption("dpmsolver++", [
    "dpmsolver",
    "dpmsolver++",
    "sde-dpmsolver",
    "sde-dpmsolver++",
  ]),
  solverType: wordOption("midpoint", ["midpoint", "heun"]),
  lowerOrderFinal: flagOption(true),
  eulerAtFinal: flagOption(false),
  finalSigmasType: wordOption("zero", ["zero", "sigma_min"]),
  lambdaMinClipped: optionalNumber(-1000, 1000),
  ...flowLambdaFields,
  ...thresholdFields,
};

/**
 * Multistep DPM-Solver and DPM-Solver++, for the ODE and the SDE: Lu et al., arXiv 2206.00927 and
 * 2211.01095. One network call a step; the SDE's draw one noise a step.
 *
 * Options default to those of diffusers' DPMSolverMultistepScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function dpmMultistep(options: DpmMultistepOptions = {}): Scheduler {
  return dpmNamed("dpm-multistep", options, {});
}

/** DPM-Solver++ of second order: {@link dpmMultistep}'s default, and a good default altogether. */
export function dpmpp2m(options: DpmppOptions = {}): Scheduler {
  return dpmNamed("dpmpp-2m", options, { solverOrder: 2, algorithmType: "dpmsolver++" });
}

/** DPM-Solver++ of third order. */
export function dpmpp3m(options: DpmppOptions = {}): Scheduler {
  return dpmNamed("dpmpp-3m", options, { solverOrder: 3, algorithmType: "dpmsolver++" });
}

/** DPM-Solver++ of second order for the SDE: draws one noise a step. */
export function dpmpp2mSde(options: DpmppOptions = {}): Scheduler {
  return dpmNamed("dpmpp-2m-sde", options, { solverOrder: 2, algorithmType: "sde-dpmsolver++" });
}

/** DPM-Solver++ of third order for the SDE: draws one noise a step. */
export function dpmpp3mSde(options: DpmppOptions = {}): Scheduler {
  return dpmNamed("dpmpp-3m-sde", options, { solverOrder: 3, algorithmType: "sde-dpmsolver++" });
}

function dpmNamed(
  name: string,
  options: DpmMultistepOptions,
  preset: Pick<DpmMultistepOptions, "solverOrder" | "algorithmType">,
): Scheduler {
  const { settings, open } = readPreset(name, options, fields, preset);
  refuseSenseless(name, settings);
  return {
    name,
    options: open,
    schedule: lambdaSchedule(name, settings, finalOfType(settings.finalSigmasType), {
      timesteps: "int64-truncated-cosine",
      endsNoisy: !settings.algorithmType.endsWith("++"),
    }),
    start: (run) => startDpmMultistep(run, settings),
  };
}

/** What {@link startDpmMultistep} goes by. */
export interface DpmMultistepSettings extends Required<DynamicThresholdOptions> {
  readonly algorithmType: DpmAlgorithm;
  readonly solverType: DpmSolverType;
  readonly solverOrder: number;
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
}

/** Begins a run of the multistep method over levels of any scale. */
export function startDpmMultistep(
  { schedule: { levels }, denoise, noise }: SamplingRun,
  settings: DpmMultistepSettings,
) {
  const predictsNoise = !settings.algorithmType.endsWith("++");
  const steps = levels.length - 1;
  const outputs: FloatTensor[] = [];
  return async (latents: FloatTensor, index: number): Promise<FloatTensor> => {
    const level = levels[index]!;
    const estimate = limitEstimate(await denoise(latents, level), settings);
    outputs.unshift(predictsNoise ? noiseIn(latents, estimate, level) : estimate);
    outputs.length = Math.min(outputs.length, settings.solverOrder);
    const order = Math.min(outputs.length, orderAllowed(index, steps, levels, settings));
    return update(settings, levels, index, order, latents, outputs, noise);
  };
}

/** What keeps short runs and steps to zero noise stable: a lower order at the end. */
function orderAllowed(
  index: number,
  steps: number,
  levels: readonly NoiseLevel[],
  settings: { readonly lowerOrderFinal: boolean; readonly eulerAtFinal: boolean },
): number {
  const short = settings.lowerOrderFinal && steps < 15;
  if (index === steps - 1 && (short || settings.eulerAtFinal || levels[steps]!.sigma === 0))
    return 1;
  return index === steps - 2 && short ? 2 : 3;
}

function update(
  { algorithmType, solverType }: { algorithmType: DpmAlgorithm; solverType: DpmSolverType },
  levels: readonly NoiseLevel[],
  index: number,
  order: number,
  latents: FloatTensor,
  [m0, m1, m2]: readonly FloatTensor[],
  noise: () => FloatTensor,
): FloatTensor {
  const [from, to] = [levels[index]!, levels[index + 1]!];
  // A third-order step has its first difference integrated exactly, whatever the solver type.
  const step = dpmStep(algorithmType, order === 3 ? "heun" : solverType, from, to);
  const next = multistep();
  return step.noise === 0 ? next : linearInto(next, 1, next, step.noise, noise());

  function multistep(): FloatTensor {
    if (order === 1) return linear(step.latents, latents, step.d0, m0!);
    const h = lambdaOf(to) - lambdaOf(from);
    const r0 = (lambdaOf(from) - lambdaOf(levels[index - 1]!)) / h;
    // D1 = (m0 − m1) / r0
    const first = step.d1 / r0;
    if (order === 2) return linear(step.latents, latents, step.d0 + first, m0!, -first, m1!);
    const r1 = (lambdaOf(levels[index - 1]!) - lambdaOf(levels[index - 2]!)) / h;
    // With a = (m0 − m1) / r0 and b = (m1 − m2) / r1:
    // D1 = a + r0 / (r0 + r1) (a − b), D2 = (a − b) / (r0 + r1).
    const bend = (step.d1 * r0 + step.d2) / (r0 + r1);
    const [a, b] = [(step.d1 + bend) / r0, -bend / r1];
    return linear(step.latents, latents, step.d0 + a, m0!, b - a, m1!, -b, m2!);
  }
}

function refuseSenseless(
  name: string,
  {
    algorithmType,
    solverOrder,
    finalSigmasType,
  }: Required<Pick<DpmMultistepOptions, "algorithmType" | "solverOrder" | "finalSigmasType">>,
): void {
  if (!algorithmType.endsWith("++") && finalSigmasType === "zero") {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${name} solves for the noise with ${algorithmType}, which cannot end without noise`,
      value: finalSigmasType,
      allowed: "finalSigmasType sigma_min",
      remedy: `or take algorithmType ${algorithmType}++`,
    });
  }
  if (algorithmType === "sde-dpmsolver" && solverOrder === 3) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${name} has no third-order ${algorithmType}`,
      value: solverOrder,
      allowed: "solverOrder 1 or 2",
    });
  }
}
