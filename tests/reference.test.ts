import { readFileSync } from "node:fs";
import {
  createOrtBackend,
  createPipeline,
  decodePng,
  type FloatTensor,
  type Scheduler,
} from "@underpaint/core";
import { fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  fixtureModel,
  fixturePath,
  type ReferenceCase,
  referenceCases,
  referenceNumbers,
  relativeError,
} from "./support/reference.js";

/** Remembers the timesteps of the schedule and of the network. */
async function runCase(entry: ReferenceCase, modelName: string) {
  const { config, class: className, eta } = entry.scheduler;
  const schedulerConfig = { _class_name: className, ...config };
  const made = fromConfig(schedulerConfig);
  const scheduler: Scheduler = eta > 0 ? fromConfig({ ...schedulerConfig, eta }) : made;
  const pipeline = await createPipeline({
    backend: createOrtBackend({ ort, name: "onnxruntime-node/cpu" }),
    source: await fixtureModel(modelName, schedulerConfig),
    scheduler,
  });
  const { image, ...request } = entry.request;
  const latents: FloatTensor[] = [];
  const result = await pipeline.generate({
    ...request,
    ...(image ? { image: await decodePng(readFileSync(fixturePath(`reference/${image}`))) } : {}),
    onStep: (event) => latents.push(event.latents),
  });
  await pipeline.dispose();
  return { ...result, latents };
}
