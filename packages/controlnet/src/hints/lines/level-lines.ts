/** Which way brightness changes at each pixel, and how much. */
export interface LevelLines {
  readonly width: number;
  readonly height: number;
  /** Direction along the edge in radians, bright side to the left; {@link undirected} if flat. */
  readonly angles: Float32Array;
  readonly strengths: Float32Array;
}

/** The angle of a pixel whose gradient is too weak to have a direction. */
export const undirected = -10;

/**
 * Gradients over 2 × 2 pixels of a grey plane. Below `weakest` rounding to 8 bits alone can turn
 * the direction by more than the tolerance, so there is none.
 */
export function levelLines(
  grey: Uint8Array,
  width: number,
  height: number,
  weakest: number,
): LevelLines {
  const angles = new Float32Array(width * height).fill(undirected);
  const strengths = new Float32Array(width * height);
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x + 1 < width; x++) {
      const i = y * width + x;
      const falling = grey[i + width + 1]! - grey[i]!;
      const rising = grey[i + 1]! - grey[i + width]!;
      const gx = (falling + rising) / 2;
      const gy = (falling - rising) / 2;
      const strength = Math.hypot(gx, gy);
      strengths[i] = strength;
      if (strength > weakest) angles[i] = Math.atan2(gx, -gy);
    }
  }
  return { width, height, angles, strengths };
}

/** The directed pixels, the strongest first: a counting sort by 1024 steps of strength. */
export function strongestFirst({ angles, strengths }: LevelLines): Int32Array {
  const steps = 1024;
  let most = 0;
  for (let i = 0; i < strengths.length; i++) most = Math.max(most, strengths[i]!);
  const scale = most > 0 ? (steps - 1) / most : 0;
  const step = (i: number) => steps - 1 - Math.trunc(strengths[i]! * scale);
  const starts = new Int32Array(steps + 1);
  for (let i = 0; i < angles.length; i++) if (angles[i] !== undirected) starts[step(i) + 1]!++;
  for (let k = 0; k < steps; k++) starts[k + 1]! += starts[k]!;
  const order = new Int32Array(starts[steps]!);
  for (let i = 0; i < angles.length; i++) {
    if (angles[i] !== undirected) order[starts[step(i)]!++] = i;
  }
  return order;
}
