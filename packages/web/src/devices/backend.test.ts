import { isUnderpaintError, type PipelineWarning } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { createWebBackend, type WebBackendOptions } from "./backend.js";
import type { WebOrt } from "./runtime.js";

// What the browser tests cannot have: GPUs that are no software, and that fail as they are told.

/** A runtime whose sessions load on the devices that are listed. */
function fakeRuntime(loadsOn: readonly string[]): { ort: WebOrt; log: string[] } {
  const log: string[] = [];
  const ort = {
    env: { wasm: {} },
    Tensor: class {},
    InferenceSession: {
      create: async (_: Uint8Array, { executionProviders }: { executionProviders: unknown[] }) => {
        const [provider] = executionProviders;
        const device =
          typeof provider === "string" ? provider : (provider as { name: string }).name;
        log.push(`create ${device}`);
        await new Promise((resolve) => setTimeout(resolve, 1));
        log.push(`created ${device}`);
        if (!loadsOn.includes(device)) throw new Error(`no kernel on ${device}`);
        return {
          inputMetadata: [],
          outputMetadata: [],
          outputNames: [],
          run: async () => ({}),
          release: async () => {},
        };
      },
    },
  };
  return { ort: ort as unknown as WebOrt, log };
}

function fakeGpu(isFallbackAdapter = false) {
  let lose = (_: { reason: string; message: string }): void => {};
  let destroyed = 0;
  const device = {
    lost: new Promise((resolve) => {
      lose = resolve;
    }),
    destroy: () => {
      destroyed++;
      lose({ reason: "destroyed", message: "" });
    },
  };
  const adapter = {
    limits: { maxBufferSize: 2 ** 30, maxStorageBufferBindingSize: 2 ** 30 },
    features: new Set<string>(),
    info: { isFallbackAdapter },
    requestDevice: async () => device,
  };
  return {
    gpu: { requestAdapter: async () => adapter as unknown as GPUAdapter },
    lose: () => lose({ reason: "unknown", message: "the driver was reset" }),
    destroyed: () => destroyed,
  };
}

const page = { crossOriginIsolated: true, cores: 4 };
/** A message with an empty graph: what the fake runtime is given does not matter. */
const model = { bytes: Uint8Array.from([0x3a, 0]) };

async function open(loadsOn: readonly string[], options: WebBackendOptions) {
  const warnings: PipelineWarning[] = [];
  const { ort, log } = fakeRuntime(loadsOn);
  const backend = await createWebBackend({
    page,
    runtime: { load: async () => ort },
    onWarning: (warning) => warnings.push(warning),
    ...options,
  });
  return { backend, warnings, log, ort };
}

describe("auto", () => {
  it("takes a GPU that is no software", async () => {
    const { gpu, destroyed } = fakeGpu();
    const { backend, warnings, log } = await open(["webgpu"], { gpu });
    expect(log).toEqual([]);
    await backend.createSession(model);
    expect([backend.device, backend.name]).toEqual(["webgpu", "onnxruntime-web/webgpu"]);
    expect(warnings).toEqual([]);
    await backend.dispose();
    expect(destroyed()).toBe(1);
  });

  it.each([
    ["no WebGPU", undefined, "this browser has no WebGPU"],
    ["no GPU", { requestAdapter: async () => null }, "found no GPU"],
    ["a GPU in software", fakeGpu(true).gpu, "in software"],
  ])("goes to wasm where there is %s, and says why once", async (_, gpu, reason) => {
    const { backend, warnings } = await open(["wasm"], gpu ? { gpu } : {});
    await backend.createSession(model);
    await backend.createSession(model);
    expect(backend.device).toBe("wasm");
    expect(warnings.map(({ code }) => code)).toEqual(["device-fallback"]);
    expect(warnings[0]!.message).toContain(reason);
  });

  it("goes to wasm with the first graph that the GPU does not load, and stays there", async () => {
    const { backend, warnings, log } = await open(["wasm"], { gpu: fakeGpu().gpu });
    await backend.createSession(model);
    await backend.createSession(model);
    expect(backend.device).toBe("wasm");
    expect(log.filter((line) => line.startsWith("create "))).toEqual([
      "create webgpu",
      "create wasm",
      "create wasm",
    ]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.message).toContain("no kernel on webgpu");
  });

  it("stays on the GPU where a graph loads nowhere", async () => {
    const { backend, warnings } = await open([], { gpu: fakeGpu().gpu });
    await expect(backend.createSession(model)).rejects.toThrow("no kernel on wasm");
    expect(backend.device).toBe("webgpu");
    expect(warnings).toEqual([]);
  });

  it("goes to wasm with a model that does not fit the GPU", async () => {
    const { backend, warnings } = await open(["wasm"], { gpu: fakeGpu().gpu });
    const bytes = 2 ** 30 + 1;
    backend.consider("big", {
      graphs: [
        { graph: "unet/model.onnx", bytes, largest: { least: bytes, most: bytes }, halves: false },
      ],
      attentionBytes: 0,
    });
    expect(backend.device).toBe("wasm");
    expect(warnings[0]!.message).toContain("this GPU binds 1 GiB");
  });
});

