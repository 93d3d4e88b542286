import {
  type DynamicThresholdOptions,
  type FloatTensor,
  flagOption,
  limitEstimate,
  linspace,
  type NoiseLevel,
  numberOption,
  optionalNumber,
  readOptions,
  type Scheduler,
  type Spacing,
  spacingKinds,
  spacingOption,
  thresholdFields,
  wholeOption,
  wordOption,
} from "@underpaint/core";
import { combine } from "./combine.js";
import { lambdaOf } from "./dpm-coefficients.js";
import { type FlowLambdaOptions, flowLambdaFields } from "./flow-lambda-schedule.js";
import { lambdaSchedule } from "./lambda-schedule.js";
import { noiseIn } from "./noise-in.js";
import { finalOrLast } from "./preserving-schedule.js";

/** Options of {@link saSolver}. */
export interface SaSolverOptions extends DynamicThresholdOptions, FlowLambdaOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
  /** How many outputs the predictor uses: 1 to 4; 2. */
  readonly predictorOrder?: number;
  /** How many outputs, that at the step's end among them, the corrector uses: 1 to 4; 2. */
  readonly correctorOrder?: number;
  /** Whether the method works on clean estimates, or on noise. */
  readonly algorithmType?: "data_prediction" | "noise_prediction";
  /** How much of the SDE's noise is added, within the timesteps below: 1. */
  readonly tau?: number;
  /** The smallest timestep where noise is added: 200. */
  readonly tauStart?: number;
  /** The largest timestep where noise is added: 800. */
  readonly tauEnd?: number;
  /** Whether the last steps are of lower order: true. */
  readonly lowerOrderFinal?: boolean;
  /** Timesteps with less than this ln(alpha / sigma) are left out; −5.1 suits cosine betas. */
  readonly lambdaMinClipped?: number;
}

const fields = {
  spacing: spacingOption(linspace(), spacingKinds),
  predictorOrder: wholeOption(2, 1, 4),
  correctorOrder: wholeOption(2, 1, 4),
  algorithmType: wordOption("data_prediction", ["data_prediction", "noise_prediction"]),
  tau: numberOption(1, 0, 10),
  tauStart: numberOption(200, 0, 1e4),
  tauEnd: numberOption(800, 0, 1e4),
  lowerOrderFinal: flagOption(true),
  lambdaMinClipped: optionalNumber(-1000, 1000),
  ...flowLambdaFields,
  ...thresholdFields,
};

/**
 * SA-Solver: a stochastic Adams predictor and corrector. Xue et al., arXiv 2309.05019. One network
 * call and one noise a step, also where tau is 0 and the noise has no effect.
 *
 * As in diffusers' SASolverScheduler, whose defaults the options have, a run ends at the first
 * timestep's noise, and with spacings of sigmas at their last.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function saSolver(options: SaSolverOptions = {}): Scheduler {
  const settings = readOptions("sa-solver", options, fields);
  const { predictorOrder, correctorOrder, lowerOrderFinal } = settings;
  const predictsData = settings.algorithmType === "data_prediction";
  const tauAt = ({ timestep }: NoiseLevel): number =>
    timestep >= settings.tauStart && timestep <= settings.tauEnd ? settings.tau : 0;
  return {
    name: "sa-solver",
    options: settings,
    schedule: lambdaSchedule("sa-solver", settings, finalOrLast(settings.spacing), {
      repeatsLast: true,
      endsNoisy: true,
    }),
    start({ schedule: { levels }, begin, denoise, noise }) {
      const steps = levels.length - 1;
      const outputs: FloatTensor[] = [];
      let last: { latents: FloatTensor; noise: FloatTensor; correctorOrder: number } | undefined;
      return async (latents, index) => {
        const level = levels[index]!;
        const estimate = limitEstimate(await denoise(latents, level), settings);
        outputs.unshift(predictsData ? estimate : noiseIn(latents, estimate, level));
        let corrected = latents;
        if (last) {
          const nodes = levels
            .slice(0, index + 1)
            .reverse()
            .slice(0, last.correctorOrder);
          const from = levels[index - 1]!;
          const step = adamsStep(from, level, nodes, tauAt(from), predictsData, "corrector");
          corrected = combine(
            [step.latents, ...step.outputs, step.noise],
            [last.latents, ...outputs.slice(0, nodes.length), last.noise],
          );
        }
        outputs.length = Math.min(outputs.length, Math.max(predictorOrder, correctorOrder - 1));

        const done = index - begin;
        const remaining = lowerOrderFinal ? steps - index : Infinity;
        const order = Math.min(predictorOrder, remaining, done + 1);
        last = {
          latents: corrected,
          noise: noise(),
          correctorOrder: Math.min(correctorOrder, remaining + 1, done + 2),
        };
        const nodes = levels
          .slice(0, index + 1)
          .reverse()
          .slice(0, order);
        const step = adamsStep(
          level,
          levels[index + 1]!,
          nodes,
          tauAt(level),
          predictsData,
          "predictor",
        );
        return combine(
          [step.latents, ...step.outputs, step.noise],
          [corrected, ...outputs.slice(0, order), last.noise],
        );
      };
    },
  };
}

interface AdamsStep {
  readonly latents: number;
  readonly outputs: readonly number[];
  readonly noise: number;
}

/**
 * The coefficients of a step: equations 14 (data) and 13 (noise) of the paper's variable-tau SDE,
 * with the outputs interpolated over lambda at the levels `nodes`, newest first.
 *
 * Lambdas are taken from that of the step's end, u = λ − λ_end, by which what grows as e^λ cancels.
 */
