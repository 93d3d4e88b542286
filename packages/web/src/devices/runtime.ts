import { createQueue, type OrtModule, type Queue } from "@underpaint/core";
import type { Device } from "./device.js";

/** What is used of onnxruntime-web. */
export type WebOrt = OrtModule & Pick<typeof import("onnxruntime-web"), "env">;

/** Where the runtime's files are, and how it is set. */
export interface RuntimeOptions {
  /**
   * Where the runtime's files are: the address of a folder that holds `ort-wasm-simd-threaded.mjs`
   * and `.wasm`, and for WebGPU `ort-wasm-simd-threaded.asyncify.mjs` and `.wasm`, all from
   * onnxruntime-web's folder `dist`. Needed where a bundler does not copy them by itself.
   */
  readonly wasmPaths?: string | URL;
  /** @internal In place of onnxruntime-web. */
  readonly load?: (device: Device) => Promise<WebOrt>;
}

/** ONNX Runtime as it is in this page or worker. */
export interface Runtime {
  readonly ort: WebOrt;
  /** Runs tasks one after the other: the runtime forbids overlapping calls. */
  readonly queue: Queue;
}

/**
 * One WebAssembly module, with its heap and its threads, is made of each build a page: the runtime
 * allows no second one, so neither can pipelines have one each.
 */
const runtimes = new Map<Device, Promise<Runtime>>();

/**
 * Loads the build of ONNX Runtime for a device: for WebGPU the one that has both, for WebAssembly
 * alone the smaller one. Its module is fetched here, its wasm file when the first graph is loaded.
 */
export function loadRuntime(device: Device, options: RuntimeOptions = {}): Promise<Runtime> {
  if (options.load) return options.load(device).then(toRuntime);
  let loading = runtimes.get(device);
  if (!loading) {
    loading = importRuntime(device).then(toRuntime);
    runtimes.set(device, loading);
    loading.catch(() => runtimes.delete(device));
  }
  return loading;
}

function toRuntime(ort: WebOrt): Runtime {
  return { ort, queue: createQueue() };
}

/** Spelt out twice, so that bundlers see both builds. */
async function importRuntime(device: Device): Promise<WebOrt> {
  return device === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm");
}
