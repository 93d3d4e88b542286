// The public API of @underpaint/node: every export by name. What applications need of
// @underpaint/core and @underpaint/schedulers comes along, so that one import does.

// core: requests, results, pictures, errors
export {
  classifierFree,
  createImage,
  decodePng,
  type EncodePngOptions,
  type ErrorCode,
  type Expanded,
  type ExpandOptions,
  encodePng,
  expand,
  type FillMode,
  type FurnishRequest,
  type GenerateRequest,
  type GenerateResult,
  type GenerationEvent,
  type GraphPort,
  type Guidance,
  type InferenceBackend,
  isAbortError,
  isUnderpaintError,
  type LoadProgress,
  layOver,
  type MaskEdge,
  type MaskSource,
  type ModelManifest,
  type ModelProgress,
  type ModelSource,
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

// the terminal
export {
  createProgress,
  type Progress,
  type ProgressOptions,
  type ProgressStream,
} from "./cli/progress.js";

// making pictures
export {
  createPipeline,
  type NodePipeline,
  type NodePipelineOptions,
} from "./create-pipeline.js";

// devices
export {
  createNodeBackend,
  type NodeBackend,
  type NodeBackendOptions,
  type NodeRuntime,
} from "./devices/backend.js";
export { type Device, devices } from "./devices/device.js";

// pictures in files
export { loadPng, loadRecipe, type SavePngOptions, savePng } from "./files/png-file.js";

// graphs
export { graphFiles, openRange } from "./graph/graph-files.js";

// what a model is
export {
  type ComponentReport,
  describeModel,
  type ModelReport,
} from "./info/describe-model.js";
export type { OnnxHeader } from "./info/onnx-header.js";

// contact sheets
export {
  type ContactSheetCell,
  type ContactSheetOptions,
  contactSheet,
} from "./sheet/contact-sheet.js";

// where models are
export { defaultCacheFolder, type Environment } from "./sources/cache-folder.js";
export type { Patience } from "./sources/download.js";
export { type FolderOptions, folderSource } from "./sources/folder.js";
export { type HttpsOptions, httpsSource } from "./sources/https.js";
export { type HubOptions, hubSource } from "./sources/hub.js";
export type { NodeModelSource } from "./sources/local.js";
export { type ResolveOptions, resolveModel } from "./sources/resolve.js";
export { starterSource } from "./sources/starter.js";
