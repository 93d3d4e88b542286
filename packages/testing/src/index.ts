// The public API of @underpaint/testing: every export by name, room by room.

// backend
export { type BackendCheckOptions, backendChecks } from "./backend/backend-checks.js";

// checks
export { type Check, type Failure, failures } from "./check.js";

// controls
export {
  type ControlCheckOptions,
  type ControlFactory,
  controlChecks,
} from "./controls/control-checks.js";
export { type ControlSetting, smallPorts } from "./controls/control-run.js";
export { type FakeNetwork, fakeAdapter, fakeControlNet } from "./controls/fake-networks.js";

// fakes
export {
  type FakeBackend,
  type FakeGraph,
  type FakeSession,
  fakeBackend,
  fakeSession,
} from "./fakes/backend.js";
export { type CountingNoise, countingNoise, replayedNoise } from "./fakes/counting-noise.js";
export { type GaussianData, type GaussianDenoiser, gaussianDenoiser } from "./fakes/gaussian.js";
export { type MemoryFiles, memorySource } from "./fakes/memory-source.js";
export { type OnnxGraph, type OnnxPort, type OnnxType, onnxGraph } from "./fakes/onnx-graph.js";

// guidance
export {
  type GuidanceCheckOptions,
  type GuidanceFactory,
  guidanceChecks,
} from "./guidance/guidance-checks.js";

// schedulers
export type { Call, SchedulerCheckOptions, SchedulerFactory } from "./schedulers/options.js";
export { schedulerChecks } from "./schedulers/scheduler-checks.js";

// sources
export {
  modelSourceChecks,
  type SourceCheckOptions,
  type SourceFactory,
} from "./sources/source-checks.js";
