/**
 * Fills what is not known from what is around, softly: averages of what is known at ever coarser
 * scales, laid under one another (Gortler et al., The Lumigraph, 1996, section 3.5.2). Time grows
 * with the pixels alone.
 *
 * @param known four numbers a pixel: three of colour, multiplied with the fourth, the share that is
 * known of it, 0 to 1. Not changed.
 * @returns the same with all known; of no use where nothing was.
 */
export function flowIn(known: Float32Array, width: number, height: number): Float32Array {
  if (width === 1 && height === 1) {
    const share = known[3]!;
    return known.map((value) => (share > 0 ? value / share : 0));
  }
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const coarse = new Float32Array(4 * w * h);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 4 * (y * width + x);
      const to = 4 * ((y >> 1) * w + (x >> 1));
      for (let c = 0; c < 4; c++) coarse[to + c]! += known[from + c]!;
    }
  }
  for (let i = 0; i < coarse.length; i += 4) {
    const share = coarse[i + 3]!;
    if (share > 1) for (let c = 0; c < 4; c++) coarse[i + c]! /= share;
  }
  const under = flowIn(coarse, w, h);
  const out = known.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      const missing = 1 - known[at + 3]!;
      if (missing <= 0) continue;
      // Between the centres of the four coarse pixels around.
      const [ax, bx, sx] = between(x, w);
      const [ay, by, sy] = between(y, h);
      for (let c = 0; c < 4; c++) {
        const top = (1 - sx) * under[4 * (ay * w + ax) + c]! + sx * under[4 * (ay * w + bx) + c]!;
        const low = (1 - sx) * under[4 * (by * w + ax) + c]! + sx * under[4 * (by * w + bx) + c]!;
        out[at + c]! += missing * ((1 - sy) * top + sy * low);
      }
    }
  }
  return out;
}

/** The coarse places on both sides of a fine one, and the second's share. */
function between(fine: number, count: number): [number, number, number] {
  const place = Math.min(count - 1, Math.max(0, (fine - 0.5) / 2));
  const first = Math.floor(place);
  return [first, Math.min(count - 1, first + 1), place - first];
}
