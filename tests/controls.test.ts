import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { controlNet, t2iAdapter } from "@underpaint/controlnet";
import {
  type ControlMode,
  createOrtBackend,
  createPipeline,
  decodePng,
  type FloatTensor,
  type GenerateRequest,
  type RgbaImage,
} from "@underpaint/core";
import { fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { graphFiles } from "../packages/node/src/graph/graph-files.js";
import { folderSource } from "../packages/node/src/sources/folder.js";
import { fixtureModel, readPicture, relativeError } from "./support/reference.js";
import { readSafetensors } from "./support/safetensors.js";

// What diffusers' pipelines make by ControlNets and T2I-Adapters of the same weights: from the hint
// to the pixels.

const folder = fileURLToPath(new URL("../fixtures/controls/", import.meta.url));

interface Case {
  readonly name: string;
  readonly request: Omit<GenerateRequest, "image"> & { readonly image?: string };
  readonly controls: readonly {
    readonly graph: string;
    readonly hint: string;
    readonly weight: number | number[];
    readonly start: number;
    readonly end: number;
    readonly mode: ControlMode;
    readonly mask?: string;
  }[];
}

const { cases } = JSON.parse(readFileSync(`${folder}index.json`, "utf8")) as { cases: Case[] };
const numbers = readSafetensors(`${folder}cases.safetensors`);
const picture = (name: string): RgbaImage => decodePng(readFileSync(folder + name));

async function make({ request: { image, ...request }, controls }: Case, steered = true) {
  const pipeline = await createPipeline({
    backend: createOrtBackend({ ort, name: "onnxruntime-node/cpu" }),
    source: await fixtureModel("tiny"),
    scheduler: fromConfig,
    graphFiles,
  });
  const made = await Promise.all(
    controls.map(async ({ graph, hint, mask, ...strength }) => {
      const factory = graph === "adapter" ? t2iAdapter : controlNet;
      return factory({
        model: await folderSource(folder + graph),
        hint: picture(hint),
        ...strength,
        ...(mask && { mask: picture(mask) }),
      });
    }),
  );
  const latents: FloatTensor[] = [];
  const { images } = await pipeline.generate({
    ...request,
    ...(image && { image: readPicture(image) }),
    ...(steered && { controls: made }),
    onStep: (event) => latents.push(event.latents),
  });
  await pipeline.dispose();
  const rgb = images.flatMap(({ data }) => [...data.filter((_, i) => i % 4 !== 3)]);
  return { latents, rgb };
}

const largest = (found: readonly number[], expected: ArrayLike<number>): number =>
  found.length === expected.length
    ? found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)
    : Number.POSITIVE_INFINITY;

describe("controls equal diffusers' on the same weights", () => {
  it.each(cases.map((entry) => [entry.name, entry] as const))("%s", async (name, entry) => {
    const { latents, rgb } = await make(entry);
    for (const [index, found] of latents.entries()) {
      const expected = numbers.get(`${name}/latents.${index + 1}`)!;
      expect(found.dims).toEqual(expected.dims);
      const error = relativeError(found.data, expected.data as Float32Array);
      expect(error, `latents after step ${index + 1}`).toBeLessThan(1e-4);
    }
    expect(numbers.has(`${name}/latents.${latents.length + 1}`)).toBe(false);
    const expected = numbers.get(`${name}/image`)!.data as Uint8Array;
    expect(largest(rgb, expected)).toBeLessThanOrEqual(1);
  });

  it("by pictures that the controls did change", async () => {
    for (const entry of cases.filter(({ request }) => request.width === 64)) {
      const { rgb } = await make(entry, false);
      const steered = numbers.get(`${entry.name}/image`)!.data as Uint8Array;
      expect(largest(rgb, steered), entry.name).toBeGreaterThan(8);
    }
  });
});
