import { nearest, UnderpaintError } from "../errors.js";
import { checkImage, checkSize, createImage, type RgbaImage } from "./image.js";

/**
 * How {@link resize} makes new pixels.
 *
 * - `lanczos`: windowed sinc over 3 pixels each way; the sharpest, and diffusers' choice.
 * - `bicubic`: Keys' cubic with a = −0.5, over 2 pixels each way.
 * - `bilinear`: a triangle over 1 pixel each way.
 * - `area`: the plain mean of the pixels that fall into a new one (Pillow's BOX).
 * - `nearest`: one old pixel, unmixed.
 *
 * Where a picture gets smaller, all but `nearest` widen with the factor, so nothing is skipped.
 */
export type ResizeFilter = "lanczos" | "bicubic" | "bilinear" | "area" | "nearest";

/** Options of {@link resize}. */
export interface ResizeOptions {
  /** `lanczos` when left out. */
  readonly filter?: ResizeFilter;
}

/** A filter's weight at a distance in pixels, and the distance beyond which it is 0. */
interface Kernel {
  readonly support: number;
  weight(distance: number): number;
}

const kernels: Readonly<Record<Exclude<ResizeFilter, "nearest">, Kernel>> = {
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  area: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981, with a = −0.5. */
function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
  return 0;
}

/**
 * The picture at another size, stretched where the proportions differ; bit for bit what Pillow 13's
 * `Image.resize` gives: two passes in 22-bit fixed point, rounded to 8 bits after each, colours
 * weighed with their alpha. Before 13, Pillow always took rows first; that differs in few pixels,
 * and only where the height shrinks much more than the width.
 *
 * Time and memory grow with the larger of the two pictures.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or a size that is not allowed,
 * `invalid-request` for an unknown filter.
 */
export function resize(
  image: RgbaImage,
  width: number,
  height: number,
  { filter = "lanczos" }: ResizeOptions = {},
): RgbaImage {
  checkImage(image);
  checkSize(width, height, "the size to resize to");
  if (filter !== "nearest" && !Object.hasOwn(kernels, filter)) throw unknownFilter(filter);
  const opaque = isOpaque(image.data);
  if (width === image.width && height === image.height) {
    return createImage(width, height, image.data.slice());
  }
  if (filter === "nearest") return resizeNearest(image, width, height);
  const across = (data: Samples, rows: number) =>
    width === image.width
      ? data
      : resampleRows(data, image.width, rows, computeTaps(image.width, width, kernels[filter]));
  const down = (data: Samples, columns: number) =>
    height === image.height
      ? data
      : resampleColumns(data, columns, computeTaps(image.height, height, kernels[filter]));
  const data = opaque ? image.data : premultiply(image.data);
  const lostRows = image.height - height;
  // Pillow 13's rule. Either way the picture between is no larger than both others.
  const downFirst = lostRows > 0 && lostRows > 2 * (image.width - width);
  const out = downFirst
    ? across(down(data, image.width), height)
    : down(across(data, image.height), width);
  return createImage(width, height, opaque ? out : unpremultiply(out));
}

function unknownFilter(filter: unknown): UnderpaintError {
  const names = [...Object.keys(kernels), "nearest"];
  const meant = nearest(String(filter), names);
  return new UnderpaintError({
    code: "invalid-request",
    what: "there is no filter of that name",
    value: filter,
    allowed: names.join(", "),
    remedy: meant ? `did you mean ${meant}?` : "leave it out for lanczos",
  });
}

type Samples = Uint8ClampedArray<ArrayBuffer>;

function isOpaque(data: Samples): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

/** sample · alpha / 255, rounded. */
function premultiply(data: Samples): Samples {
  const out = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i++) {
    const alpha = data[i | 3]!;
    out[i] = (i & 3) === 3 ? alpha : Math.round((data[i]! * alpha) / 255);
  }
  return out;
}

/** The inverse, in place; truncated, as Pillow does. */
function unpremultiply(data: Samples): Samples {
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let j = i; j < i + 3; j++) data[j] = Math.trunc((255 * data[j]!) / alpha);
  }
  return data;
}

