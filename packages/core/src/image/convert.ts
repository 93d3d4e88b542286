import { UnderpaintError } from "../errors.js";
import { type FloatTensor, floatTensor } from "../tensor/tensor.js";
import { checkImage, checkSize, createImage, type RgbaImage } from "./image.js";

/** Level 0 to 255 as the networks take it: x / 255 · 2 − 1, rounded to float32 after each step. */
const levels = Float32Array.from({ length: 256 }, (_, x) => 2 * Math.fround(x / 255) - 1);

/**
 * A picture as a network takes it: [1, 3, height, width], −1 to 1, as diffusers'
 * `VaeImageProcessor.preprocess` computes it. Transparent pixels are laid on white first, rounded
 * to 8 bits, as Pillow's `alpha_composite` does.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture.
 */
export function toTensor(image: RgbaImage): FloatTensor {
  const { width, height, data } = checkImage(image);
  const plane = width * height;
  const out = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    const alpha = data[4 * i + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const sample = data[4 * i + channel]!;
      // 255 is odd, so no division here ends in a half: every rounding agrees.
      const level = alpha === 255 ? sample : onWhite(sample, alpha);
      out[channel * plane + i] = levels[level]!;
    }
  }
  return floatTensor([1, 3, height, width], out);
}

function onWhite(sample: number, alpha: number): number {
  return Math.round((sample * alpha + 255 * (255 - alpha)) / 255);
}

/**
 * Picture `index` of a batch [count, 3, height, width], opaque: −1 to 1 becomes 0 to 255, clamped,
 * rounded half to even, as diffusers' `VaeImageProcessor.postprocess` does in float32. What is no
 * number (a decoder that overflowed) becomes 0.
 *
 * @throws UnderpaintError `invalid-image` for other dims, or an index that the batch lacks.
 */
export function fromTensor(batch: FloatTensor, index = 0): RgbaImage {
  const [count = 0, channels, height = 0, width = 0] = batch.dims;
  if (batch.dims.length !== 4 || channels !== 3) {
    throw new UnderpaintError({
      code: "invalid-image",
      what: "a tensor is no batch of pictures",
      value: batch.dims,
      allowed: "[count, 3, height, width]",
    });
  }
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new UnderpaintError({
      code: "invalid-image",
      what: "a batch has no picture of that index",
      value: index,
      allowed: `0 to ${count - 1}`,
    });
  }
  checkSize(width, height, "a tensor's picture");
  const plane = width * height;
  const values = batch.data.subarray(3 * plane * index, 3 * plane * (index + 1));
  const out = new Uint8ClampedArray(4 * plane);
  for (let i = 0; i < plane; i++) {
    out[4 * i] = toLevel(values[i]!);
    out[4 * i + 1] = toLevel(values[plane + i]!);
    out[4 * i + 2] = toLevel(values[2 * plane + i]!);
    out[4 * i + 3] = 255;
  }
  return createImage(width, height, out);
}

/** Not rounded: a clamped array rounds half to even itself, and takes NaN for 0. */
function toLevel(value: number): number {
  const unit = Math.fround(value * 0.5 + 0.5);
  return Math.fround(255 * Math.min(1, Math.max(0, unit)));
}
