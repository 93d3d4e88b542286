import {
  createOrtBackend,
  createPipeline,
  type FloatTensor,
  type RgbaImage,
} from "@underpaint/core";
import { createScheduler, fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  fixtureModel,
  type ReferenceCase,
  readPicture,
  referenceCases,
  referenceNumbers,
  relativeError,
} from "./support/reference.js";

// Everything that diffusers' pipelines compute on the same weights, from the prompt to the pixels.

const cases = referenceCases();

/** A request of the reference, made by our pipeline on a model's ONNX export. */
async function make({ scheduler, request: { image, ...request } }: ReferenceCase, model: string) {
  const config = { _class_name: scheduler.class, ...scheduler.config };
  const made = fromConfig(config);
  const pipeline = await createPipeline({
    backend: createOrtBackend({ ort, name: "onnxruntime-node/cpu" }),
    source: await fixtureModel(model, config),
    // In diffusers eta belongs to the call, not to the config.
    scheduler: scheduler.eta
      ? createScheduler(made.name, { ...made.options, eta: scheduler.eta })
      : made,
  });
  const steps: { latents: FloatTensor; timestep: number }[] = [];
  const result = await pipeline.generate({
    ...request,
    ...(image && { image: readPicture(image.replace("inputs/", "")) }),
    onStep: ({ latents, timestep }) => steps.push({ latents, timestep }),
  });
  await pipeline.dispose();
  return { images: result.images, steps };
}

/** RGB samples of all pictures, in the order of the reference's NHWC. */
function rgbOf(images: readonly RgbaImage[]): Uint8Array {
  return Uint8Array.from(images.flatMap(({ data }) => [...data.filter((_, i) => i % 4 !== 3)]));
}

function largestDifference(found: Uint8Array, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
}

describe("equals diffusers on the same weights", () => {
  it("has every case that was promised", () => {
    expect(cases.length).toBeGreaterThanOrEqual(90);
    for (const scheduler of ["ddim", "euler"]) {
      for (const mode of ["text", "image"]) {
        for (const size of ["64x64", "96x64"]) {
          for (const guidance of ["7.5", "1", "0"]) {
            for (const count of ["1", "3"]) {
              const name = `grid-${scheduler}-${mode}-${size}-guidance-${guidance}-count-${count}`;
              expect(cases.map((entry) => entry.name)).toContain(name);
            }
          }
        }
      }
    }
  });

  it.each(cases.map((entry) => [entry.name, entry] as const))("%s", async (_, entry) => {
    const expected = referenceNumbers(entry.file);
    const { images, steps } = await make(entry, entry.model);

    const timesteps = expected.get("timesteps")!.data as Float64Array;
    expect(steps.length).toBe(timesteps.length);
    for (const [index, { timestep }] of steps.entries()) {
      const reference = timesteps[index]!;
      // torch's square roots (Intel's vector library) are off by a unit in the last place here and
      // there, and with them the fractional timesteps that are interpolated between sigmas.
      if (Number.isInteger(reference)) expect(timestep).toBe(reference);
      else expect(Math.abs(timestep - reference)).toBeLessThanOrEqual(reference * 2 ** -23);
    }
    for (const [index, { latents }] of steps.entries()) {
      const reference = expected.get(`latents.${index + 1}`)!;
      expect(latents.dims, `dims after step ${index + 1}`).toEqual(reference.dims);
      const error = relativeError(latents.data, reference.data as Float32Array);
      expect(error, `latents after step ${index + 1}`).toBeLessThan(1e-4);
    }
    const pixels = expected.get("image")!;
    expect([images.length, images[0]?.height, images[0]?.width, 3]).toEqual(pixels.dims);
    expect(largestDifference(rgbOf(images), pixels.data as Uint8Array)).toBeLessThanOrEqual(1);
  });
});
