import {
  diffusionNoise,
  discreteLevel,
  linear,
  linearInto,
  numberOption,
  readOptions,
  type Scheduler,
} from "@underpaint/core";
import {
  type DistilledTimesteps,
  distilledFields,
  distilledSchedule,
} from "./distilled-schedule.js";

/** Options of {@link tcd}. */
export interface TcdOptions extends DistilledTimesteps {
  /** How much of each step's noise is drawn anew: 0 (none) to 1; 0.3. The paper's gamma. */
  readonly eta?: number;
}

const fields = { ...distilledFields, eta: numberOption(0.3, 0, 1) };

/**
 * Trajectory consistency distillation's strategic stochastic sampling: Zheng et al., arXiv
 * 2402.19159. For models that were distilled for it. Draws one noise a step, none in the last or
 * with eta 0.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function tcd(options: TcdOptions = {}): Scheduler {
  const settings = readOptions("tcd", options, fields);
  const share = Math.fround(1 - settings.eta);
  return {
    name: "tcd",
    options: settings,
    schedule(steps, noiseModel) {
      const noise = diffusionNoise(noiseModel, "tcd");
      const final = { ...discreteLevel(noise, 0), timestep: 0 };
      return distilledSchedule(settings, steps, noise, final);
    },
    start({ schedule: { levels }, noiseModel, denoise, noise }) {
      const model = diffusionNoise(noiseModel, "tcd");
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        // The step goes further down, to this level, and noise brings it up to the next.
        const low = discreteLevel(model, Math.floor(Math.fround(share * next.timestep)));
        const estimate = await denoise(latents, level);
        const ofLatents = low.sigma / level.sigma;
        const lower = linear(ofLatents, latents, low.alpha - ofLatents * level.alpha, estimate);
        if (settings.eta === 0 || index === levels.length - 2) return lower;
        const kept = next.alpha / low.alpha;
        return linearInto(lower, kept, lower, Math.sqrt(1 - kept ** 2), noise());
      };
    },
  };
}
