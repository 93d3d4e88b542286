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

// sampling
export type { Denoise, NoiseLevel, SamplingRun, Schedule, Scheduler } from "./sampling/contract.js";

// tensor
export { copy, type LinearTerms, linear, linearInto } from "./tensor/linear.js";
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
