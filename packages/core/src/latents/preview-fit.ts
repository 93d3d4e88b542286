import { UnderpaintError } from "../errors.js";
import { type FloatTensor, zeros } from "../tensor/tensor.js";
import type { PreviewMap } from "./preview.js";
import type { VaeDecoder } from "./vae-decoder.js";

/** Latents along each side of what is decoded to fit a map, where the graph takes any size. */
const side = 16;

/**
 * The linear map of latents to colours that comes nearest to a VAE's decoder: soft random latents
 * are decoded once, the picture is averaged over the pixels of each latent, and weights and offsets
 * are fitted by least squares. Deterministic.
 *
 * The latents are blurred to about one latent, as pictures are soft: white noise, which decoders
 * never see, gives a worse map of real pictures.
 *
 * @throws UnderpaintError errors of the decoder; `model-invalid` when its picture's sides are no
 * multiples of the latents'.
 */
export async function fitPreview(decoder: VaeDecoder): Promise<PreviewMap> {
  const { latentChannels: channels, fixedSize } = decoder;
  const latents = softNoise([1, channels, fixedSize.height ?? side, fixedSize.width ?? side]);
  const colours = averaged(await decoder.decode(latents), latents.dims);
  const plane = colours.length / 3;
  const size = channels + 1;

  // The normal equations; the last column of the design is 1.
  const squares = Array.from({ length: size }, () => new Float64Array(size));
  const products = Array.from({ length: 3 }, () => new Float64Array(size));
  const row = new Float64Array(size).fill(1);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < channels; c++) row[c] = latents.data[c * plane + i]!;
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) squares[a]![b]! += row[a]! * row[b]!;
      for (let colour = 0; colour < 3; colour++) {
        products[colour]![a]! += row[a]! * colours[colour * plane + i]!;
      }
    }
  }
  // Fewer latents than channels would leave the equations open; this closes them towards 0.
  for (let a = 0; a < size; a++) squares[a]![a]! += 1e-6 * plane;
  const solve = cholesky(squares);
  return { channels, coefficients: Float32Array.from(products.flatMap((right) => solve(right))) };
}

/** Uniform noise by a fixed hash, blurred twice by [1 2 1] / 4 along both axes, of deviation 1. */
function softNoise(dims: readonly [1, number, number, number]): FloatTensor {
  const out = zeros("float32", dims);
  const [, channels, height, width] = dims;
  const plane = height * width;
  let state = 0x9e3779b9;
  for (let i = 0; i < out.data.length; i++) {
    // Marsaglia's xorshift with 32 bits of state (Journal of Statistical Software 8(14), 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out.data[i] = state / 2 ** 31;
  }
  for (let c = 0; c < channels; c++) {
    const values = out.data.subarray(c * plane, (c + 1) * plane);
    for (let pass = 0; pass < 2; pass++) {
      for (let y = 0; y < height; y++) blur(values, y * width, 1, width);
      for (let x = 0; x < width; x++) blur(values, x, width, height);
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / plane;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / plane;
    const scale = variance > 0 ? 1 / Math.sqrt(variance) : 1;
    for (let i = 0; i < plane; i++) values[i] = (values[i]! - mean) * scale;
  }
  return out;
}

/** [1 2 1] / 4 in place over `count` values at `stride`, wrapped around. */
function blur(values: Float32Array, start: number, stride: number, count: number): void {
  const first = values[start]!;
  let before = values[start + (count - 1) * stride]!;
  for (let i = 0; i < count; i++) {
    const at = start + i * stride;
    const here = values[at]!;
    const after = i + 1 < count ? values[at + stride]! : first;
    values[at] = (before + 2 * here + after) / 4;
    before = here;
  }
}

/** [1, 3, H, W] averaged to the latents' size, clamped; what is no number counts as grey. */
function averaged(picture: FloatTensor, latentDims: readonly number[]): Float64Array {
  const [, , height = 1, width = 1] = latentDims;
  const [, , tall = 0, wide = 0] = picture.dims;
  const [down, across] = [tall / height, wide / width];
  if (!Number.isInteger(down) || !Number.isInteger(across) || down < 1 || across < 1) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: "the VAE's decoder gives no whole number of pixels for each latent",
      value: picture.dims,
      allowed: `[1, 3, k · ${height}, k · ${width}]`,
    });
  }
  const out = new Float64Array(3 * height * width);
  for (let i = 0; i < picture.data.length; i++) {
    const x = i % wide;
    const y = Math.floor(i / wide) % tall;
    const colour = Math.floor(i / (wide * tall));
    const value = picture.data[i]!;
    const level = Number.isNaN(value) ? 0 : Math.min(1, Math.max(-1, value));
    const at = (colour * height + Math.floor(y / down)) * width + Math.floor(x / across);
    out[at]! += level / (down * across);
  }
  return out;
}

/** Solves equations with a symmetric, positive definite matrix, given by its rows; Cholesky's way. */
function cholesky(matrix: readonly Float64Array[]): (right: Float64Array) => number[] {
  const lower = matrix.map((row) => row.slice());
  for (let i = 0; i < lower.length; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = lower[i]![j]!;
      for (let k = 0; k < j; k++) sum -= lower[i]![k]! * lower[j]![k]!;
      lower[i]![j] = i === j ? Math.sqrt(sum) : sum / lower[j]![j]!;
    }
  }
  return (right) => {
    const solution = [...right];
    for (let i = 0; i < solution.length; i++) {
      for (let k = 0; k < i; k++) solution[i]! -= lower[i]![k]! * solution[k]!;
      solution[i]! /= lower[i]![i]!;
    }
    for (let i = solution.length - 1; i >= 0; i--) {
      for (let k = i + 1; k < solution.length; k++) solution[i]! -= lower[k]![i]! * solution[k]!;
      solution[i]! /= lower[i]![i]!;
    }
    return solution;
  };
}