describe("a device by name", () => {
  it("is refused where it is not there, never replaced", async () => {
    const gpu = { requestAdapter: async () => null };
    const error = await open(["wasm"], { device: "webgpu", gpu }).catch((e: unknown) => e);
    expect(isUnderpaintError(error, "device-unavailable") && error.message).toContain("auto, wasm");
    const { backend } = await open(["wasm"], { device: "webgpu", gpu: fakeGpu().gpu });
    await expect(backend.createSession(model)).rejects.toThrow("no kernel on webgpu");
  });

  it("that is lost ends what runs, with what to do; disposing it is no loss", async () => {
    const lost = fakeGpu();
    const { backend } = await open(["webgpu"], { device: "webgpu", gpu: lost.gpu });
    const session = await backend.createSession(model);
    lost.lose();
    const error = await session
      .run({})
      .then(() => session.run({}))
      .catch((e: unknown) => e);
    expect(isUnderpaintError(error, "device-unavailable") && error.message).toMatch(
      /the GPU was lost: the driver was reset.*make a new one/,
    );
    const ended = await open(["webgpu"], { device: "webgpu", gpu: fakeGpu().gpu });
    const other = await ended.backend.createSession(model);
    await ended.backend.dispose();
    await expect(other.run({}).then(() => other.run({}))).rejects.toMatchObject({
      code: "disposed",
    });
  });
});

describe("the runtime", () => {
  it("is never called twice at once, by several backends either", async () => {
    const { ort, log } = fakeRuntime(["wasm", "webgpu"]);
    const load = async (): Promise<WebOrt> => ort;
    const runtime = { load };
    const first = await createWebBackend({ page, runtime, device: "webgpu", gpu: fakeGpu().gpu });
    const second = await createWebBackend({ page, runtime, device: "webgpu", gpu: fakeGpu().gpu });
    await Promise.all([first, second, first].map((backend) => backend.createSession(model)));
    expect(log).toHaveLength(6);
    for (let k = 0; k < 6; k += 2) {
      expect(log.slice(k, k + 2)).toEqual(["create webgpu", "created webgpu"]);
    }
  });

  it("has as many threads as the page allows", async () => {
    for (const [threads, isolated, expected] of [
      [undefined, true, 4],
      [3, true, 3],
      [3, false, 1],
      [1, false, 1],
    ] as const) {
      const { backend, ort, warnings } = await open(["wasm"], {
        device: "wasm",
        page: { crossOriginIsolated: isolated, cores: 4 },
        ...(threads && { threads }),
      });
      await backend.createSession(model);
      await backend.createSession(model);
      expect(ort.env.wasm.numThreads).toBe(expected);
      expect(warnings.length).toBe(!isolated && threads !== 1 ? 1 : 0);
    }
  });

  it("that cannot be loaded is told of in words", async () => {
    const backend = await createWebBackend({
      page,
      device: "wasm",
      runtime: { load: () => Promise.reject(new Error("Failed to fetch")) },
    });
    const error = await backend.createSession(model).catch((e: unknown) => e);
    expect(isUnderpaintError(error, "device-unavailable") && error.message).toContain(
      "onnxruntime-web",
    );
  });
});
