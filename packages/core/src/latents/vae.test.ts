import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../../../tests/support/safetensors.js";
import type { InferenceSession, TensorSpec } from "../backend/contract.js";
import { createOrtBackend } from "../backend/ort.js";
import { isUnderpaintError } from "../errors.js";
import { folderSource, modelFolder } from "../model/fakes/sources.js";
import { readManifest } from "../model/manifest.js";
import { type FloatTensor, floatTensor, zeros } from "../tensor/tensor.js";
import { createVaeDecoder } from "./vae-decoder.js";
import { createVaeEncoder } from "./vae-encoder.js";

const backend = createOrtBackend({
  ort,
  name: "onnxruntime-node/cpu",
  sessionOptions: { logSeverityLevel: 4 },
});

function fixture(name: string) {
  const path = `../../../../fixtures/reference/${name}.safetensors`;
  return readSafetensors(fileURLToPath(new URL(path, import.meta.url)));
}

const components = fixture("components");

function reference(name: string): FloatTensor {
  const { dims, data } = components.get(name)!;
  return floatTensor(dims, data as Float32Array);
}

async function component(model: string, name: "vae_decoder" | "vae_encoder") {
  const source = folderSource(modelFolder(model));
  const part = (await readManifest(source)).components[name]!;
  return { session: await backend.createSession(await source.open(part.graph)), ...part };
}

/** The largest difference, in units of the reference's largest absolute value. */
function relativeError(found: FloatTensor, expected: FloatTensor): number {
  expect(found.dims).toEqual(expected.dims);
  let [difference, scale] = [0, 0];
  expected.data.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(value - found.data[i]!));
    scale = Math.max(scale, Math.abs(value));
  });
  return difference / scale;
}

// Half precision has 11 significant bits: each operation is right to 4.9e-4, and there are some
// sixty of them on the way.
const exports = [
  ["tiny", 1e-5],
  ["tiny-legacy", 1e-5],
  ["tiny-names", 1e-5],
  ["tiny-v", 1e-5],
  ["tiny-fp16-fp32io", 1e-2],
  ["tiny-fp16", 1e-2],
] as const;

describe("the VAE's decoder", () => {
  it.each(exports)("of %s gives diffusers' pictures within %d", async (model, bound) => {
    const { session, graph } = await component(model, "vae_decoder");
    const decoder = createVaeDecoder(session, { scaling_factor: 1 }, graph);
    const found = await decoder.decode(reference("vae_decoder.latent_sample"));
    expect(relativeError(found, reference("vae_decoder.sample"))).toBeLessThan(bound);
  });

  it.each([
    ["ddim-eta-0.7", 8],
    ["grid-euler-text-96x64-guidance-7.5-count-3", 8],
    ["euler-karras-image", 4],
  ])("makes the picture of %s of its last latents, within 1/255", async (name, steps) => {
    const numbers = fixture(name);
    const { session, config } = await component("tiny", "vae_decoder");
    const { dims, data } = numbers.get(`latents.${steps}`)!;
    const pictures = await createVaeDecoder(session, config).decode(
      floatTensor(dims, data as Float32Array),
    );
    const image = numbers.get("image")!;
    const [count = 0, height = 0, width = 0] = image.dims;
    expect(pictures.dims).toEqual([count, 3, height, width]);
    const plane = height * width;
    let largest = 0;
    image.data.forEach((level, i) => {
      const [pixel, channel] = [Math.floor(i / 3), i % 3];
      const at = (Math.floor(pixel / plane) * 3 + channel) * plane + (pixel % plane);
      const found = Math.min(1, Math.max(0, pictures.data[at]! / 2 + 0.5)) * 255;
      largest = Math.max(largest, Math.abs(Math.round(found) - Number(level)));
    });
    expect(largest).toBeLessThanOrEqual(1);
  });

  it("refuses latents of another shape", async () => {
    const { session, config } = await component("tiny", "vae_decoder");
    const decoder = createVaeDecoder(session, config);
    for (const dims of [
      [4, 8, 8],
      [1, 3, 8, 8],
      [0, 4, 8, 8],
    ]) {
      const error = await decoder.decode(zeros("float32", dims)).catch((reason) => reason);
      expect(isUnderpaintError(error, "invalid-request")).toBe(true);
    }
  });
});

describe("the VAE's encoder", () => {
  it.each(exports)("of %s gives diffusers' latents within %d", async (model, bound) => {
    const { session, graph } = await component(model, "vae_encoder");
    const encoder = createVaeEncoder(session, { scaling_factor: 1 }, graph);
    const parameters = reference("vae_encoder.latent_parameters");
    const size = parameters.data.length / 2;
    const mean = floatTensor([1, 4, 8, 12], parameters.data.slice(0, size));
    const found = await encoder.encode(reference("vae_encoder.sample"), { mode: "mean" });
    if (encoder.samplesInside) {
      // Another draw each time: right on average, to a handful of standard deviations.
      const deviation = parameters.data.slice(size).map((value) => Math.exp(value / 2));
      const off = found.data.map((value, i) => Math.abs(value - mean.data[i]!) / deviation[i]!);
      expect(Math.max(...off)).toBeLessThan(6);
      expect(found.dims).toEqual(mean.dims);
    } else {
      expect(relativeError(found, mean)).toBeLessThan(bound);
    }
  });

  it("knows the graphs that draw their sample themselves", async () => {
    for (const [model, expected] of [
      ["tiny", false],
      ["tiny-legacy", true],
      ["tiny-names", true],
      ["starter", false],
    ] as const) {
      const { session, config } = await component(model, "vae_encoder");
      expect(createVaeEncoder(session, config).samplesInside, model).toBe(expected);
    }
  });
});