/** For each new position: its first old one, how many, and their weights. */
interface Taps {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** `stride` weights a position, in units of 2^−22. */
  readonly weights: Int32Array;
  readonly stride: number;
}

const weightBits = 22;
const half = 1 << (weightBits - 1);

/** Weights in double precision, made to sum to 1 before they are rounded. */
function computeTaps(oldSize: number, newSize: number, kernel: Kernel): Taps {
  const scale = oldSize / newSize;
  const stretch = Math.max(1, scale);
  const support = kernel.support * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(newSize);
  const counts = new Int32Array(newSize);
  const weights = new Int32Array(newSize * stride);
  const exact = new Float64Array(stride);
  const inverse = 1 / stretch;
  for (let position = 0; position < newSize; position++) {
    const center = (position + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(oldSize, Math.trunc(center + support + 0.5)) - start;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      exact[i] = kernel.weight((i + start - center + 0.5) * inverse);
      sum += exact[i]!;
    }
    for (let i = 0; i < count; i++) {
      const weight = (sum === 0 ? exact[i]! : exact[i]! / sum) * 2 ** weightBits;
      weights[position * stride + i] = Math.trunc(weight + (weight < 0 ? -0.5 : 0.5));
    }
    starts[position] = start;
    counts[position] = count;
  }
  return { starts, counts, weights, stride };
}

function resampleRows(data: Samples, width: number, height: number, taps: Taps): Samples {
  const { starts, counts, weights, stride } = taps;
  const newWidth = starts.length;
  const out = new Uint8ClampedArray(4 * newWidth * height);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      let from = 4 * (y * width + starts[x]!);
      let [r, g, b, a] = [half, half, half, half];
      const end = x * stride + counts[x]!;
      for (let k = x * stride; k < end; k++, from += 4) {
        const weight = weights[k]!;
        r += data[from]! * weight;
        g += data[from + 1]! * weight;
        b += data[from + 2]! * weight;
        a += data[from + 3]! * weight;
      }
      // The shift keeps the sign, so the clamped array sees what lies below 0 and above 255.
      out[at++] = r >> weightBits;
      out[at++] = g >> weightBits;
      out[at++] = b >> weightBits;
      out[at++] = a >> weightBits;
    }
  }
  return out;
}

function resampleColumns(data: Samples, width: number, taps: Taps): Samples {
  const { starts, counts, weights, stride } = taps;
  const row = 4 * width;
  const out = new Uint8ClampedArray(row * starts.length);
  const sums = new Int32Array(row);
  for (let y = 0; y < starts.length; y++) {
    sums.fill(half);
    for (let k = 0; k < counts[y]!; k++) {
      const weight = weights[y * stride + k]!;
      const from = (starts[y]! + k) * row;
      for (let i = 0; i < row; i++) sums[i]! += data[from + i]! * weight;
    }
    for (let i = 0; i < row; i++) out[y * row + i] = sums[i]! >> weightBits;
  }
  return out;
}

function resizeNearest(image: RgbaImage, width: number, height: number): RgbaImage {
  const columns = nearestPositions(image.width, width);
  const rows = nearestPositions(image.height, height);
  const out = new Uint8ClampedArray(4 * width * height);
  // Whole pixels at a time; the data may begin at an odd place of its buffer, so it is copied.
  const from = new Uint32Array(image.data.slice().buffer);
  const to = new Uint32Array(out.buffer);
  for (let y = 0; y < height; y++) {
    const row = rows[y]! * image.width;
    for (let x = 0; x < width; x++) to[y * width + x] = from[row + columns[x]!]!;
  }
  return createImage(width, height, out);
}

/** The old pixel under each new pixel's centre, added up as Pillow does, error and all. */
function nearestPositions(oldSize: number, newSize: number): Int32Array {
  const positions = new Int32Array(newSize);
  const scale = oldSize / newSize;
  let center = scale * 0.5;
  for (let i = 0; i < newSize; i++) {
    positions[i] = Math.min(oldSize - 1, Math.trunc(center));
    center += scale;
  }
  return positions;
}
