import {
  type CustomSpacing,
  checkedTimesteps,
  checkSteps,
  type DiffusionNoise,
  diffusionNoise,
  discreteLevel,
  type EstimateLimitOptions,
  estimateLimitFields,
  limitEstimate,
  linear,
  linearInto,
  type NoiseLevel,
  numberOption,
  type OptionField,
  readOptions,
  refuseUnreadableLevels,
  type Schedule,
  type Scheduler,
  spacingOption,
  trailing,
  UnderpaintError,
  wholeOption,
} from "@underpaint/core";

/** How the timesteps of distilled models are chosen. */
export interface DistilledTimesteps {
  /**
   * `trailing()`: evenly from the timesteps that the model was distilled at, noisiest first; or
   * custom timesteps.
   */
  readonly spacing?:
    | { readonly kind: "trailing" }
    | (CustomSpacing & { readonly kind: "timesteps" });
  /** How many timesteps the model was distilled at: 50. */
  readonly originalInferenceSteps?: number;
}

const timestepFields = {
  spacing: spacingOption(trailing(), ["trailing", "timesteps"]),
  originalInferenceSteps: wholeOption(50, 1, 10_000),
};

/** Options of {@link lcm}. */
export interface LcmOptions extends DistilledTimesteps, EstimateLimitOptions {
  /** What timesteps are multiplied with in the boundary condition: 10. */
  readonly timestepScaling?: number;
}

const lcmFields = {
  ...timestepFields,
  timestepScaling: numberOption(10, 0, 1e6),
  ...estimateLimitFields,
};

/** EDM's sigma_data in the boundary condition of consistency models. */
const sigmaData = 0.5;

/**
 * Latent consistency models' multistep sampling: Luo et al., arXiv 2310.04378. For models that were
 * distilled for it, in 1 to 8 steps. Draws one noise a step, none in the last.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function lcm(options: LcmOptions = {}): Scheduler {
  const settings = readOptions("lcm", options, lcmFields);
  return {
    name: "lcm",
    options: settings,
    schedule: (steps, noiseModel) =>
      distilledSchedule(settings, steps, diffusionNoise(noiseModel, "lcm"), {
        alpha: 1,
        sigma: 0,
        timestep: 0,
      }),
    start({ schedule: { levels }, denoise, noise }) {
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        const estimate = limitEstimate(await denoise(latents, level), settings);
        const scaled = level.timestep * settings.timestepScaling;
        const total = scaled ** 2 + sigmaData ** 2;
        const [skip, out] = [sigmaData ** 2 / total, scaled / Math.sqrt(total)];
        return next.sigma === 0
          ? linear(out, estimate, skip, latents)
          : linear(next.alpha * out, estimate, next.alpha * skip, latents, next.sigma, noise());
      };
    },
  };
}

/** Options of {@link tcd}. */
export interface TcdOptions extends DistilledTimesteps {
  /** How much of each step's noise is drawn anew: 0 (none) to 1; 0.3. The paper's gamma. */
  readonly eta?: number;
}

const zeroToOne: OptionField<number> = numberOption(0.3, 0, 1);
const tcdFields = { ...timestepFields, eta: zeroToOne };

/**
 * Trajectory consistency distillation's strategic stochastic sampling: Zheng et al., arXiv
 * 2402.19159. For models that were distilled for it. Draws one noise a step, none in the last or
 * with eta 0.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function tcd(options: TcdOptions = {}): Scheduler {
  const settings = readOptions("tcd", options, tcdFields);
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

/** Every k-th timestep was distilled; the run takes `steps` of these, evenly from the noisiest. */
function distilledSchedule(
  { spacing, originalInferenceSteps }: Required<DistilledTimesteps>,
  steps: number,
  noise: DiffusionNoise,
  final: NoiseLevel,
): Schedule {
  checkSteps(steps);
  const trainTimesteps = noise.alphasCumprod.length;
  const distilled = Math.min(originalInferenceSteps, trainTimesteps);
  if (steps > distilled) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "there are more steps than timesteps that the model was distilled at",
      value: steps,
      allowed: `1 to ${distilled}`,
    });
  }
  const stride = Math.floor(trainTimesteps / distilled);
  const timesteps =
    spacing.kind === "timesteps"
      ? checkedTimesteps(spacing, steps, trainTimesteps).map(Math.trunc)
      : Array.from(
          { length: steps },
          (_, i) => (distilled - Math.floor((i * distilled) / steps)) * stride - 1,
        );
  const levels = timesteps.map((timestep) => discreteLevel(noise, timestep));
  refuseUnreadableLevels(levels, noise);
  return { levels: [...levels, final], timestepType: "int64", initialNoiseScale: 1 };
}
