// The public API of @underpaint/core: every export by name, room by room.

// backend
export type {
  DeviceTensor,
  ExternalData,
  InferenceBackend,
  InferenceSession,
  ModelFile,
  NamedTensors,
  RunOptions,
  SessionOptions,
  TensorSpec,
} from "./backend/contract.js";
export {
  type EditModelOptions,
  editModel,
  type GraphFiles,
  type OpenFile,
} from "./backend/edit-model.js";
export { createOrtBackend, type OrtBackendOptions, type OrtModule } from "./backend/ort.js";
export { createQueue, type Queue } from "./backend/queue.js";

// control
export type {
  Control,
  ControlCall,
  ControlContribution,
  ControlGraph,
  ControlledModel,
  ControlMode,
  ControlPorts,
  ControlRun,
  ControlStep,
  ControlStrength,
  ControlWarning,
  OpenedGraph,
} from "./control/contract.js";
export { describePorts, portSize } from "./control/contribution.js";
export {
  type CheckedStrength,
  checkStrength,
  controlModes,
  isActive,
  softWeights,
} from "./control/strength.js";

// errors
export {
  type ErrorCode,
  type ErrorDetails,
  isAbortError,
  isUnderpaintError,
  nearest,
  UnderpaintError,
} from "./errors.js";

// graph
export { type ByteRange, bytesRange } from "./graph/byte-range.js";
export {
  type ControllableOptions,
  type ControllableUNet,
  makeControllable,
  type ResidualPort,
} from "./graph/controllable.js";
export {
  freshNames,
  type GraphEdits,
  type NewAttribute,
  type NewNode,
  type NewTensor,
} from "./graph/edits.js";
export { elementBytes } from "./graph/element-types.js";
export {
  attributeOf,
  type GraphAttribute,
  type GraphNode,
  type GraphPlace,
  type GraphPort,
  type GraphTensor,
  type OnnxGraph,
  type Place,
  type TensorPlace,
} from "./graph/graph.js";
export { type OutlineOptions, outlineGraph } from "./graph/outline.js";
export { applyPatch, type GraphPatch, patchGraph } from "./graph/patch.js";
export { readGraphPorts } from "./graph/ports.js";
export { type Probed, probeGraph } from "./graph/probe.js";
export { type ReadGraphOptions, readGraph, readGraphBytes } from "./graph/read-graph.js";
export { type Use, type Wirable, type Wiring, wireGraph } from "./graph/wiring.js";

// guidance
export { type ClassifierFreeOptions, classifierFree } from "./guidance/classifier-free.js";
export type { Branch, Guidance, Predict, StepPosition } from "./guidance/contract.js";
export { type EmbeddedGuidanceOptions, embeddedGuidance } from "./guidance/embedded.js";

// image
export { fromTensor, toTensor } from "./image/convert.js";
export { digestImage, type ImageDigest } from "./image/digest.js";
export { checkImage, createImage, maxImagePixels, type RgbaImage } from "./image/image.js";
export {
  type DecodePngOptions,
  decodePng,
  type EncodePngOptions,
  encodePng,
} from "./image/png.js";
export { type ReadTextOptions, readPngText } from "./image/png-text.js";
export { type ResizeFilter, type ResizeOptions, resize } from "./image/resize.js";

// latents
export {
  createLatentPreview,
  type LatentPreview,
  type PreviewMap,
  previewImage,
  stableDiffusionPreview,
} from "./latents/preview.js";
export { fitPreview } from "./latents/preview-fit.js";
export { type LatentScaling, latentScaling, vaeScaleFactor } from "./latents/scaling.js";
export { createVaeDecoder, type VaeDecoder } from "./latents/vae-decoder.js";
export { createVaeEncoder, type EncodeOptions, type VaeEncoder } from "./latents/vae-encoder.js";

// model
export { type Bound, bindInputs, describeSpec, type Port } from "./model/bind.js";
export type { ModelFamily } from "./model/family.js";
export { floatFeed, timestepFeed } from "./model/feeds.js";
export { guidanceEmbedding } from "./model/guidance-embedding.js";
export { type HubAddress, isCommit, parseHubAddress } from "./model/hub-address.js";
export type { JsonObject } from "./model/json.js";
export {
  type ComponentManifest,
  type ComponentName,
  type GraphFolder,
  inspectModel,
  type ManifestOptions,
  type ModelInspection,
  type ModelManifest,
  readManifest,
} from "./model/manifest.js";
export {
  type BorrowedSession,
  type GraphVariant,
  type LoadOptions,
  type Model,
  type ModelOptions,
  openModel,
} from "./model/model.js";
export { checkedPath } from "./model/model-path.js";
export { createNetwork, type Network, type NetworkCall } from "./model/network.js";
export { networkInputs } from "./model/network-inputs.js";
export type { ModelProgress } from "./model/progress.js";
export type { LoadProgress, ModelSource, OpenOptions } from "./model/source.js";
export { type KnownWords, readKnownWords } from "./model/words.js";

