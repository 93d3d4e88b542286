import { UnderpaintError } from "../errors.js";
import type { NoiseLevel } from "./contract.js";
import type { DiffusionNoise, NoiseModel } from "./noise-model.js";

/**
 * Refuses what is no number of steps.
 *
 * @throws UnderpaintError `invalid-request` unless `steps` is a whole number from 1 to 10,000.
 */
export function checkSteps(steps: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= 10_000) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "steps is not a number of steps",
    value: steps,
    allowed: "a whole number from 1 to 10000",
  });
}

const kindNames = {
  diffusion: "a table of betas",
  flow: "rectified flow",
  edm: "EDM's continuous noise",
  angular: "v-diffusion's continuous noise",
} as const satisfies Record<NoiseModel["kind"], string>;

const schedulersFor = {
  diffusion: "euler, ddim or dpmpp-2m",
  flow: "flow-match-euler",
  edm: "edm-euler",
  angular: "ipndm",
} as const satisfies Record<NoiseModel["kind"], string>;

/**
 * The noise model, narrowed to the kinds that the scheduler `name` was made for.
 *
 * @throws UnderpaintError `invalid-request` when it is of another kind.
 */
export function noiseOfKind<K extends NoiseModel["kind"]>(
  noise: NoiseModel,
  kinds: readonly K[],
  name: string,
): NoiseModel & { readonly kind: K } {
  if ((kinds as readonly string[]).includes(noise.kind)) {
    return noise as NoiseModel & { readonly kind: K };
  }
  throw new UnderpaintError({
    code: "invalid-request",
    what: `the scheduler ${name} does not go with this model, whose noise is ${kindNames[noise.kind]}`,
    value: name,
    remedy: `use ${schedulersFor[noise.kind]}`,
  });
}

/** {@link noiseOfKind} for the one kind that most schedulers are made for. */
export function diffusionNoise(noise: NoiseModel, name: string): DiffusionNoise {
  return noiseOfKind(noise, ["diffusion"], name);
}

/**
 * Refuses levels of pure noise where the model predicts noise: there is no picture to be had from
 * its answer there.
 *
 * @throws UnderpaintError `invalid-request`.
 */
export function refuseUnreadableLevels(levels: readonly NoiseLevel[], noise: DiffusionNoise): void {
  const pure = levels.find((level) => level.alpha === 0);
  if (!pure || noise.predictionType !== "epsilon") return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "the model predicts noise, and from pure noise at zero terminal SNR that gives no picture",
    value: pure.timestep,
    allowed: "prediction_type v_prediction or sample",
    remedy:
      "use leading() spacing, which leaves the last timestep out, or take off rescale_betas_zero_snr",
  });
}
