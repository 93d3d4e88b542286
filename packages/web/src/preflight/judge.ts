import type { Device } from "../devices/device.js";
import type { GraphNeeds, ModelNeeds } from "./needs.js";

/**
 * Whether a model fits a device. `unsure` where that depends on what only the graphs tell, which
 * are not fetched yet: they are checked again when they are loaded.
 */
export type Fit = "yes" | "no" | "unsure";

/** What is said of a model on a device. */
export interface DeviceVerdict {
  readonly device: Device;
  readonly fits: Fit;
  /** What does not fit, or may not, in sentences. */
  readonly problems: readonly string[];
  /** What would fit in its place. */
  readonly remedies: readonly string[];
}

/** What an adapter says of itself, as far as it decides what fits. */
export interface GpuLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly halves: boolean;
}

/** WebAssembly's memory has addresses of 32 bits. */
export const wasmHeapBytes = 2 ** 32;

/**
 * What graphs take of that heap for each byte of weights: measured 1.5 for 256 MiB in tensors of
 * 64, which are the weights, one tensor that is being copied, and what the heap grows by at a time.
 * Half precision takes as much again: the processor's kernels compute in single.
 */
const heapPerByte = 1.5;

/** What an adapter says. */
export function limitsOf({ limits, features }: GPUAdapter): GpuLimits {
  const { maxBufferSize, maxStorageBufferBindingSize } = limits;
  return { maxBufferSize, maxStorageBufferBindingSize, halves: features.has("shader-f16") };
}

/** Whether a model fits a GPU, or why there is none. */
export function judgeGpu(needs: ModelNeeds, gpu: GpuLimits | string): DeviceVerdict {
  if (typeof gpu === "string") {
    return { device: "webgpu", fits: "no", problems: [gpu], remedies: [] };
  }
  const found = needs.graphs.map((graph) => judgeGraph(graph, gpu));
  const most = Math.min(gpu.maxBufferSize, gpu.maxStorageBufferBindingSize);
  if (needs.attentionBytes > most) {
    found.push({
      fits: "unsure",
      problem: `attention at the model's own picture size needs ${bytes(needs.attentionBytes)} at once, unless the export fused it; this GPU binds ${bytes(most)}`,
      remedy: "smaller pictures, or an export whose attention is fused",
    });
  }
  return verdict("webgpu", found);
}

/** Whether a model fits WebAssembly's heap. */
export function judgeWasm({ graphs }: ModelNeeds): DeviceVerdict {
  const heap = (halved: boolean): number =>
    heapPerByte *
    graphs.reduce((sum, { bytes, halves }) => sum + bytes * ((halves ?? halved) ? 2 : 1), 0);
  if (heap(true) <= wasmHeapBytes) return verdict("wasm", []);
  const fits = heap(false) > wasmHeapBytes ? "no" : "unsure";
  return verdict("wasm", [
    {
      fits,
      problem: `the graphs need about ${bytes(heap(fits === "unsure"))} of memory${fits === "unsure" ? " if they are in half precision" : ""}; WebAssembly has ${bytes(wasmHeapBytes)}`,
      remedy: "a smaller or quantised model",
    },
  ]);
}

interface Finding {
  readonly fits: Exclude<Fit, "yes">;
  readonly problem: string;
  readonly remedy: string;
}

/** What of a graph does not fit a GPU; undefined where all does. */
export function judgeGraph(
  { graph, largest, halves }: GraphNeeds,
  gpu: GpuLimits,
): Finding | undefined {
  const most = Math.min(gpu.maxBufferSize, gpu.maxStorageBufferBindingSize);
  if (halves && !gpu.halves) {
    return {
      fits: "no",
      problem: `${graph} computes in half precision, which this GPU cannot (shader-f16)`,
      remedy: "an export in single precision",
    };
  }
  if (largest.most <= most) return undefined;
  const fits = largest.least > most ? "no" : "unsure";
  return {
    fits,
    problem: `the largest weight of ${graph} takes ${fits === "no" ? "" : "up to "}${bytes(fits === "no" ? largest.least : largest.most)}; this GPU binds ${bytes(most)} at once`,
    remedy: "an export in half precision, or a smaller model",
  };
}

function verdict(device: Device, found: readonly (Finding | undefined)[]): DeviceVerdict {
  const findings = found.filter((finding) => finding !== undefined);
  return {
    device,
    fits: findings.some(({ fits }) => fits === "no")
      ? "no"
      : findings.length > 0
        ? "unsure"
        : "yes",
    problems: findings.map(({ problem }) => problem),
    remedies: [...new Set(findings.map(({ remedy }) => remedy))],
  };
}

/** "1.7 GiB", "76 MiB". */
export function bytes(count: number): string {
  const [unit, size] = count >= 2 ** 30 ? ["GiB", 2 ** 30] : ["MiB", 2 ** 20];
  const value = count / (size as number);
  return `${value < 10 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} ${unit}`;
}
