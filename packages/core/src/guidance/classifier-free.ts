import { UnderpaintError } from "../errors.js";
import { linear, linearInto } from "../tensor/linear.js";
import type { FloatTensor } from "../tensor/tensor.js";
import type { Guidance } from "./contract.js";

/** Options of {@link classifierFree}. */
export interface ClassifierFreeOptions {
  /**
   * How far to go from the negative prompt's prediction towards, and past, the positive's. At 1
   * and below the negative branch is not run, as in diffusers: 0 and 1 both give the prompt alone.
   */
  readonly scale?: number;
  /** 0 (none) to 1: how much of the positive branch's contrast is restored; 0.7 in the paper. */
  readonly rescale?: number;
}

/**
 * Classifier-free guidance: prediction = negative + scale · (positive − negative).
 *
 * Ho and Salimans, Classifier-Free Diffusion Guidance, arXiv 2207.12598. The rescaling is that of
 * section 3.4 of Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed,
 * arXiv 2305.08891.
 *
 * @throws UnderpaintError `invalid-request` for a scale that is not finite or below 0, or a
 * rescale outside 0 to 1.
 */
export function classifierFree({ scale = 7.5, rescale = 0 }: ClassifierFreeOptions = {}): Guidance {
  if (typeof scale !== "number" || !(scale >= 0 && scale <= 1000)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "guidanceScale is out of range",
      value: scale,
      allowed: "a number from 0 to 1000; 1 and below turn guidance off",
      remedy: "leave it out for the model's own",
    });
  }
  if (typeof rescale !== "number" || !(rescale >= 0 && rescale <= 1)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "guidanceRescale is out of range",
      value: rescale,
      allowed: "0 to 1",
      remedy: "leave it out for none",
    });
  }
  const guided = scale > 1;
  return {
    name: "classifier-free",
    options: { scale, rescale },
    branches: guided ? ["negative", "positive"] : ["positive"],
    start: () => async (predict) => {
      if (!guided) return (await predict(["positive"]))[0]!;
      const [negative, positive] = (await predict(["negative", "positive"])) as [
        FloatTensor,
        FloatTensor,
      ];
      const out = linear(1 - scale, negative, scale, positive);
      return rescale > 0 ? restoreContrast(out, positive, rescale) : out;
    },
  };
}

/** Scales each picture of `guided` towards the standard deviation that `positive` has. */
function restoreContrast(guided: FloatTensor, positive: FloatTensor, rescale: number): FloatTensor {
  const pictures = guided.dims[0]!;
  const size = guided.data.length / pictures;
  for (let k = 0; k < pictures; k++) {
    const span = [k * size, (k + 1) * size] as const;
    const part = { ...guided, dims: [size], data: guided.data.subarray(...span) };
    const found = standardDeviation(part.data);
    if (found === 0) continue;
    const ratio = standardDeviation(positive.data.subarray(...span)) / found;
    linearInto(part, rescale * ratio + 1 - rescale, part);
  }
  return guided;
}

function standardDeviation(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}
