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
import { makeControl } from "./controls/make-control.js";
import { createWebBackend } from "./devices/backend.js";
import type { Device } from "./devices/device.js";
import type { RuntimeOptions } from "./devices/runtime.js";
import { type PictureTaking, takingPictures } from "./images/request-pictures.js";
import { needsOfModel } from "./preflight/needs.js";
import { sourceOf } from "./source-of.js";
import { isAddress, type ModelPlace } from "./sources/resolve.js";

/** Options of {@link createPipeline}; each may be left out. */
export interface WebPipelineOptions {
  /**
   * The model: an address, `"hub:owner/name@revision"`, files, a folder, or a source of one's own;
   * the embedded starter when left out. See {@link resolveModel}.
   */
  readonly model?: ModelPlace | ModelSource;
  /** Where graphs run: `auto`, the fastest that works here, when left out. */
  readonly device?: Device | "auto";
  /** Threads that WebAssembly uses, 1 to 64; one a core, up to 8, when left out. */
  readonly threads?: number;
  /**
   * The scheduler of requests that name none, or its name ("dpmpp-2m", "dpmpp-2m-karras"); the one
   * of the model's own `scheduler_config.json` when left out.
   */
  readonly scheduler?: Scheduler | string;
  /**
   * The address of the folder `model` of @underpaint/starter. Needed for the embedded model where a
   * bundler does not copy its files by itself.
   */
  readonly starter?: string | URL;
  /** An access token of the hub, for private and gated models. */
  readonly hubToken?: string;
  /** A mirror of the hub. */
  readonly hubEndpoint?: string | URL;
  /** Where the runtime's files are, where a bundler does not copy them by itself. */
  readonly runtime?: RuntimeOptions;
  /** Told while files arrive and graphs load: one total over all files of the model. */
  readonly onProgress?: (progress: ModelProgress) => void;
  /** Told what should be known and stops nothing, such as another device than the fastest. */
  readonly onWarning?: (warning: PipelineWarning) => void;
  /** Ends the opening of the model. Requests have signals of their own. */
  readonly signal?: AbortSignal;
  /** In place of the global fetch. */
  readonly fetch?: typeof fetch;
}

/** A pipeline of a browser: its requests take a {@link PictureSource} wherever a picture is. */
export interface WebPipeline extends Omit<Pipeline, keyof PictureTaking>, PictureTaking {
  /** The device in use. */
  readonly device: Device;
}

const optionKeys = [
  "model",
  "device",
  "threads",
  "scheduler",
  "starter",
  "hubToken",
  "hubEndpoint",
  "runtime",
  "onProgress",
  "onWarning",
  "signal",
  "fetch",
] as const satisfies readonly (keyof WebPipelineOptions)[];

/**
 * Opens a model, by default the embedded one, to make pictures with:
 *
 *     const pipeline = await createPipeline();
 *     const { images } = await pipeline.generate({ prompt: "a red apple" });
 *
 * Reads the model's small files, and refuses a model that does not fit the device; its graphs, and
 * the runtime, are fetched and loaded when they are first needed, or by `pipeline.load()`.
 *
 * @throws UnderpaintError `invalid-request` for an option that is not right, `model-not-found`,
 * `model-invalid`, `model-unsupported`, `device-unavailable`, `download-failed`.
 *
 * @param pageAddress in a worker, what relative addresses of controls' models begin from: a worker
 * would take them as relative to its script.
 */
export async function createPipeline(
  options: WebPipelineOptions = {},
  pageAddress?: string,
): Promise<WebPipeline> {
  checkPipelineOptions(options, optionKeys);
  const { model, device, threads, scheduler, runtime, onProgress, onWarning, signal } = options;
  signal?.throwIfAborted();
  const chosen = typeof scheduler === "string" ? createScheduler(scheduler) : scheduler;
  const source = await sourceOf(model, options);
  const backend = await createWebBackend({
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(runtime && { runtime }),
    ...(onWarning && { onWarning }),
  });
  const pipeline = await createCorePipeline({
    backend,
    source,
    scheduler: chosen ?? ((config) => schedulerOf(config, onWarning)),
    plugins: { scheduler: createScheduler, control: makeControl },
    resolveModel(name) {
      const isRelative = pageAddress !== undefined && isAddress(name);
      return sourceOf(isRelative ? new URL(name, pageAddress).href : name, options);
    },
    ...(onProgress && { onProgress }),
    ...(onWarning && { onWarning }),
    ...(signal && { signal }),
  });
  try {
    backend.consider(pipeline.manifest.id, needsOfModel(pipeline.manifest));
  } catch (error) {
    await Promise.all([pipeline.dispose(), backend.dispose()]);
    throw error;
  }
  return {
    ...pipeline,
    ...takingPictures(pipeline),
    get device() {
      return backend.device;
    },
    async dispose() {
      await pipeline.dispose();
      await backend.dispose();
    },
  };
}

function schedulerOf(
  config: SchedulerConfig,
  onWarning: WebPipelineOptions["onWarning"],
): Scheduler {
  return fromConfig(config, {
    onWarning: (message) => onWarning?.({ code: "scheduler-config", message }),
  });
}
