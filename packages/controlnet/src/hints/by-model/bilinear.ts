/** For each new position, two old ones and the share of the second. */
interface Pairs {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float32Array;
}

/**
 * Values at another size: linear between the four nearest, pixels' middles at halves, the border
 * continued; torch's `interpolate(mode="bilinear", align_corners=False)` and OpenCV's
 * INTER_LINEAR, in float32. Where the picture gets smaller, what lies between is skipped, as there.
 */
export function bilinear(
  values: Float32Array,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
): Float32Array {
  if (width === newWidth && height === newHeight) return values;
  const across = pairs(width, newWidth);
  const down = pairs(height, newHeight);
  const out = new Float32Array(newWidth * newHeight);
  for (let y = 0, at = 0; y < newHeight; y++) {
    const upper = down.first[y]! * width;
    const lower = down.second[y]! * width;
    const v = down.share[y]!;
    for (let x = 0; x < newWidth; x++, at++) {
      const left = across.first[x]!;
      const right = across.second[x]!;
      const h = across.share[x]!;
      const above = values[upper + left]! * (1 - h) + values[upper + right]! * h;
      const below = values[lower + left]! * (1 - h) + values[lower + right]! * h;
      out[at] = above * (1 - v) + below * v;
    }
  }
  return out;
}

function pairs(size: number, newSize: number): Pairs {
  const first = new Int32Array(newSize);
  const second = new Int32Array(newSize);
  const share = new Float32Array(newSize);
  const scale = Math.fround(size / newSize);
  for (let position = 0; position < newSize; position++) {
    const place = Math.max(0, Math.fround((position + 0.5) * scale - 0.5));
    const whole = Math.min(Math.floor(place), size - 1);
    first[position] = whole;
    second[position] = Math.min(whole + 1, size - 1);
    share[position] = place - whole;
  }
  return { first, second, share };
}