function adamsStep(
  from: NoiseLevel,
  to: NoiseLevel,
  nodes: readonly NoiseLevel[],
  tau: number,
  predictsData: boolean,
  part: "predictor" | "corrector",
): AdamsStep {
  const end = lambdaOf(to);
  const h = end - lambdaOf(from);
  const a = 1 + tau ** 2;
  const places = nodes.map((node) => lambdaOf(node) - end);
  const scale = predictsData ? a * to.alpha : -a * to.sigma;
  const moments = momentsOf(predictsData ? a : -1, h, nodes.length);
  const outputs = places.map((_, k) => {
    const polynomial = lagrange(places, k);
    return scale * polynomial.reduce((sum, factor, n) => sum + factor * moments[n]!, 0);
  });
  if (predictsData && nodes.length === 2) {
    // The reference's second-order steps match Taylor's expansion rather than the interpolation.
    const rest = (a * h + Math.expm1(-a * h)) / a ** 2;
    const move =
      part === "predictor"
        ? (scale * (h ** 2 / 2 - rest)) / (places[0]! - places[1]!)
        : scale * (h / 2 - rest / h);
    outputs[0]! += move;
    outputs[1]! -= move;
  }
  return predictsData
    ? {
        latents: Math.exp(-(tau ** 2) * h) * (to.sigma / from.sigma),
        outputs,
        noise: to.sigma * Math.sqrt(-Math.expm1(-2 * tau ** 2 * h)),
      }
    : {
        latents: to.alpha / from.alpha,
        outputs,
        noise: tau * to.sigma * Math.sqrt(Math.expm1(2 * h)),
      };
}

/** ∫ e^(a u) u^n du from −h to 0, for n = 0 to count − 1: by parts, from each to the next. */
function momentsOf(a: number, h: number, count: number): number[] {
  const moments = [-Math.expm1(-a * h) / a];
  const low = Math.exp(-a * h) / a;
  for (let n = 1; n < count; n++) {
    moments.push(-((-h) ** n) * low - (n / a) * moments[n - 1]!);
  }
  return moments;
}

/** The factors of 1, u, u², … of the polynomial that is 1 at place k and 0 at the others. */
function lagrange(places: readonly number[], k: number): number[] {
  let polynomial = [1];
  places.forEach((place, j) => {
    if (j === k) return;
    const scale = 1 / (places[k]! - place);
    const next = new Array<number>(polynomial.length + 1).fill(0);
    polynomial.forEach((factor, n) => {
      next[n]! -= factor * place * scale;
      next[n + 1]! += factor * scale;
    });
    polynomial = next;
  });
  return polynomial;
}
