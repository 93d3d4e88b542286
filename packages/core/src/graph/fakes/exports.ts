import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { readSafetensors } from "../../../../../tests/support/safetensors.js";
import { floatToHalf, halfToFloat } from "../../tensor/half.js";
import { elementCount, type FloatTensor, floatTensor } from "../../tensor/tensor.js";
import type { GraphPort } from "../graph.js";

const folder = new URL("../../../../../fixtures/graphs/", import.meta.url);

/** A plain UNet export of fixtures/graphs, and what diffusers computes with its weights. */
export interface Export {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** External weights as the runtime takes them. */
  readonly externalData: readonly { path: string; data: Uint8Array }[];
  readonly weights: "float32" | "float16";
  readonly exporter: "torchscript" | "dynamo";
  readonly down: readonly Residual[];
  readonly mid: Residual;
  readonly encoder: readonly Residual[];
  readonly reference: Readonly<Record<string, FloatTensor>>;
  /** Of what the onnx package reads in the file. */
  readonly sha256: { readonly operators: string; readonly weights: string };
}

export interface Residual {
  readonly channels: number;
  readonly downscale: number;
}

interface Entry extends Residual {
  name: string;
  file: string;
  reference: string;
  exporter: Export["exporter"];
  weights: Export["weights"];
  down: Residual[];
  mid: Residual;
  encoder: Residual[];
  sha256: Export["sha256"];
}

/** Every graph of fixtures/graphs/index.json. */
export const exports: readonly Export[] = (
  JSON.parse(readFileSync(new URL("index.json", folder), "utf8")) as { graphs: Entry[] }
).graphs.map(({ file, reference, ...entry }) => ({
  ...entry,
  bytes: new Uint8Array(readFileSync(new URL(file, folder))),
  externalData: weightsBeside(new URL(file, folder)),
  reference: numbersOf(fileURLToPath(new URL(reference, folder))),
}));

export function exportOf(name: string): Export {
  const found = exports.find((one) => one.name === name);
  if (!found) throw new Error(`fixtures/graphs has no ${name}`);
  return found;
}

function numbersOf(file: string): Export["reference"] {
  const tensors = [...readSafetensors(file)].map(([name, { dims, data }]) => {
    if (!(data instanceof Float32Array)) throw new Error(`${name} is not of float32`);
    return [name, floatTensor(dims, data)] as const;
  });
  return Object.fromEntries(tensors);
}

function weightsBeside(graph: URL): Export["externalData"] {
  return ["model.onnx_data", "model.onnx.data", "weights.pb"].flatMap((path) => {
    try {
      return [{ path, data: new Uint8Array(readFileSync(new URL(path, graph))) }];
    } catch {
      return [];
    }
  });
}

/** The reference's tensor as the graph's input takes it. */
export function fed(port: GraphPort, value: FloatTensor): ort.Tensor {
  const batch = 2;
  const single = value.dims.length === 0 && port.dims.length === 1;
  const dims = single ? [port.dims[0] === 1 ? 1 : batch] : [...value.dims];
  const numbers = value.data;
  const data = single ? new Float32Array(elementCount(dims)).fill(numbers[0]!) : numbers;
  if (port.type === "float32") return new ort.Tensor("float32", data, dims);
  if (port.type === "float16") return new ort.Tensor("float16", floatToHalf(data), dims);
  if (port.type === "int64") {
    return new ort.Tensor(
      "int64",
      BigInt64Array.from(data, (number) => BigInt(number)),
      dims,
    );
  }
  throw new Error(`no values of type ${port.type}`);
}

/** A graph's one output: its bits, and its numbers. */
export interface Computed {
  readonly bits: Uint8Array;
  readonly numbers: Float32Array;
}

/** What the runtime computes, for each of the feeds. */
export async function computed(
  graph: { bytes: Uint8Array; externalData: readonly { path: string; data: Uint8Array }[] },
  ...feeds: readonly Readonly<Record<string, ort.Tensor>>[]
): Promise<Computed[]> {
  const session = await ort.InferenceSession.create(graph.bytes, {
    logSeverityLevel: 3,
    ...(graph.externalData.length > 0 && { externalData: [...graph.externalData] }),
  });
  const results: Computed[] = [];
  for (const feed of feeds) {
    const result = await session.run(feed);
    const data = result[session.outputNames[0]!]!.data as Float32Array | Uint16Array;
    const bits = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    results.push({ bits, numbers: data instanceof Float32Array ? data : halfToFloat(data) });
  }
  await session.release();
  return results;
}

/** The largest difference, in parts of the largest expected number. */
export function relativeError(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    // A NaN would be lost in Math.max.
    if (!Number.isFinite(found[i]!)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, Math.abs(found[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference / largest;
}
