import {
  createOrtBackend,
  type InferenceBackend,
  type InferenceSession,
  isAbortError,
  isUnderpaintError,
  type ModelFile,
  type PipelineWarning,
  type SessionOptions,
  UnderpaintError,
} from "@underpaint/core";
import { doesNotFit } from "../preflight/does-not-fit.js";
import { type GpuLimits, judgeGpu, judgeGraph, judgeWasm, limitsOf } from "../preflight/judge.js";
import { type ModelNeeds, readNeeds } from "../preflight/needs.js";
import { findAdapter, type Gpu, isSoftware, openDevice } from "./adapter.js";
import { breathe } from "./breathe.js";
import { checkDevice, type Device } from "./device.js";
import { loadRuntime, type Runtime, type RuntimeOptions } from "./runtime.js";
import { checkThreads, type Page, thisPage, threadsFor } from "./threads.js";
import { withWeightsOutside } from "./weights-outside.js";

/** Options of {@link createWebBackend}. */
export interface WebBackendOptions {
  /** Where graphs run; `auto`, the fastest that works here, when left out. */
  readonly device?: Device | "auto";
  /** Threads that WebAssembly uses, 1 to 64; one a core, up to 8, when left out. */
  readonly threads?: number;
  /** Where the runtime's files are. */
  readonly runtime?: RuntimeOptions;
  /** Told when another device is used than the fastest, or one thread alone. */
  readonly onWarning?: (warning: PipelineWarning) => void;
  /** @internal In place of `navigator.gpu`. */
  readonly gpu?: Gpu;
  /** @internal In place of what the page says of itself. */
  readonly page?: Page;
}

/** An {@link InferenceBackend} of a browser. */
export interface WebBackend extends InferenceBackend {
  /** The device in use. `auto` may still go to WebAssembly when a graph does not load on the GPU. */
  readonly device: Device;
  /**
   * Settles the device for a model whose graphs were not fetched yet: `auto` goes to WebAssembly
   * where the model does not fit the GPU, with a warning.
   *
   * @internal
   * @throws UnderpaintError `device-unavailable` where it does not fit, saying what would.
   */
  consider(model: string, needs: ModelNeeds): void;
  /** Gives the GPU device back. Sessions are disposed first, by whoever made them. */
  dispose(): Promise<void>;
}

/**
 * ONNX Runtime in a browser, on a device.
 *
 * `auto` takes WebGPU where the browser has a GPU that does not compute in software, and goes to
 * WebAssembly, with all graphs that come after, when a graph does not load there. Each time a
 * slower device is taken, a `device-fallback` warning says why. A device that is asked for by name
 * is used or refused, never replaced.
 *
 * Asks the browser for its GPU; the runtime's files are fetched when the first graph is loaded.
 *
 * @throws UnderpaintError `invalid-request` for an unknown device or number of threads,
 * `device-unavailable` when the device cannot be used here.
 */
export async function createWebBackend(options: WebBackendOptions = {}): Promise<WebBackend> {
  const wanted = checkDevice(options.device ?? "auto");
  checkThreads(options.threads);
  const adapter = wanted === "wasm" ? "not asked for" : await findAdapter(options.gpu);
  if (wanted === "wasm") return wasmBackend(options, "wasm");
  if (typeof adapter === "string") {
    if (wanted === "webgpu") throw unavailable(adapter);
    options.onWarning?.(fallback(adapter));
    return wasmBackend(options, "wasm");
  }
  if (wanted === "auto" && isSoftware(adapter)) {
    options.onWarning?.(fallback("the browser's GPU is one in software"));
    return wasmBackend(options, "wasm");
  }
  const gpu = gpuBackend(options, adapter);
  return wanted === "webgpu" ? gpu : withFallback(gpu, wasmBackend(options, "webgpu"), options);
}

/** What errors call a graph that has no name. */
const unnamed = "the graph";

/** WebAssembly, of the runtime's build for a device: both builds have it. */
function wasmBackend(options: WebBackendOptions, build: Device): WebBackend {
  const name = "onnxruntime-web/wasm";
  let backend: Promise<InferenceBackend> | undefined;
  return {
    name,
    device: "wasm",
    async createSession(model, sessionOptions) {
      backend ??= readyRuntime(options, build).then(({ ort, queue }) =>
        createOrtBackend({
          ort,
          name,
          queue: (task) => queue(() => breathe().then(task)),
          sessionOptions: { executionProviders: ["wasm"], logSeverityLevel: 3 },
        }),
      );
      const file = await withWeightsOutside(model, sessionOptions?.label ?? unnamed);
      return (await backend).createSession(file, sessionOptions);
    },
    consider(model, needs) {
      const verdict = judgeWasm(needs);
      if (verdict.fits === "no") throw doesNotFit(model, verdict);
    },
    dispose: async () => {},
  };
}

