import { controlPlugins } from "@underpaint/controlnet";
import {
  checkPipelineOptions,
  createPipeline as createCorePipeline,
  type ModelProgress,
  type ModelSource,
  type Pipeline,
  type PipelineWarning,
  type Scheduler,
  type SchedulerConfig,
} from "@underpaint/core";
import { createScheduler, fromConfig } from "@underpaint/schedulers";
import { createNodeBackend, type NodeRuntime } from "./devices/backend.js";
import type { Device } from "./devices/device.js";
import { graphFiles } from "./graph/graph-files.js";
import { resolveModel } from "./sources/resolve.js";

/** Options of {@link createPipeline}; each may be left out. */
export interface NodePipelineOptions {
  /**
   * The model: a folder, `"hub:owner/name@revision"`, an https address, or a source of one's own;
   * the embedded starter when left out. See {@link resolveModel}.
   */
  readonly model?: string | ModelSource;
  /** Where graphs run: `auto`, the fastest that works here, when left out. */
  readonly device?: Device | "auto";
  /** Threads a graph uses on the processor, 1 to 512; one a core when left out. */
  readonly threads?: number;
  /**
   * The scheduler of requests that name none, or its name ("dpmpp-2m", "dpmpp-2m-karras"); the one
   * of the model's own `scheduler_config.json` when left out.
   */
  readonly scheduler?: Scheduler | string;
  /** Where models from https addresses are kept; in the system's folder for caches when left out. */
  readonly cacheFolder?: string;
  /** Told while files arrive and graphs load: one total over all files of the model. */
  readonly onProgress?: (progress: ModelProgress) => void;
  /** Told what should be known and stops nothing, such as another device than the fastest. */
  readonly onWarning?: (warning: PipelineWarning) => void;
  /** Ends the opening of the model. Requests have signals of their own. */
  readonly signal?: AbortSignal;
  /** In place of the global fetch, for a proxy. */
  readonly fetch?: typeof fetch;
  /** @internal In place of onnxruntime-node. */
  readonly runtime?: NodeRuntime;
}

/** A pipeline of Node. */
export interface NodePipeline extends Pipeline {
  /** The device in use. */
  readonly device: Device;
}

const optionKeys = [
  "model",
  "device",
  "threads",
  "scheduler",
  "cacheFolder",
  "onProgress",
  "onWarning",
  "signal",
  "fetch",
] as const satisfies readonly (keyof NodePipelineOptions)[];

/**
 * Opens a model, by default the embedded one, to make pictures with:
 *
 *     const pipeline = await createPipeline();
 *     const { images } = await pipeline.generate({ prompt: "a red apple" });
 *
 * Reads the model's small files; its graphs are fetched and loaded when they are first needed, or
 * by `pipeline.load()`.
 *
 * @throws UnderpaintError `invalid-request` for an option that is not right, `model-not-found`,
 * `model-invalid`, `model-unsupported`, `device-unavailable`, `download-failed`.
 */
export async function createPipeline(options: NodePipelineOptions = {}): Promise<NodePipeline> {
  checkPipelineOptions(options, optionKeys, ["runtime"]);
  const { model, device, threads, scheduler, runtime, onProgress, onWarning, signal } = options;
  signal?.throwIfAborted();
  const chosen = typeof scheduler === "string" ? createScheduler(scheduler) : scheduler;
  const source = isSource(model) ? model : await resolveModel(model, options);
  const backend = await createNodeBackend({
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(runtime && { runtime }),
    ...(onWarning && { onWarning }),
  });
  const pipeline = await createCorePipeline({
    backend,
    source,
    scheduler: chosen ?? ((config) => schedulerOf(config, onWarning)),
    plugins: { scheduler: createScheduler, control: controlPlugins },
    graphFiles,
    resolveModel: (name) => resolveModel(name, options),
    ...(onProgress && { onProgress }),
    ...(onWarning && { onWarning }),
    ...(signal && { signal }),
  });
  return {
    ...pipeline,
    get device() {
      return backend.device;
    },
  };
}

function schedulerOf(
  config: SchedulerConfig,
  onWarning: NodePipelineOptions["onWarning"],
): Scheduler {
  return fromConfig(config, {
    onWarning: (message) => onWarning?.({ code: "scheduler-config", message }),
  });
}

function isSource(model: unknown): model is ModelSource {
  return typeof model === "object" && model !== null && "open" in model && "read" in model;
}
