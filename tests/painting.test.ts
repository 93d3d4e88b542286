import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  createOrtBackend,
  createPipeline,
  decodePng,
  type FloatTensor,
  type GenerateRequest,
  type ModelSource,
  type Pipeline,
  type RgbaImage,
} from "@underpaint/core";
import { createScheduler, fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { folderSource } from "../packages/node/src/sources/folder.js";
import { fixtureModel, relativeError } from "./support/reference.js";
import { readSafetensors } from "./support/safetensors.js";

// Painting into pictures: against diffusers' inpainting pipeline, on the same weights.

const fixtures = fileURLToPath(new URL("../fixtures/painting/", import.meta.url));

interface PaintingCase {
  readonly name: string;
  readonly channels: 4 | 9;
  readonly picture: string;
  readonly scheduler: { readonly class: string; readonly config: Record<string, unknown> };
  readonly crop: number | null;
  readonly request: GenerateRequest;
}

const { cases } = JSON.parse(readFileSync(`${fixtures}index.json`, "utf8")) as {
  cases: readonly PaintingCase[];
};

const png = (name: string): RgbaImage => decodePng(readFileSync(`${fixtures}${name}.png`));

/** The tiny model, with the network for inpainting in its network's place. */
async function inpaintingModel(config?: object): Promise<ModelSource> {
  const [plain, painting] = [await fixtureModel("tiny", config), await folderSource(fixtures)];
  const of = (file: string): ModelSource => (file.startsWith("unet/") ? painting : plain);
  return {
    id: "fixture:tiny-inpainting",
    size: (file, options) => of(file).size(file, options),
    read: (file, options) => of(file).read(file, options),
    open: (file, options) => of(file).open(file, options),
  };
}

async function open(channels: 4 | 9, config?: object): Promise<Pipeline> {
  return createPipeline({
    backend: createOrtBackend({ ort, name: "onnxruntime-node/cpu" }),
    source: channels === 9 ? await inpaintingModel(config) : await fixtureModel("tiny", config),
    scheduler: fromConfig,
    plugins: { scheduler: createScheduler },
  });
}

/** What diffusers knows nothing of. */
const hardEdge = { grow: 0, feather: 0, blend: 0 };

describe("equals diffusers on the same weights", () => {
  it("has every case that was promised", () => {
    for (const channels of [4, 9]) {
      expect(cases.map(({ name }) => name)).toContain(`${channels}-channels-only-masked`);
      for (const scheduler of ["ddim", "euler"]) {
        for (const strength of ["1", "0.6"]) {
          for (const size of ["64x64", "96x64"]) {
            const name = `${channels}-channels-${scheduler}-strength-${strength}-${size}`;
            expect(cases.map((entry) => entry.name)).toContain(name);
          }
        }
      }
    }
  });

  it.each(cases.map((entry) => [entry.name, entry] as const))("%s", async (_, entry) => {
    const expected = readSafetensors(`${fixtures}${entry.name}.safetensors`);
    const { scheduler, channels, crop, picture } = entry;
    const [image, mask] = [png(`picture-${picture}`), png(`mask-${picture}`)];
    const pipeline = await open(channels, { _class_name: scheduler.class, ...scheduler.config });
    const steps: FloatTensor[] = [];
    const { images } = await pipeline.generate({
      ...entry.request,
      image,
      mask,
      maskEdge: hardEdge,
      ...(crop !== null && { onlyMasked: { padding: crop } }),
      onStep: ({ latents }) => steps.push(latents),
    });
    await pipeline.dispose();

    expect(expected.has(`latents.${steps.length}`)).toBe(true);
    expect(expected.has(`latents.${steps.length + 1}`)).toBe(false);
    for (const [index, latents] of steps.entries()) {
      const reference = expected.get(`latents.${index + 1}`)!;
      expect(latents.dims).toEqual(reference.dims);
      const error = relativeError(latents.data, reference.data as Float32Array);
      expect(error, `latents after step ${index + 1}`).toBeLessThan(1e-4);
    }
    const reference = expected.get("image")!;
    expect([1, images[0]!.height, images[0]!.width, 3]).toEqual(reference.dims);
    let masked = 0;
    for (let i = 0; i < image.width * image.height; i++) {
      const found = [...images[0]!.data.subarray(4 * i, 4 * i + 4)];
      if (mask.data[4 * i] === 0) {
        // diffusers gives what the VAE makes of it.
        expect(found).toEqual([...image.data.subarray(4 * i, 4 * i + 4)]);
        continue;
      }
      masked++;
      const right = reference.data.subarray(3 * i, 3 * i + 3) as Uint8Array;
      const off = Math.max(...[0, 1, 2].map((c) => Math.abs(found[c]! - right[c]!)));
      expect(off, `pixel ${i}`).toBeLessThanOrEqual(1);
      expect(found[3]).toBe(255);
    }
    expect(masked).toBeGreaterThan(500);
  });
});