function gpuBackend(options: WebBackendOptions, adapter: GPUAdapter): WebBackend {
  const name = "onnxruntime-web/webgpu";
  let opened: Promise<{ backend: InferenceBackend; device: GPUDevice }> | undefined;
  let disposed = false;
  /** Rejects, once, when the GPU is lost. */
  let lost: Promise<never> | undefined;

  async function open(): Promise<{ backend: InferenceBackend; device: GPUDevice }> {
    const { ort, queue } = await readyRuntime(options, "webgpu");
    const device = await openDevice(adapter);
    lost = device.lost.then((info) => {
      throw lostError(info, disposed);
    });
    lost.catch(() => {});
    const backend = createOrtBackend({
      ort,
      name,
      queue,
      deviceLocation: "gpu-buffer",
      sessionOptions: { executionProviders: [{ name: "webgpu", device }], logSeverityLevel: 3 },
    });
    return { backend, device };
  }

  /** What `work` gives, or that the GPU was lost, whichever it is that stopped it. */
  async function guarded<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    try {
      return await Promise.race([work, lost!]);
    } catch (error) {
      // The calls of a lost device fail some moments before it says that it is lost.
      await Promise.race([lost!, new Promise((resolve) => setTimeout(resolve, 100))]);
      throw error;
    }
  }

  return {
    name,
    device: "webgpu",
    async createSession(model, sessionOptions) {
      const label = sessionOptions?.label ?? unnamed;
      checkGraph(model, label, limitsOf(adapter));
      const file = await withWeightsOutside(model, label);
      opened ??= open();
      const { backend } = await opened;
      const session = await guarded(backend.createSession(file, sessionOptions));
      return { ...session, run: (feeds, runOptions) => guarded(session.run(feeds, runOptions)) };
    },
    consider(model, needs) {
      const verdict = judgeGpu(needs, limitsOf(adapter));
      if (verdict.fits !== "no") return;
      throw doesNotFit(model, verdict, judgeWasm(needs).fits === "no" ? undefined : "wasm");
    },
    async dispose() {
      disposed = true;
      (await opened?.catch(() => undefined))?.device.destroy();
    },
  };
}

/** Refuses a graph that the GPU cannot run, before the runtime fails with it half way. */
function checkGraph(model: ModelFile, label: string, gpu: GpuLimits): void {
  if (!("bytes" in model)) return;
  const needs = readNeeds(model.bytes, label, model.bytes.length);
  const found = needs && judgeGraph(needs, gpu);
  if (!found) return;
  throw new UnderpaintError({
    code: "device-unavailable",
    what: `the model does not fit the device webgpu: ${found.problem}`,
    remedy: `what would fit: ${found.remedy}, or the device "wasm"`,
  });
}

/** Loads graphs on the GPU, and from the first that it does not take, on WebAssembly. */
function withFallback(
  gpu: WebBackend,
  wasm: WebBackend,
  { onWarning }: WebBackendOptions,
): WebBackend {
  let chosen = gpu;
  return {
    get name() {
      return chosen.name;
    },
    get device() {
      return chosen.device;
    },
    async createSession(
      model: ModelFile,
      sessionOptions?: SessionOptions,
    ): Promise<InferenceSession> {
      if (chosen === wasm) return wasm.createSession(model, sessionOptions);
      try {
        return await gpu.createSession(model, sessionOptions);
      } catch (error) {
        if (sessionOptions?.signal?.aborted || isAbortError(error)) throw error;
        // A model that loads nowhere says nothing about the GPU; one that loads here does.
        const session = await wasm.createSession(model, sessionOptions);
        if (chosen === gpu) {
          chosen = wasm;
          onWarning?.(fallback(reasonOf(error)));
        }
        return session;
      }
    },
    consider(model, needs) {
      try {
        gpu.consider(model, needs);
      } catch (error) {
        wasm.consider(model, needs);
        chosen = wasm;
        onWarning?.(fallback(reasonOf(error)));
      }
    },
    dispose: () => gpu.dispose(),
  };
}

/** The runtime, with its settings made, which count before its first use alone. */
async function readyRuntime(
  { threads: wanted, runtime = {}, page = thisPage(), onWarning }: WebBackendOptions,
  build: Device,
): Promise<Runtime> {
  const loaded = await loadRuntime(build, runtime).catch((cause: unknown) => {
    throw new UnderpaintError({
      code: "device-unavailable",
      what: `ONNX Runtime cannot be loaded: ${reasonOf(cause)}`,
      remedy: "check that the files of onnxruntime-web are served with the page",
      cause,
    });
  });
  const { wasm } = loaded.ort.env;
  const { threads, warning } = threadsFor(wanted, page);
  wasm.numThreads = threads;
  if (runtime.wasmPaths !== undefined) {
    wasm.wasmPaths = new URL(
      String(runtime.wasmPaths).replace(/\/?$/, "/"),
      globalThis.location?.href,
    ).href;
  }
  if (warning) onWarning?.(warning);
  return loaded;
}

function unavailable(reason: string): UnderpaintError {
  return new UnderpaintError({
    code: "device-unavailable",
    what: `the device webgpu cannot be used: ${reason}`,
    allowed: "auto, wasm",
    remedy: "leave device out for the fastest that works here",
  });
}

function lostError({ reason, message }: GPUDeviceLostInfo, disposed: boolean): UnderpaintError {
  if (disposed) return new UnderpaintError({ code: "disposed", what: "the pipeline was disposed" });
  return new UnderpaintError({
    code: "device-unavailable",
    what: `the GPU was lost: ${message || reason || "the browser took it away"}`,
    remedy: 'dispose this pipeline and make a new one, on device "wasm" if it happens again',
  });
}

function fallback(reason: string): PipelineWarning {
  return { code: "device-fallback", message: `running on WebAssembly (webgpu: ${reason})` };
}

function reasonOf(error: unknown): string {
  if (isUnderpaintError(error)) return error.message.replace(/\.$/, "");
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split("\n", 1)[0]!.slice(0, 200).replace(/\.$/, "");
}