// painting
export { defaultEdge, type MaskEdge } from "./painting/edge.js";
export { type Expanded, type ExpandOptions, expand } from "./painting/expand.js";
export type { FillMode } from "./painting/fill.js";
export { layOver } from "./painting/layer.js";
export type { MaskSource } from "./painting/mask.js";
export type { PaintingRequest } from "./painting/options.js";
export type { Rect } from "./painting/rect.js";
// pipeline
export { checkPipelineOptions } from "./pipeline/check-options.js";
export type { ModelResolver } from "./pipeline/controls.js";
export {
  createPipeline,
  type Pipeline,
  type PipelineOptions,
} from "./pipeline/create-pipeline.js";
export { type FurnishRequest, furnishRequest } from "./pipeline/furnish.js";
export { type LivePipeline, newestWins } from "./pipeline/newest-wins.js";
export type { RecipeRequest } from "./pipeline/recipe-request.js";
export {
  type ControlMaker,
  corePlugins,
  makerOf,
  type PluginMaker,
  type PluginMakers,
} from "./pipeline/registry.js";
export type { GenerateRequest } from "./pipeline/request.js";
export type {
  GenerateResult,
  GenerationEvent,
  PipelineWarning,
  ResultEvent,
  StepEvent,
} from "./pipeline/result.js";
export type { TimedPart, Timings } from "./pipeline/timings.js";
export { limits as requestLimits } from "./pipeline/validate.js";

// random
export { createNoiseSource, type NoiseSource } from "./random/noise-source.js";
export { addToSeed, type Seed, validateSeed } from "./random/seed.js";

// recipe
export { formatParameters, type Parameters, parseParameters } from "./recipe/parameters.js";
export { parseRecipe } from "./recipe/parse-recipe.js";
export {
  type ControlRecipe,
  type PaintingRecipe,
  type PluginRecipe,
  type Recipe,
  type RecipeModel,
  recipeOfPicture,
  seedFromJson,
  seedToJson,
} from "./recipe/recipe.js";
export { readRecipe, recipeKeyword, recipeText } from "./recipe/recipe-text.js";

// sampling
export { type BetaSchedule, betaSchedules, linspaceFloat32 } from "./sampling/betas.js";
export {
  type Churned,
  type ChurnOptions,
  churnedStep,
  churnFields,
  churning,
} from "./sampling/churn.js";
export type {
  Denoise,
  NoiseLevel,
  SamplingRun,
  Schedule,
  ScheduleContext,
  Scheduler,
} from "./sampling/contract.js";
export { type DdimOptions, ddim, posteriorVariance } from "./sampling/ddim.js";
export {
  type ClipOptions,
  clipFields,
  type DynamicThresholdOptions,
  type EstimateLimitOptions,
  estimateLimitFields,
  limitEstimate,
  thresholdFields,
} from "./sampling/estimate-limits.js";
export { type EulerOptions, euler, startEuler } from "./sampling/euler.js";
export {
  continuousTimestep,
  explodingSchedule,
  sigmaRules,
} from "./sampling/exploding-schedule.js";
export {
  checkSteps,
  diffusionNoise,
  noiseOfKind,
  refuseUnreadableLevels,
} from "./sampling/model-fit.js";
export {
  type AngularNoise,
  type DiffusionNoise,
  discreteLevel,
  type EdmNoise,
  type FlowNoise,
  type NoiseModel,
  type Preconditioning,
  type PredictionType,
  preconditioning,
} from "./sampling/noise-model.js";
export { noiseModelFromConfig, type SchedulerConfig } from "./sampling/noise-model-config.js";
export {
  flagOption,
  numberOption,
  type OptionField,
  optionalNumber,
  readOptions,
  spacingOption,
  wholeOption,
  wordOption,
} from "./sampling/options.js";
export {
  between,
  type SpacedSigmas,
  type SpacingRules,
  spaceSigmas,
  spreadSigmas,
} from "./sampling/sigma-spacing.js";
export {
  type SigmaTable,
  sigmaAt,
  sigmaTable,
  type TimestepPrecision,
  timestepOf,
} from "./sampling/sigma-table.js";
export {
  beta,
  type CustomSpacing,
  checkSpacing,
  customSigmas,
  customTimesteps,
  exponential,
  karras,
  leading,
  linspace,
  lu,
  type SigmaEnds,
  type SigmaSpacing,
  type Spacing,
  type SpacingKind,
  spacingKinds,
  type TimestepSpacing,
  trailing,
} from "./sampling/spacing.js";
export {
  checkedTimesteps,
  roundHalfEven,
  spaceTimesteps,
  type TimestepRules,
} from "./sampling/timesteps.js";

// tensor
export { convert } from "./tensor/convert.js";
export { floatToHalf, halfToFloat, halfToNumber, numberToHalf } from "./tensor/half.js";
export { copy, type LinearTerms, linear, linearInto } from "./tensor/linear.js";
export {
  fromNdarray,
  type NdArrayByType,
  type NdArrayLike,
  toNdarray,
} from "./tensor/ndarray-view.js";
export {
  batchEntry,
  elementCount,
  type FloatTensor,
  floatTensor,
  sameDims,
  type Tensor,
  type TensorDataByType,
  type TensorType,
  tensor,
  zeros,
} from "./tensor/tensor.js";

// text
export {
  type ClipTokenizer,
  createClipTokenizer,
  type TokenEncoding,
  type TokenPlace,
  type Tokens,
} from "./text/clip-tokenizer.js";
export {
  type ClipTextEncoder,
  type ClipTextEncoderOptions,
  createTextEncoder,
  type EncodedPrompt,
} from "./text/text-encoder.js";
export type { ClipTokenizerFiles } from "./text/tokenizer-files.js";

// version
export { version } from "./version.js";
