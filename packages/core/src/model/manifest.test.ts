import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { folderSource, memorySource, modelFolder } from "./fakes/sources.js";
import { inspectModel, readManifest } from "./manifest.js";

const index = { _class_name: "StableDiffusionPipeline" };

/** The files of a model that can be used; graphs are not looked into. */
const whole: Record<string, string> = {
  "model_index.json": JSON.stringify(index),
  "text_encoder/model.onnx": "12345",
  "unet/model.onnx": "123",
  "unet/config.json": '{"sample_size": 64}',
  "vae_decoder/model.onnx": "1",
  "tokenizer/vocab.json": "{}",
  "tokenizer/merges.txt": "",
  "scheduler/scheduler_config.json": '{"_class_name": "DDIMScheduler"}',
};

function without(...names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(whole).filter(([name]) => !names.includes(name)));
}

function withIndex(content: unknown): Record<string, string> {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return { ...whole, "model_index.json": text };
}

async function failure(
  files: Record<string, string | Uint8Array>,
  read: (source: ReturnType<typeof memorySource>) => Promise<unknown> = readManifest,
): Promise<[code: string, message: string]> {
  const error = await read(memorySource(files)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isUnderpaintError(error)) throw error ?? new Error("nothing was thrown");
  return [error.code, error.message];
}

