/** A key point in units of the network's input, 0 to 1 across and down, and its score. */
export type InputPoint = readonly [x: number, y: number, score: number];

/**
 * Key points from SimCC's two classifications: for each, the most likely bin across and down; the
 * score is the lower of the two maxima. A point whose score is not above 0 is nowhere, and has a
 * score of 0.
 *
 * SimCC: arXiv 2107.03332; RTMPose: arXiv 2303.07399, `get_simcc_maximum` of mmpose.
 *
 * @param across `count` rows of bins, left to right; `down` the same, from the top.
 */
export function decodeSimcc(
  across: Float32Array,
  down: Float32Array,
  count: number,
): readonly InputPoint[] {
  const columns = across.length / count;
  const rows = down.length / count;
  return Array.from({ length: count }, (_, k) => {
    const x = argmax(across, k * columns, columns);
    const y = argmax(down, k * rows, rows);
    const score = Math.min(across[k * columns + x]!, down[k * rows + y]!);
    return score > 0 ? [x / columns, y / rows, score] : [0, 0, 0];
  });
}

/**
 * Key points from heat maps: the brightest pixel of each, moved by a quarter of a pixel towards the
 * brighter of its neighbours, across and down; the score is its brightness.
 *
 * Simple Baselines: arXiv 1804.06208, `MSRAHeatmap` of mmpose.
 *
 * @param maps `count` planes of `height` rows.
 */
export function decodeHeatMaps(
  maps: Float32Array,
  count: number,
  width: number,
  height: number,
): readonly InputPoint[] {
  const plane = width * height;
  return Array.from({ length: count }, (_, k) => {
    const from = k * plane;
    const best = argmax(maps, from, plane);
    const score = maps[from + best]!;
    if (!(score > 0)) return [0, 0, 0];
    const x = best % width;
    const y = Math.floor(best / width);
    const at = from + best;
    // The reference leaves the two outermost pixels at the lower end alone, and one at the upper.
    const dx = x > 1 && x < width - 1 && y > 0 ? maps[at + 1]! - maps[at - 1]! : 0;
    const dy = y > 1 && y < height - 1 && x > 0 ? maps[at + width]! - maps[at - width]! : 0;
    return [(x + 0.25 * Math.sign(dx)) / width, (y + 0.25 * Math.sign(dy)) / height, score];
  });
}

/** The first of the largest values, counted from `from`; what is no number is passed over. */
function argmax(values: Float32Array, from: number, count: number): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const value = values[from + i]!;
    if (value > most) {
      most = value;
      best = i;
    }
  }
  return best;
}
