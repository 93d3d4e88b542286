/**
 * The position within 0 to `size` − 1 that stands in for `position` beyond the border: mirrored,
 * the border's own sample not repeated (OpenCV's BORDER_REFLECT_101, scipy's "mirror").
 */
export function mirrored(position: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = ((position % period) + period) % period;
  return folded < size ? folded : period - folded;
}
