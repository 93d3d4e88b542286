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
 * The runtime allows one WebAssembly module, with its heap and its threads, of each build a page:
 * pipelines cannot have one each, and wait for each other.
 */
const queues = new WeakMap<WebOrt, Queue>();

/**
 * Loads the build of ONNX Runtime for a device: for WebGPU the one that has both, for WebAssembly
 * alone the smaller one. Its module is fetched here, its wasm file when the first graph is loaded.
 */
export async function loadRuntime(
  device: Device,
  { load = importRuntime }: RuntimeOptions = {},
): Promise<Runtime> {
  const ort = await load(device);
  const queue = queues.get(ort) ?? createQueue();
  queues.set(ort, queue);
  return { ort, queue };
}

/** Spelt out twice, so that bundlers see both builds. */
async function importRuntime(device: Device): Promise<WebOrt> {
  return device === "webgpu" ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm");
}
