import {
  checkSteps,
  diffusionNoise,
  explodingSchedule,
  type Scheduler,
  type Spacing,
  type SpacingRules,
  sigmaRules,
  spaceSigmas,
} from "@underpaint/core";

/** The `schedule` of a solver over sigma that ends without noise. */
export function sigmaSchedule(
  name: string,
  spacing: Spacing,
  rules: SpacingRules = sigmaRules,
): Scheduler["schedule"] {
  return (steps, noiseModel) => {
    checkSteps(steps);
    const spaced = spaceSigmas(spacing, steps, diffusionNoise(noiseModel, name), rules);
    return explodingSchedule(spaced, 0, spacing);
  };
}
