import { linear } from "../tensor/linear.js";
import type { FloatTensor } from "../tensor/tensor.js";
import { type ChurnOptions, churnedStep, churnFields, churning } from "./churn.js";
import type { SamplingRun, Scheduler } from "./contract.js";
import { explodingSchedule, sigmaRules } from "./exploding-schedule.js";
import { checkSteps, diffusionNoise } from "./model-fit.js";
import { readOptions, spacingOption, wordOption } from "./options.js";
import { between, spaceSigmas } from "./sigma-spacing.js";
import { sigmaTable } from "./sigma-table.js";
import { linspace, type Spacing, spacingKinds } from "./spacing.js";

/** Options of {@link euler}. */
export interface EulerOptions extends ChurnOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
  /** Where the last step ends: `zero` (no noise), or `sigma_min` (the first timestep's noise). */
  readonly finalSigmasType?: "zero" | "sigma_min";
  /**
   * How sigmas are found at timesteps: `linear` between the table's, or `log_linear`, from the
   * table's largest to its smallest whatever the timesteps are; then the smallest is the end.
   */
  readonly interpolationType?: "linear" | "log_linear";
  /** `continuous` tells a model of v what EDM does, ln(sigma) / 4, in place of timesteps. */
  readonly timestepType?: "discrete" | "continuous";
}

const fields = {
  spacing: spacingOption(linspace(), spacingKinds),
  finalSigmasType: wordOption("zero", ["zero", "sigma_min"]),
  interpolationType: wordOption("linear", ["linear", "log_linear"]),
  timestepType: wordOption("discrete", ["discrete", "continuous"]),
  ...churnFields,
};

/**
 * Euler's method over sigma, with churn: algorithm 2 of Karras et al., arXiv 2206.00364, without
 * its second-order correction. Options default to those of diffusers' EulerDiscreteScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function euler(options: EulerOptions = {}): Scheduler {
  const settings = readOptions("euler", options, fields);
  const { spacing } = settings;
  return {
    name: "euler",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = diffusionNoise(noiseModel, "euler");
      const table = sigmaTable(noise).sigmas;
      const [largest, smallest] = [table[table.length - 1]!, table[0]!];
      let { sigmas, timesteps } = spaceSigmas(spacing, steps, noise, sigmaRules);
      if (settings.interpolationType === "log_linear" && isOverTimesteps(spacing)) {
        sigmas = between(Math.log(largest), Math.log(smallest), steps + 1).map(Math.exp);
      }
      const final = settings.finalSigmasType === "zero" ? 0 : smallest;
      const continuous =
        settings.timestepType === "continuous" && noise.predictionType === "v_prediction";
      return explodingSchedule({ sigmas, timesteps }, final, spacing, continuous);
    },
    start: (run) => startEuler(run, settings),
  };
}

/** Begins a run of Euler's method over levels of the scale latents = picture + sigma · noise. */
export function startEuler(
  { schedule: { levels }, noiseModel, denoise, noise }: SamplingRun,
  churnOptions: Parameters<typeof churning>[0],
) {
  const churn = churning(churnOptions, levels.length - 1);
  return async (latents: FloatTensor, index: number): Promise<FloatTensor> => {
    const level = levels[index]!;
    const next = levels[index + 1]!.sigma;
    const estimate = await denoise(latents, level);
    const churned = churn(level.sigma);
    return churned.sigma === level.sigma
      ? linear(next / level.sigma, latents, 1 - next / level.sigma, estimate)
      : churnedStep(latents, estimate, noise(), level, churned, next, noiseModel);
  };
}

function isOverTimesteps({ kind }: Spacing): boolean {
  return kind === "leading" || kind === "trailing" || kind === "linspace" || kind === "timesteps";
}