/** A session that gives these parameters for any picture. */
function fakeSession(parameters: FloatTensor, output: Partial<TensorSpec> = {}): InferenceSession {
  const dims = ["batch", 3, "height", "width"];
  return {
    inputs: [{ name: "sample", type: "float32", dims }],
    outputs: [
      { name: "latent_parameters", type: "float32", dims: ["b", "c", "h", "w"], ...output },
    ],
    run: async () => ({ [output.name ?? "latent_parameters"]: parameters }),
    dispose: async () => {},
  };
}

describe("the distribution that an encoder gives", () => {
  // Two channels of mean, two of log-variance: -40, 25 and -31 lie beyond the bounds.
  const parameters = floatTensor(
    [1, 4, 2, 2],
    Float32Array.of(0.5, -1.25, 3, 0.001, 0, 2, -7.5, 1e-3, -40, 25, -2.3, 0.7, -31, 19.5, 0, 1.1),
  );
  const noise = floatTensor(
    [1, 2, 2, 2],
    Float32Array.of(0.3, -1.7, 2.2, -0.05, 1, -0.4, 0.9, -3.1),
  );
  const config = { latent_channels: 2 };
  const picture = zeros("float32", [1, 3, 16, 16]);
  // torch 2.13.0: 0.18215 * DiagonalGaussianDistribution(parameters).sample() of diffusers 0.42.1,
  // with that noise, and the same of mode().
  const sampled = [
    0.09107502549886703, -6820.8330078125, 0.6733358502388, -0.012742008082568645,
    5.572010763899016e-8, -1249.4927978515625, -1.2021900415420532, -0.9785251617431641,
  ];
  const mode = [
    0.09107500314712524, -0.2276875078678131, 0.5464500188827515, 0.0001821500190999359, 0,
    0.364300012588501, -1.3661251068115234, 0.0001821500190999359,
  ];

  it("is drawn from as diffusers does", async () => {
    const encoder = createVaeEncoder(fakeSession(parameters), config);
    const { data } = await encoder.encode(picture, { mode: "sample", noise: () => noise });
    // The reference's exp may differ from ours in its last bit.
    for (const [i, value] of sampled.entries()) {
      expect(Math.abs(data[i]! - value) / Math.abs(value)).toBeLessThan(2 ** -22);
    }
  });

  it("has its middle", async () => {
    const encoder = createVaeEncoder(fakeSession(parameters), config);
    const unused = () => {
      throw new Error("no noise is needed");
    };
    const { data } = await encoder.encode(picture, { mode: "mean", noise: unused });
    expect([...data]).toEqual(mode);
  });

  it("is drawn from for each picture of a batch", async () => {
    const twice = (one: FloatTensor) =>
      floatTensor([2, ...one.dims.slice(1)], Float32Array.of(...one.data, ...one.data));
    const encoder = createVaeEncoder(fakeSession(twice(parameters)), config);
    const { data } = await encoder.encode(zeros("float32", [2, 3, 16, 16]), {
      mode: "sample",
      noise: () => twice(noise),
    });
    expect([...data.slice(8)]).toEqual([...data.slice(0, 8)]);
    expect(Math.abs(data[9]! / sampled[1]! - 1)).toBeLessThan(2 ** -22);
  });

  it.each([
    ["latent_parameters", "c", false],
    ["latent_sample", "c", true],
    ["latent", "c", true],
    ["anything", 2, true],
    ["latent_sample", 4, false],
  ])("is told from a sample by the output %s of %s channels", (name, channels, inside) => {
    const session = fakeSession(parameters, { name, dims: ["b", channels, "h", "w"] });
    expect(createVaeEncoder(session, config).samplesInside).toBe(inside);
  });

  it.each<[string, Parameters<ReturnType<typeof createVaeEncoder>["encode"]>, string]>([
    ["no noise", [picture, { mode: "sample" }], "needs noise"],
    ["noise of another shape", [picture, { mode: "sample", noise: () => picture }], "the noise"],
    ["a picture without colours", [zeros("float32", [1, 1, 16, 16]), { mode: "mean" }], "pictures"],
  ])("refuses %s", async (_, given, message) => {
    const encoder = createVaeEncoder(fakeSession(parameters), config);
    const error = await encoder.encode(...given).catch((reason) => reason);
    expect(isUnderpaintError(error, "invalid-request")).toBe(true);
    expect(error.message).toContain(message);
  });

  it("is not read off another output", async () => {
    const encoder = createVaeEncoder(fakeSession(zeros("float32", [1, 5, 2, 2])), config);
    const error = await encoder.encode(picture, { mode: "mean" }).catch((reason) => reason);
    expect(isUnderpaintError(error, "inference-failed")).toBe(true);
  });
});
