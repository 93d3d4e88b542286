/**
 * The median of the values above `threshold`, all of them finite and not below 0; the mean of the
 * middle two where their number is even, in float32, as numpy's. Undefined when there are none.
 *
 * Linear: non-negative floats sort like the whole numbers that their bits spell, so the middle one
 * is found 16 bits at a time.
 */
export function medianAbove(values: Float32Array, threshold: number): number | undefined {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i]! > threshold) count++;
  if (count === 0) return undefined;
  const upper = nth(values, threshold, count >> 1);
  if (count % 2 === 1) return upper;
  return Math.fround(Math.fround(nth(values, threshold, (count >> 1) - 1) + upper) / 2);
}

/** The value of rank `rank`, from 0, among those above the threshold. */
function nth(values: Float32Array, threshold: number, rank: number): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const counts = new Uint32Array(65536);
  for (let i = 0; i < bits.length; i++) if (values[i]! > threshold) counts[bits[i]! >>> 16]!++;
  let high = 0;
  for (; rank >= counts[high]!; high++) rank -= counts[high]!;
  counts.fill(0);
  for (let i = 0; i < bits.length; i++) {
    if (values[i]! > threshold && bits[i]! >>> 16 === high) counts[bits[i]! & 65535]!++;
  }
  let low = 0;
  for (; rank >= counts[low]!; low++) rank -= counts[low]!;
  return new Float32Array(Uint32Array.of(((high << 16) | low) >>> 0).buffer)[0]!;
}
