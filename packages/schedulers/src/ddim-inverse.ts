import {
  type ClipOptions,
  checkSteps,
  clipFields,
  type DiffusionNoise,
  diffusionNoise,
  discreteLevel,
  flagOption,
  leading,
  limitEstimate,
  linear,
  type NoiseLevel,
  preconditioning,
  readOptions,
  roundHalfEven,
  type Scheduler,
  spaceTimesteps,
  spacingOption,
  type TimestepSpacing,
  UnderpaintError,
} from "@underpaint/core";

/** Options of {@link ddimInverse}. */
export interface DdimInverseOptions extends ClipOptions {
  /** The timesteps: `leading()`, or `trailing()`. */
  readonly spacing?: Exclude<TimestepSpacing, { readonly kind: "linspace" }>;
  /** Whether the picture that the run begins with has no noise (true), or the first timestep's. */
  readonly setAlphaToOne?: boolean;
}

const fields = {
  spacing: spacingOption(leading(), ["leading", "trailing"]),
  setAlphaToOne: flagOption(true),
  ...clipFields,
};

/**
 * DDIM run backwards: from a picture's latents to the noise that DDIM would make it of (section
 * 4.3 of Song et al., arXiv 2010.02502; used so by Mokady et al., arXiv 2211.09794).
 *
 * Its schedule goes from little noise to much. As in the reference, a step from one timestep to
 * the next asks the network at the latents of the first and tells it the second.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function ddimInverse(options: DdimInverseOptions = {}): Scheduler {
  const settings = readOptions("ddim-inverse", options, fields);

  function timestepsOf(steps: number, { alphasCumprod }: DiffusionNoise): number[] {
    const rules = { trainTimesteps: alphasCumprod.length, dropsLast: false };
    return spaceTimesteps(settings.spacing, steps, rules).map(roundHalfEven).reverse();
  }

  return {
    name: "ddim-inverse",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = diffusionNoise(noiseModel, "ddim-inverse");
      if (settings.setAlphaToOne && noise.predictionType === "sample") {
        throw new UnderpaintError({
          code: "invalid-request",
          what: "the model predicts the picture, which tells nothing of the noise in a clean one",
          value: "setAlphaToOne",
          remedy: "set setAlphaToOne to false",
        });
      }
      const targets = timestepsOf(steps, noise);
      const levels = targets.map((target): NoiseLevel => {
        const source = target - Math.floor(noise.alphasCumprod.length / steps);
        if (source >= 0) return { ...discreteLevel(noise, source), timestep: target };
        const first = settings.setAlphaToOne ? { alpha: 1, sigma: 0 } : discreteLevel(noise, 0);
        return { ...first, timestep: target };
      });
      levels.push({ ...discreteLevel(noise, targets[steps - 1]!), timestep: 0 });
      return { levels, timestepType: "int64", initialNoiseScale: 1 };
    },
    start({ schedule: { levels }, noiseModel, denoise }) {
      const noise = diffusionNoise(noiseModel, "ddim-inverse");
      return async (latents, index) => {
        const level = levels[index]!;
        // Where the step leads: what the network is told. It is the next level too, but for
        // rounding in trailing spacing.
        const target = discreteLevel(noise, level.timestep);
        if (level.sigma === 0) {
          // The noise in a clean picture cannot be told from its estimate, which is the picture
          // itself: the network's answer is read at another level of the same scale.
          const asked = { ...level, alpha: Math.SQRT1_2, sigma: Math.SQRT1_2 };
          const { skip, output } = preconditioning(noise, asked);
          const estimate = await denoise(latents, asked);
          const answer = linear(1 / output, estimate, -skip / output, latents);
          return linear(target.alpha, limitEstimate(latents, settings), target.sigma, answer);
        }
        const estimate = await denoise(latents, level);
        const limited = limitEstimate(estimate, settings);
        const share = target.sigma / level.sigma;
        return limited === estimate
          ? linear(share, latents, target.alpha - share * level.alpha, estimate)
          : linear(share, latents, -share * level.alpha, estimate, target.alpha, limited);
      };
    },
  };
}
