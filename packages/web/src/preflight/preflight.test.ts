import { type ModelSource, UnderpaintError } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { doesNotFit } from "./does-not-fit.js";
import { judgeGpu, judgeWasm } from "./judge.js";
import type { ModelNeeds } from "./needs.js";
import { preflight } from "./preflight.js";

/** Stable Diffusion 1.5 as optimum exports it: file sizes in bytes, and its own configs. */
const halves = { text_encoder: 246_480_000, unet: 1_719_125_000, vae_decoder: 99_200_000 };
const singles = { text_encoder: 492_600_000, unet: 3_438_200_000, vae_decoder: 198_100_000 };
const configs = {
  text_encoder: { vocab_size: 49408, hidden_size: 768 },
  unet: {
    sample_size: 64,
    block_out_channels: [320, 640, 1280, 1280],
    attention_head_dim: 8,
    down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
  },
  vae_decoder: { block_out_channels: [128, 256, 512, 512] },
};

/** A model of those sizes, none of whose graphs may be opened. */
function sourceOf(sizes: Readonly<Record<string, number>>): ModelSource {
  const text: Record<string, unknown> = {
    "model_index.json": { _class_name: "StableDiffusionPipeline" },
    "scheduler/scheduler_config.json": { _class_name: "DDIMScheduler" },
    "tokenizer/tokenizer.json": {},
    ...Object.fromEntries(
      Object.entries(configs).map(([name, config]) => [`${name}/config.json`, config]),
    ),
  };
  const content = (file: string): Uint8Array =>
    new TextEncoder().encode(JSON.stringify(text[file]));
  return {
    id: "test",
    size: async (file) => {
      const [folder = "", name] = file.split("/");
      if (name === "model.onnx") return sizes[folder];
      return file in text ? content(file).length : undefined;
    },
    read: async (file) => content(file),
    open: () => Promise.reject(new Error("a weight was fetched")),
  };
}

const mebibyte = 2 ** 20;
const desktop = { buffer: 4096, binding: 2048, features: ["shader-f16"] };
const phone = { buffer: 256, binding: 128, features: ["shader-f16"] };

function gpuOf({ buffer, binding, features }: typeof desktop): {
  requestAdapter: () => Promise<GPUAdapter>;
} {
  const adapter = {
    limits: {
      maxBufferSize: buffer * mebibyte,
      maxStorageBufferBindingSize: binding * mebibyte,
    },
    features: new Set(features),
    info: { isFallbackAdapter: false },
  };
  return { requestAdapter: async () => adapter as unknown as GPUAdapter };
}

const roomy = async (): Promise<StorageEstimate> => ({ quota: 2 ** 36, usage: 0 });

describe("preflight", () => {
  it("lets Stable Diffusion 1.5 in half precision onto a desktop's GPU, and fetches no weight", async () => {
    const report = await preflight(sourceOf(halves), { gpu: gpuOf(desktop), estimate: roomy });
    expect(report.device).toBe("webgpu");
    expect(report.devices.webgpu.fits).toBe("yes");
    expect(report.downloadBytes).toBe(2_064_805_000);
    expect(report.storage).toEqual({ fits: true, availableBytes: 2 ** 36 });
  });

  it("says that it is not sure of a phone's GPU, naming tensors and limits", async () => {
    const report = await preflight(sourceOf(halves), { gpu: gpuOf(phone), estimate: roomy });
    expect(report.devices.webgpu.fits).toBe("unsure");
    const said = report.summary.join("\n");
    // 49408 × 768 × 4 bytes; 2 branches × 8 heads × (64 × 64)² × 2 bytes.
    expect(said).toContain("text_encoder/model.onnx takes up to 145 MiB; this GPU binds 128 MiB");
    expect(said).toContain("attention at the model's own picture size needs 512 MiB");
    expect(said).toContain("smaller pictures");
  });

  it("refuses what a heap of 4 GiB cannot hold, and says what fits", async () => {
    const none = { requestAdapter: async () => null };
    const report = await preflight(sourceOf(singles), { gpu: none, estimate: roomy });
    expect(report.device).toBeUndefined();
    expect(report.devices.wasm).toMatchObject({
      fits: "no",
      remedies: ["a smaller or quantised model"],
    });
    expect(report.devices.webgpu.problems).toEqual(["the browser found no GPU that it would use"]);
    expect(report.summary[0]).toContain("does not fit this browser");
    const small = await preflight(sourceOf(halves), { gpu: none, estimate: roomy });
    expect(small.device).toBe("wasm");
    expect(small.devices.wasm.fits).toBe("unsure");
  });

  it("tells when the browser cannot keep the model", async () => {
    const gpu = gpuOf(desktop);
    const full = async (): Promise<StorageEstimate> => ({ quota: 2 ** 30, usage: 2 ** 29 });
    const { storage, summary } = await preflight(sourceOf(halves), { gpu, estimate: full });
    expect(storage).toEqual({ fits: false, availableBytes: 2 ** 29 });
    expect(summary.join(" ")).toContain("512 MiB");
    const refused = (): Promise<StorageEstimate> => Promise.reject(new Error("refused"));
    expect((await preflight(sourceOf(halves), { gpu, estimate: refused })).storage.fits).toBe(
      false,
    );
  });
});

describe("what is known of a graph exactly", () => {
  const needs = (largest: number, halves: boolean): ModelNeeds => ({
    graphs: [
      {
        graph: "unet/model.onnx",
        bytes: largest,
        largest: { least: largest, most: largest },
        halves,
      },
    ],
    attentionBytes: 0,
  });
  const gpu = {
    maxBufferSize: 256 * mebibyte,
    maxStorageBufferBindingSize: 128 * mebibyte,
    halves: false,
  };

  it("is held against both limits, to the byte", () => {
    expect(judgeGpu(needs(128 * mebibyte, false), gpu).fits).toBe("yes");
    expect(judgeGpu(needs(128 * mebibyte + 1, false), gpu).fits).toBe("no");
    expect(judgeGpu(needs(128 * mebibyte, false), { ...gpu, maxBufferSize: mebibyte }).fits).toBe(
      "no",
    );
  });

  it("refuses half precision to a GPU without shader-f16", () => {
    expect(judgeGpu(needs(1, true), gpu).problems[0]).toContain("shader-f16");
    expect(judgeGpu(needs(1, true), { ...gpu, halves: true }).fits).toBe("yes");
  });

  it("counts halves twice in WebAssembly, whose kernels compute in single", () => {
    expect(judgeWasm(needs(1.5 * 2 ** 30, false)).fits).toBe("yes");
    expect(judgeWasm(needs(1.5 * 2 ** 30, true)).fits).toBe("no");
  });

  it("becomes an error that says what would fit", () => {
    const error = doesNotFit("hub:a/b@c", judgeGpu(needs(1, true), gpu), "wasm");
    expect(error).toBeInstanceOf(UnderpaintError);
    expect(error.code).toBe("device-unavailable");
    expect(error.message).toMatch(
      /half precision.*what would fit: the device "wasm", or an export in single/,
    );
  });
});
