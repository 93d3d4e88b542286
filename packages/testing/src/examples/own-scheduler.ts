import {
  checkSteps,
  diffusionNoise,
  explodingSchedule,
  type FloatTensor,
  linear,
  readOptions,
  type Scheduler,
  type Spacing,
  sigmaRules,
  spaceSigmas,
  spacingKinds,
  spacingOption,
  trailing,
} from "@underpaint/core";

const fields = { spacing: spacingOption(trailing(), spacingKinds) };

/** Adams and Bashforth's method of second order over sigma, for uneven steps. */
export function adamsBashforth(options: { readonly spacing?: Spacing } = {}): Scheduler {
  const settings = readOptions("adams-bashforth", options, fields);
  return {
    name: "adams-bashforth",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = diffusionNoise(noiseModel, "adams-bashforth");
      const spaced = spaceSigmas(settings.spacing, steps, noise, sigmaRules);
      return explodingSchedule(spaced, 0, settings.spacing);
    },
    start({ schedule: { levels }, denoise }) {
      let before: { slope: FloatTensor; step: number } | undefined;
      return async (latents, index) => {
        const { sigma } = levels[index]!;
        const step = levels[index + 1]!.sigma - sigma;
        const estimate = await denoise(latents, levels[index]!);
        const slope = linear(1 / sigma, latents, -1 / sigma, estimate);
        // The slope in the middle of the step, on the line through this slope and the last.
        const share = before ? step / before.step / 2 : 0;
        const next = linear(
          1,
          latents,
          step * (1 + share),
          slope,
          -step * share,
          before?.slope ?? slope,
        );
        before = { slope, step };
        return next;
      };
    },
  };
}
