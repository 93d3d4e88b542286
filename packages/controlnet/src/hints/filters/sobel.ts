/** Gradients of a picture, a value a pixel. */
export interface Gradients {
  readonly dx: Int16Array;
  readonly dy: Int16Array;
  /** |dx| + |dy|, or dx² + dy². */
  readonly magnitude: Int32Array;
}

/**
 * Sobel's 3 × 3 gradients of red, green and blue, borders repeated; of the three channels the one
 * with the largest magnitude counts, the earlier one if two are equal, as in OpenCV's `Canny`.
 */
export function sobelOfStrongest(
  rgb: Uint8Array,
  width: number,
  height: number,
  squared: boolean,
): Gradients {
  const count = width * height;
  const dx = new Int16Array(count);
  const dy = new Int16Array(count);
  const magnitude = new Int32Array(count);
  for (let y = 0; y < height; y++) {
    const above = 3 * Math.max(0, y - 1) * width;
    const here = 3 * y * width;
    const below = 3 * Math.min(height - 1, y + 1) * width;
    for (let x = 0; x < width; x++) {
      const left = 3 * Math.max(0, x - 1);
      const middle = 3 * x;
      const right = 3 * Math.min(width - 1, x + 1);
      let best = -1;
      for (let c = 0; c < 3; c++) {
        const topLeft = rgb[above + left + c]!;
        const topRight = rgb[above + right + c]!;
        const bottomLeft = rgb[below + left + c]!;
        const bottomRight = rgb[below + right + c]!;
        const gx =
          topRight -
          topLeft +
          bottomRight -
          bottomLeft +
          2 * (rgb[here + right + c]! - rgb[here + left + c]!);
        const gy =
          bottomLeft -
          topLeft +
          bottomRight -
          topRight +
          2 * (rgb[below + middle + c]! - rgb[above + middle + c]!);
        const size = squared ? gx * gx + gy * gy : Math.abs(gx) + Math.abs(gy);
        if (size <= best) continue;
        best = size;
        dx[y * width + x] = gx;
        dy[y * width + x] = gy;
      }
      magnitude[y * width + x] = best;
    }
  }
  return { dx, dy, magnitude };
}
