import {
  type DeviceTensor,
  type NamedTensors,
  type Tensor,
  type TensorType,
  tensor,
} from "@underpaint/core";

/**
 * Runs a graph of a fixed batch as often as n entries need, and joins what it gives on the CPU.
 *
 * @param run gets the first entry and the number of entries of a run; what it gives beyond the n-th
 * entry is left out.
 */
export async function inEntries(
  n: number,
  batch: number,
  run: (from: number, count: number) => Promise<NamedTensors>,
): Promise<Readonly<Record<string, Tensor>>> {
  const joined: Record<string, Tensor> = {};
  for (let from = 0; from < n; from += batch) {
    for (const [name, given] of Object.entries(await run(from, batch))) {
      const { type, dims, data } = await onCpu(given);
      const size = data.length / batch;
      joined[name] ??= empty(type, [n, ...dims.slice(1)], n * size);
      const part = data.subarray(0, Math.min(batch, n - from) * size);
      (joined[name].data as { set(values: unknown, at: number): void }).set(part, from * size);
    }
  }
  return joined;
}

async function onCpu(value: Tensor | DeviceTensor): Promise<Tensor> {
  if (!("location" in value)) return value;
  const found = await value.download();
  value.dispose();
  return found;
}

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
} as const;

function empty(type: TensorType, dims: readonly number[], count: number): Tensor {
  return tensor(type, dims, new arrays[type](count) as never);
}
