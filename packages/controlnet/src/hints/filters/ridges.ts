/**
 * Where a plane is as high as both neighbours along at least one of the four directions: what
 * remains equal when it is dilated by a line of three pixels. Beyond the border there is nothing.
 */
export function isRidge(
  plane: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
): boolean {
  const i = y * width + x;
  const value = plane[i]!;
  const left = x > 0;
  const right = x < width - 1;
  const up = y > 0;
  const down = y < height - 1;
  const above = i - width;
  const below = i + width;
  return (
    ((!left || plane[i - 1]! <= value) && (!right || plane[i + 1]! <= value)) ||
    ((!up || plane[above]! <= value) && (!down || plane[below]! <= value)) ||
    ((!(up && left) || plane[above - 1]! <= value) &&
      (!(down && right) || plane[below + 1]! <= value)) ||
    ((!(up && right) || plane[above + 1]! <= value) &&
      (!(down && left) || plane[below - 1]! <= value))
  );
}
