/** A line's ends; changed in place by clipping. */
export type Ends = [x1: number, y1: number, x2: number, y2: number];

/**
 * Cuts a line to a rectangle from 0, 0 to `right`, `bottom`, all whole numbers, in place; false
 * when nothing is left. New ends are cut off to whole numbers as OpenCV's `clipLine` does.
 */
export function clipLine(ends: Ends, right: number, bottom: number): boolean {
  const side = (x: number) => (x < 0 ? 1 : x > right ? 2 : 0);
  const level = (y: number) => (y < 0 ? 4 : y > bottom ? 8 : 0);
  let first = side(ends[0]) | level(ends[1]);
  let second = side(ends[2]) | level(ends[3]);
  if ((first & second) !== 0) return false;
  if (first & 12) {
    const y = first & 4 ? 0 : bottom;
    ends[0] += share(y - ends[1], ends[2] - ends[0], ends[3] - ends[1]);
    ends[1] = y;
    first = side(ends[0]);
  }
  if (second & 12) {
    const y = second & 4 ? 0 : bottom;
    ends[2] += share(y - ends[3], ends[2] - ends[0], ends[3] - ends[1]);
    ends[3] = y;
    second = side(ends[2]);
  }
  if ((first & second) !== 0) return false;
  if (first) {
    const x = first === 1 ? 0 : right;
    ends[1] += share(x - ends[0], ends[3] - ends[1], ends[2] - ends[0]);
    ends[0] = x;
  }
  if (second) {
    const x = second === 1 ? 0 : right;
    ends[3] += share(x - ends[2], ends[3] - ends[1], ends[2] - ends[0]);
    ends[2] = x;
  }
  return true;
}

/** part · whole / of in double precision, cut off. */
function share(part: number, whole: number, of: number): number {
  return Math.trunc((part * whole) / of);
}
