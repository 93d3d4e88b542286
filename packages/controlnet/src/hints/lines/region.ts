import { type LevelLines, undirected } from "./level-lines.js";

/** Pixels that touch each other and agree in direction; `count` of `pixels`. */
export interface Region {
  readonly pixels: Int32Array;
  count: number;
  /** Their common direction in radians. */
  angle: number;
}

/** The difference of two directions, 0 to π. */
export function between(a: number, b: number): number {
  const turn = Math.abs(a - b) % (2 * Math.PI);
  return turn > Math.PI ? 2 * Math.PI - turn : turn;
}

/**
 * Grows a region from a seed over the 8 neighbours whose direction is within `tolerance` of the
 * region's mean so far. Marks what it takes in `used`.
 */
export function growRegion(
  { width, height, angles }: LevelLines,
  seed: number,
  tolerance: number,
  used: Uint8Array,
  region: Region,
): void {
  region.pixels[0] = seed;
  region.count = 1;
  region.angle = angles[seed]!;
  used[seed] = 1;
  let cosines = Math.cos(region.angle);
  let sines = Math.sin(region.angle);
  for (let taken = 0; taken < region.count; taken++) {
    const pixel = region.pixels[taken]!;
    const x = pixel % width;
    const y = (pixel - x) / width;
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const next = ny * width + nx;
        const angle = angles[next]!;
        if (used[next] || angle === undirected) continue;
        if (between(angle, region.angle) > tolerance) continue;
        used[next] = 1;
        region.pixels[region.count++] = next;
        cosines += Math.cos(angle);
        sines += Math.sin(angle);
        region.angle = Math.atan2(sines, cosines);
      }
    }
  }
}

/** Gives a region's pixels back, so that another may take them. */
export function releaseRegion(region: Region, used: Uint8Array): void {
  for (let i = 0; i < region.count; i++) used[region.pixels[i]!] = 0;
}

/** The rectangle that a region fills: its middle line and width, in pixels. */
export interface Rectangle {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly length: number;
  readonly width: number;
}

/**
 * The rectangle around a region: through its centre of mass, weighed by strength, along the axis
 * of least inertia that is nearer the region's direction.
 */
export function rectangleOf({ width, strengths }: LevelLines, region: Region): Rectangle {
  let [mass, sumX, sumY] = [0, 0, 0];
  for (let i = 0; i < region.count; i++) {
    const pixel = region.pixels[i]!;
    const weight = strengths[pixel]!;
    mass += weight;
    sumX += weight * (pixel % width);
    sumY += weight * Math.trunc(pixel / width);
  }
  const [cx, cy] = [sumX / mass, sumY / mass];
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < region.count; i++) {
    const pixel = region.pixels[i]!;
    const weight = strengths[pixel]!;
    const dx = (pixel % width) - cx;
    const dy = Math.trunc(pixel / width) - cy;
    xx += weight * dx * dx;
    yy += weight * dy * dy;
    xy += weight * dx * dy;
  }
  let axis = 0.5 * Math.atan2(2 * xy, xx - yy);
  if (between(axis, region.angle) > Math.PI / 2) axis += Math.PI;
  const [ux, uy] = [Math.cos(axis), Math.sin(axis)];
  let [from, to, left, right] = [0, 0, 0, 0];
  for (let i = 0; i < region.count; i++) {
    const pixel = region.pixels[i]!;
    const dx = (pixel % width) - cx;
    const dy = Math.trunc(pixel / width) - cy;
    const along = dx * ux + dy * uy;
    const across = dy * ux - dx * uy;
    from = Math.min(from, along);
    to = Math.max(to, along);
    left = Math.min(left, across);
    right = Math.max(right, across);
  }
  // Gradients lie between four pixels, half a pixel from the first of them.
  const [ox, oy] = [cx + 0.5, cy + 0.5];
  return {
    x1: ox + from * ux,
    y1: oy + from * uy,
    x2: ox + to * ux,
    y2: oy + to * uy,
    length: to - from,
    width: Math.max(1, right - left),
  };
}
