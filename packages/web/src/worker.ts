// The worker's script: the build makes worker.js of it. It imports nothing of the page's side, so
// that bundlers that follow `new Worker(…)` come to an end.

import { createPipeline } from "./create-pipeline.js";
import type { WorkerGreeting } from "./start-worker.js";
import { holdLifeline } from "./worker/lifeline.js";
import { type OpenServed, servePipeline } from "./worker/serve.js";

const open: OpenServed = async ({ pageAddress, ...options }, hooks) => {
  const pipeline = await createPipeline({ ...options, ...hooks }, pageAddress as string);
  return { pipeline, state: () => ({ device: pipeline.device }) };
};

globalThis.addEventListener("message", ({ data }: MessageEvent<Partial<WorkerGreeting> | null>) => {
  const { underpaint: port, lifeline = "" } = data ?? {};
  if (port) void holdLifeline(lifeline).then(() => servePipeline(port, open));
});
