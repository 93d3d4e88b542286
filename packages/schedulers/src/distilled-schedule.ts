import {
  type CustomSpacing,
  checkedTimesteps,
  checkSteps,
  type DiffusionNoise,
  discreteLevel,
  type NoiseLevel,
  refuseUnreadableLevels,
  type Schedule,
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

/** How {@link DistilledTimesteps} are read. */
export const distilledFields = {
  spacing: spacingOption(trailing(), ["trailing", "timesteps"]),
  originalInferenceSteps: wholeOption(50, 1, 10_000),
};

/** Every k-th timestep was distilled; the run takes `steps` of these, evenly from the noisiest. */
export function distilledSchedule(
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