describe("readManifest", () => {
  it("reads what requests fall back to", async () => {
    const files = withIndex({
      ...index,
      _underpaint_steps: 20,
      _underpaint_guidance_scale: 0,
      _underpaint_size_multiple: 16,
    });
    const { defaults } = await readManifest(memorySource(files));
    expect(defaults).toEqual({ steps: 20, guidanceScale: 0, sizeMultiple: 16 });
  });

  it("tells what a model consists of, before any of it is loaded", async () => {
    const manifest = await readManifest(memorySource(whole));
    expect(manifest).toEqual({
      id: "memory:test",
      className: "StableDiffusionPipeline",
      family: "stable-diffusion",
      components: {
        text_encoder: {
          name: "text_encoder",
          graph: "text_encoder/model.onnx",
          externalData: [],
          files: { "text_encoder/model.onnx": 5 },
          bytes: 5,
          config: {},
        },
        unet: {
          name: "unet",
          graph: "unet/model.onnx",
          externalData: [],
          files: { "unet/model.onnx": 3 },
          bytes: 3,
          config: { sample_size: 64 },
        },
        vae_decoder: {
          name: "vae_decoder",
          graph: "vae_decoder/model.onnx",
          externalData: [],
          files: { "vae_decoder/model.onnx": 1 },
          bytes: 1,
          config: {},
        },
      },
      tokenizer: ["tokenizer/vocab.json", "tokenizer/merges.txt"],
      scheduler: { _class_name: "DDIMScheduler" },
      defaults: {},
      controls: {},
      bytes: 9,
    });
  });

  it.each([
    ["tiny", [], 4],
    ["tiny-legacy", ["weights.pb"], 4],
    ["tiny-fp16", ["model.onnx_data"], 4],
    ["tiny-fp16-fp32io", ["model.onnx.data"], 4],
    ["starter", [], 4],
  ])("reads %s, its network's weights in %j", async (name, externalData, count) => {
    const manifest = await readManifest(folderSource(modelFolder(name)));
    expect(Object.keys(manifest.components)).toHaveLength(count);
    expect(manifest.components.unet.externalData).toEqual(externalData);
    const unet = manifest.components.unet;
    expect(Object.keys(unet.files)).toHaveLength(1 + externalData.length);
    expect(manifest.bytes).toBeGreaterThan(unet.bytes);
    expect(manifest.scheduler._class_name).toMatch(/Scheduler$/);
  });

  it("takes a VAE's config for its halves", async () => {
    const files = { ...whole, "vae/config.json": '{"scaling_factor": 0.5}' };
    const { components } = await readManifest(memorySource(files));
    expect(components.vae_decoder.config).toEqual({ scaling_factor: 0.5 });
    const own = { ...files, "vae_decoder/config.json": '{"scaling_factor": 0.25}' };
    const manifest = await readManifest(memorySource(own));
    expect(manifest.components.vae_decoder.config).toEqual({ scaling_factor: 0.25 });
  });

  it.each<[string, Record<string, string>, string, RegExp]>([
    ["nothing at all", {}, "model-not-found", /^there is no model here: model_index.json/],
    [
      "no model_index.json",
      without("model_index.json"),
      "model-invalid",
      /no model_index.json.*"_class_name"/,
    ],
    ["no unet", without("unet/model.onnx"), "model-invalid", /no unet\/model.onnx/],
    [
      "no text encoder",
      without("text_encoder/model.onnx"),
      "model-invalid",
      /no text_encoder\/model.onnx/,
    ],
    ["no VAE", without("vae_decoder/model.onnx"), "model-invalid", /no vae_decoder\/model.onnx/],
    ["no vocabulary", without("tokenizer/vocab.json"), "model-invalid", /no tokenizer\/vocab.json/],
    ["no merges", without("tokenizer/merges.txt"), "model-invalid", /no tokenizer\/merges.txt/],
    [
      "no scheduler",
      without("scheduler/scheduler_config.json"),
      "model-invalid",
      /no scheduler\/scheduler_config.json/,
    ],
    [
      "a model for PyTorch",
      { ...without("unet/model.onnx"), "unet/diffusion_pytorch_model.safetensors": "" },
      "model-invalid",
      /for PyTorch.*optimum-cli/,
    ],
    [
      "an index that is not JSON",
      withIndex("<html>"),
      "model-invalid",
      /^model_index.json is not JSON/,
    ],
    [
      "an index cut short",
      withIndex('{"_class_name": '),
      "model-invalid",
      /^model_index.json is not JSON/,
    ],
    [
      "an index that is a list",
      withIndex([1]),
      "model-invalid",
      /^model_index.json holds no object/,
    ],
    [
      "an index that is null",
      withIndex("null"),
      "model-invalid",
      /^model_index.json holds no object/,
    ],
    [
      "an index beyond any measure",
      withIndex(" ".repeat(2 ** 20 + 1)),
      "model-invalid",
      /too large/,
    ],
    [
      "a default that cannot be",
      withIndex({ ...index, _underpaint_steps: 0 }),
      "model-invalid",
      /_underpaint_steps cannot be \(found 0\)/,
    ],
    [
      "a multiple that cannot be",
      withIndex({ ...index, _underpaint_size_multiple: 16.5 }),
      "model-invalid",
      /_underpaint_size_multiple cannot be \(found 16\.5\)/,
    ],
    ["a class name that is none", withIndex({ _class_name: 7 }), "model-invalid", /_class_name/],
    [
      "a component that is no pair",
      withIndex({ ...index, unet: ["diffusers"] }),
      "model-invalid",
      /"unet" is no pair/,
    ],
    [
      "a config that is broken",
      { ...whole, "unet/config.json": "{" },
      "model-invalid",
      /^unet\/config.json is not JSON/,
    ],
    [
      "a scheduler config that is broken",
      { ...whole, "scheduler/scheduler_config.json": "[]" },
      "model-invalid",
      /scheduler_config.json holds no object/,
    ],
  ])("tells of %s", async (_, files, code, message) => {
    expect(await failure(files)).toEqual([code, expect.stringMatching(message)]);
  });

  it("takes no bytes for text that are not UTF-8", async () => {
    const files = { ...whole, "model_index.json": Uint8Array.of(0x7b, 0xff, 0x7d) };
    expect(await failure(files)).toEqual(["model-invalid", expect.stringMatching(/is not JSON/)]);
  });

  it.each(["../unet", "..", ".", "", "/etc", "a/b", "a\\b", "C:unet", "unet\0", "unet.", "ünet"])(
    "refuses a folder named %j",
    async (name) => {
      const files = withIndex({ ...index, [name]: ["diffusers", "UNet2DConditionModel"] });
      expect(await failure(files)).toEqual([
        "model-invalid",
        expect.stringMatching(/names a folder that a model cannot have/),
      ]);
    },
  );

  it.each(["../secret", "..\\secret", "/etc/passwd", "C:\\secret", "\\\\host\\share", "a/../../b"])(
    "refuses the path %j",
    async (path) => {
      for (const unet of [path, ["diffusers", path]]) {
        expect(await failure(withIndex({ ...index, unet }))).toEqual([
          "model-invalid",
          expect.stringMatching(/unet leads out of the model's folder/),
        ]);
      }
    },
  );

  it("ends with the signal's reason", async () => {
    const reason = new Error("enough");
    const source = folderSource(modelFolder("tiny"));
    const slow = {
      ...source,
      async size(file: string, options?: { signal?: AbortSignal }) {
        options?.signal?.throwIfAborted();
        return source.size(file);
      },
    };
    await expect(readManifest(slow, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("the family", () => {
  const pair = ["library", "Class"];
  it.each<[string, Record<string, unknown>, string]>([
    ["optimum's name", { _class_name: "ORTStableDiffusionPipeline" }, "stable-diffusion"],
    ["the legacy name", { _class_name: "OnnxStableDiffusionPipeline" }, "stable-diffusion"],
    ["image to image", { _class_name: "StableDiffusionImg2ImgPipeline" }, "stable-diffusion"],
    [
      "a latent consistency model",
      { _class_name: "LatentConsistencyModelPipeline" },
      "stable-diffusion",
    ],
    ["XL", { _class_name: "ORTStableDiffusionXLPipeline" }, "stable-diffusion-xl"],
    [
      "XL by its second encoder",
      { ...index, unet: pair, text_encoder: pair, text_encoder_2: pair },
      "stable-diffusion-xl",
    ],
    ["SD 3", { _class_name: "StableDiffusion3Pipeline", unet: pair }, "stable-diffusion-3"],
    [
      "SD 3 by its third encoder",
      { transformer: pair, text_encoder_3: pair },
      "stable-diffusion-3",
    ],
    ["Flux", { _class_name: "FluxPipeline" }, "flux"],
    [
      "an unknown class by its components",
      { _class_name: "MyPipeline", unet: pair, text_encoder: pair },
      "stable-diffusion",
    ],
    [
      "components that are left out",
      { _class_name: "MyPipeline", unet: pair, text_encoder: [null, null] },
      "unknown",
    ],
    ["an unknown class", { _class_name: "SanaPipeline", transformer: pair }, "unknown"],
  ])("is told by %s", async (_, content, family) => {
    const files = withIndex(content);
    expect((await inspectModel(memorySource(files))).family).toBe(family);
    if (family === "stable-diffusion") return;
    expect(await failure(files)).toEqual([
      "model-unsupported",
      expect.stringMatching(/not supported.*allowed: Stable Diffusion 1 and 2/),
    ]);
  });

  it("is told though nothing of it can be used", async () => {
    const files = {
      "model_index.json": '{"_class_name": "FluxPipeline"}',
      "transformer/model.onnx": "1234",
      "transformer/model.onnx_data": "123456",
    };
    const inspection = await inspectModel(memorySource(files));
    expect(inspection.components.transformer).toMatchObject({
      externalData: ["model.onnx_data"],
      bytes: 10,
    });
    expect(inspection.scheduler).toBeUndefined();
  });
});
