// The public API of @underpaint/web: every export by name. What applications need of
// @underpaint/core and @underpaint/schedulers comes along, so that one import does.

// core: requests, results, pictures, errors
export {
  classifierFree,
  createImage,
  decodePng,
  type EncodePngOptions,
  type ErrorCode,
  encodePng,
  type GenerateRequest,
  type GenerateResult,
  type GenerationEvent,
  type Guidance,
  type InferenceBackend,
  isAbortError,
  isUnderpaintError,
  type LivePipeline,
  type LoadProgress,
  type ModelManifest,
  type ModelProgress,
  type ModelSource,
  newestWins,
  type Pipeline,
  type PipelineWarning,
  parseRecipe,
  type Recipe,
  type RecipeRequest,
  type ResultEvent,
  type RgbaImage,
  readRecipe,
  recipeText,
  resize,
  type Scheduler,
  type StepEvent,
  type Timings,
  UnderpaintError,
} from "@underpaint/core";

// schedulers
export { createScheduler, fromConfig, schedulerNames } from "@underpaint/schedulers";

// making pictures
export type { WebPipeline } from "./create-pipeline.js";

// devices
export { createWebBackend, type WebBackend, type WebBackendOptions } from "./devices/backend.js";
export { type Device, devices } from "./devices/device.js";
export type { RuntimeOptions, WebOrt } from "./devices/runtime.js";
// a browser's pictures
export {
  type PictureSource,
  toCanvas,
  toImage,
  toImageBitmap,
  toPngBlob,
} from "./images/picture.js";
export type { PictureTaking, WebRequest, WithPictures } from "./images/request-pictures.js";
// whether a model fits
export type { DeviceVerdict, Fit } from "./preflight/judge.js";
export {
  type PreflightOptions,
  type PreflightReport,
  preflight,
  type StorageVerdict,
} from "./preflight/preflight.js";
// models: where they are, and what is kept of them
export { directorySource } from "./sources/directory.js";
export type { Patience } from "./sources/download.js";
export { filesSource, type ModelFiles } from "./sources/files.js";
export { type HttpsOptions, httpsSource } from "./sources/https.js";
export { type HubOptions, hubSource } from "./sources/hub.js";
export type { ModelPlace } from "./sources/resolve.js";
export type { WorkerChoice } from "./start-worker.js";
export {
  type ModelStore,
  modelStore,
  type StoredModel,
  type StoreSize,
} from "./store/model-store.js";
// in a worker
export { createPipeline, type WebPipelineOptions } from "./worker/create-pipeline.js";
