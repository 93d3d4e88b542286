import type { WebPipelineOptions as OptionsHere, WebPipeline } from "../create-pipeline.js";
import type { Device } from "../devices/device.js";
import { takingCanvases } from "../images/request-pictures.js";
import { filesByPath } from "../sources/files.js";
import { isAddress } from "../sources/resolve.js";
import { startPipeline, type WorkerChoice } from "../start-worker.js";

/** Options of {@link createPipeline}; each may be left out. */
export interface WebPipelineOptions extends OptionsHere {
  /**
   * Runs everything in a worker, so that the page stays free: `true` for the script of this
   * package (see {@link WorkerChoice} for where it is looked for), its address, or a function that
   * makes the worker. The pipeline is the same but for what cannot be sent there: functions, such
   * as `fetch`, a source of one's own, or schedulers and guidances that are given as objects
   * rather than by name. Controls of @underpaint/controlnet are made again there, of what they were
   * made of; controls of one's own cannot be.
   */
  readonly worker?: boolean | WorkerChoice;
}

/**
 * Opens a model, by default the embedded one, to make pictures with:
 *
 *     const pipeline = await createPipeline({ worker: true });
 *     const { images } = await pipeline.generate({ prompt: "a red apple" });
 *
 * Reads the model's small files; its graphs, and the runtime, are fetched and loaded when they are
 * first needed, or by `pipeline.load()`.
 *
 * In a worker, pictures come back without being copied; those that are sent are copied once, and
 * stay usable. `dispose()` ends the worker.
 *
 * @throws UnderpaintError `invalid-request` for an option that is not right, `model-not-found`,
 * `model-invalid`, `model-unsupported`, `device-unavailable`, `download-failed`; `worker-failed`
 * when the worker's script cannot be loaded.
 */
export async function createPipeline(options: WebPipelineOptions = {}): Promise<WebPipeline> {
  const { worker = false, ...rest } = { ...options };
  if (worker === false) {
    // A page with a worker does without.
    const here = await import("../create-pipeline.js");
    // What is no object is refused there, in the same words.
    return here.createPipeline(isRecord(options) ? rest : options);
  }
  const { onProgress, onWarning, signal, ...sent } = rest;
  const remote = await startPipeline(worker, {
    options: { ...withAbsoluteAddresses(sent), pageAddress: globalThis.location?.href },
    onProgress,
    onWarning,
    signal,
  });
  return {
    ...remote.pipeline,
    ...takingCanvases(remote.pipeline),
    get device() {
      return remote.state().device as Device;
    },
  };
}

/** A worker would take relative addresses as relative to its script. */
function withAbsoluteAddresses(
  options: Omit<OptionsHere, "onProgress" | "onWarning" | "signal">,
): Readonly<Record<string, unknown>> {
  const { model, starter, hubEndpoint, runtime } = options;
  return {
    ...options,
    ...(typeof model === "string" && isAddress(model) && { model: absolute(model) }),
    ...(isFiles(model) && { model: filesByPath(model) }),
    ...(hubEndpoint !== undefined && { hubEndpoint: absolute(hubEndpoint) }),
    ...(starter !== undefined && { starter: absolute(starter) }),
    ...(runtime?.wasmPaths !== undefined && {
      runtime: { ...runtime, wasmPaths: absolute(runtime.wasmPaths) },
    }),
  };
}

function absolute(address: string | URL): string {
  return new URL(address, globalThis.location?.href).href;
}

/** A list of files, whose paths would be lost on the way. */
function isFiles(model: OptionsHere["model"]): model is Iterable<File> {
  return isRecord(model) && Symbol.iterator in (model as object);
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
