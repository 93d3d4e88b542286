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
// errors
export {
  type ErrorCode,
  type ErrorDetails,
  isAbortError,
  isUnderpaintError,
  UnderpaintError,
} from "./errors.js";

// guidance
export { type ClassifierFreeOptions, classifierFree } from "./guidance/classifier-free.js";
export type { Branch, Guidance, Predict, StepPosition } from "./guidance/contract.js";

// model
export type { LoadProgress, ModelSource, OpenOptions } from "./model/source.js";

// random
export { createNoiseSource, type NoiseSource } from "./random/noise-source.js";
export { addToSeed, type Seed, validateSeed } from "./random/seed.js";

// sampling
export type { Denoise, NoiseLevel, SamplingRun, Schedule, Scheduler } from "./sampling/contract.js";

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
