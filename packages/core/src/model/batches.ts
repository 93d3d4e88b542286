import { elementCount, type FloatTensor, floatTensor, zeros } from "../tensor/tensor.js";

/**
 * Runs a graph for n entries: at once, or, where its graph has a fixed batch, as often as needed.
 *
 * @param run gets the first entry and the number of entries of a run; what it gives beyond the
 * n-th entry is left out.
 */
export async function inBatches(
  n: number,
  fixedBatch: number | undefined,
  run: (from: number, count: number) => Promise<FloatTensor>,
): Promise<FloatTensor> {
  const batch = fixedBatch ?? n;
  const first = await run(0, batch);
  if (batch === n) return first;
  const size = first.data.length / batch;
  const out = zeros("float32", [n, ...first.dims.slice(1)]);
  for (let from = 0; from < n; from += batch) {
    const part = from === 0 ? first : await run(from, batch);
    out.data.set(part.data.subarray(0, Math.min(batch, n - from) * size), from * size);
  }
  return out;
}

/**
 * `count` entries of a batch from `from` on, sharing its memory where it can. Beyond the end the
 * last entry is repeated, to fill a fixed batch.
 */
export function sliceBatch(batch: FloatTensor, from: number, count: number): FloatTensor {
  const [n = 0, ...rest] = batch.dims;
  if (from === 0 && count === n) return batch;
  const size = elementCount(rest);
  const present = batch.data.subarray(from * size, Math.min(from + count, n) * size);
  if (from + count <= n) return floatTensor([count, ...rest], present);
  const filled = zeros("float32", [count, ...rest]);
  filled.data.set(present);
  const last = batch.data.subarray((n - 1) * size);
  for (let k = n - from; k < count; k++) filled.data.set(last, k * size);
  return filled;
}
