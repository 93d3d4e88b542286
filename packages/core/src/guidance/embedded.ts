import { UnderpaintError } from "../errors.js";
import type { Guidance } from "./contract.js";

/** Options of {@link embeddedGuidance}. */
export interface EmbeddedGuidanceOptions {
  /** The scale that the network is told, 0 to 1000; 1 is none. */
  readonly scale?: number;
}

/**
 * Guidance inside the network: a latent consistency model was distilled with classifier-free
 * guidance in it, and takes the scale as an input. One branch; the negative prompt is not read.
 *
 * Luo et al., Latent Consistency Models, arXiv 2310.04378.
 *
 * @throws UnderpaintError `invalid-request` for a scale that is out of range.
 */
export function embeddedGuidance({ scale = 7.5 }: EmbeddedGuidanceOptions = {}): Guidance {
  if (typeof scale !== "number" || !(scale >= 0 && scale <= 1000)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "guidanceScale is out of range",
      value: scale,
      allowed: "a number from 0 to 1000",
      remedy: "leave it out for the model's own",
    });
  }
  return {
    name: "embedded",
    options: { scale },
    branches: ["positive"],
    embeddedScale: scale,
    start: () => async (predict) => (await predict(["positive"]))[0]!,
  };
}
