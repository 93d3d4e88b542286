import { createPipeline as createNodePipeline } from "@underpaint/node";
import type { JSHandle, Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { describeInBrowser } from "../support/browser.js";
import { tinyModel, worstDifference } from "../support/pictures.js";

// WebGPU computes in software here, seconds a call: few steps, and one page for what belongs
// together.

/** GPU memory as a page has made it and given it back. */
interface Counted {
  /** Buffers that are neither destroyed, nor of a device that was destroyed or lost. */
  buffers(): number;
  bytes(): number;
  /** Devices that were not destroyed. */
  devices(): number;
  newest(): GPUDevice;
}

/** Runs in the page, before its scripts. */
function countGpuMemory(): void {
  const devices = new Map<GPUDevice, Set<GPUBuffer>>();
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    devices.set(device, new Set());
    return device;
  };
  const { createBuffer, destroy } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    devices.get(this)?.add(buffer);
    return buffer;
  };
  GPUDevice.prototype.destroy = function () {
    devices.delete(this);
    return destroy.call(this);
  };
  const destroyBuffer = GPUBuffer.prototype.destroy;
  GPUBuffer.prototype.destroy = function () {
    for (const buffers of devices.values()) buffers.delete(this);
    return destroyBuffer.call(this);
  };
  const all = (): GPUBuffer[] => [...devices.values()].flatMap((buffers) => [...buffers]);
  const counted: Counted = {
    buffers: () => all().length,
    bytes: () => all().reduce((sum, { size }) => sum + size, 0),
    devices: () => devices.size,
    newest: () => [...devices.keys()].at(-1)!,
  };
  Object.assign(globalThis, { counted });
}

/** A picture takes seconds on a GPU in software: UNDERPAINT_GPU_PICTURES=50 for the long way. */
const pictures = Number(process.env.UNDERPAINT_GPU_PICTURES ?? 10);

describeInBrowser("WebGPU in a page", (browser) => {
  let page: Page;
  let web: JSHandle<typeof import("@underpaint/web")>;
  beforeAll(async () => {
    page = await browser.page({ isolated: true, init: countGpuMemory });
    web = await browser.load(page, "web");
  }, 60_000);

  it("makes the embedded model's picture, as Node does", async () => {
    const request = { prompt: "a red apple", seed: 7, steps: 1 };
    const found = await page.evaluate(
      async ([{ createPipeline }, request]) => {
        const pipeline = await createPipeline({ device: "webgpu" });
        const { images } = await pipeline.generate(request);
        const { device } = pipeline;
        await pipeline.dispose();
        const { counted } = globalThis as unknown as { counted: Counted };
        return { data: [...images[0]!.data], device, left: [counted.buffers(), counted.devices()] };
      },
      [web, request] as const,
    );
    const node = await createNodePipeline({ device: "cpu" });
    const { images } = await node.generate(request);
    await node.dispose();
    expect(found.device).toBe("webgpu");
    expect(worstDifference(found.data, images[0]!.data)).toBeLessThanOrEqual(2);
    expect(found.left).toEqual([0, 0]);
  }, 240_000);

  it(
    "gives the same bytes every time, in no more memory than the first times took",
    async () => {
      const request = { prompt: "a red apple", seed: 7, steps: 1, guidanceScale: 7.5 };
      const found = await page.evaluate(
        async ([{ createPipeline }, model, request, times]) => {
          const { counted } = globalThis as unknown as { counted: Counted };
          const pipeline = await createPipeline({
            model: new URL(model, location.href).href,
            device: "webgpu",
          });
          const pictures: string[] = [];
          const make = async (times: number): Promise<void> => {
            for (let k = 0; k < times; k++) {
              pictures.push((await pipeline.generate(request)).images[0]!.data.join());
            }
          };
          await make(2);
          const early = [counted.buffers(), counted.bytes()];
          await make(times - 2);
          const late = [counted.buffers(), counted.bytes()];
          const data = pictures[0]!.split(",").map(Number);
          await pipeline.dispose();
          const left = [counted.buffers(), counted.devices()];
          return {
            same: pictures.filter((one) => one === pictures[0]).length,
            data,
            early,
            late,
            left,
          };
        },
        [web, tinyModel.path, request, pictures] as const,
      );
      const node = await createNodePipeline({ model: tinyModel.folder, device: "cpu" });
      const { images } = await node.generate(request);
      await node.dispose();
      expect(worstDifference(found.data, images[0]!.data)).toBeLessThanOrEqual(2);
      expect(found.same).toBe(pictures);
      expect(found.early[0]).toBeGreaterThan(0);
      expect(found.late[0]).toBeLessThanOrEqual(found.early[0]!);
      expect(found.late[1]).toBeLessThanOrEqual(found.early[1]!);
      expect(found.left).toEqual([0, 0]);
    },
    40_000 * pictures,
  );

  it("keeps a graph's outputs for the next graph, which gives what it gives of downloaded ones", async () => {
    const found = await page.evaluate(
      async ([{ createWebBackend, httpsSource }, model]) => {
        const { counted } = globalThis as unknown as { counted: Counted };
        const source = httpsSource(new URL(model, location.href).href);
        const backend = await createWebBackend({ device: "webgpu" });
        const encoder = await backend.createSession(await source.open("text_encoder/model.onnx"), {
          deviceOutputs: "all",
        });
        const network = await backend.createSession(await source.open("unet/model.onnx"));
        const [ids] = encoder.inputs;
        const tokens = new Int32Array(77).map((_, k) => k);
        const data = ids!.type === "int64" ? BigInt64Array.from(tokens, BigInt) : tokens;
        const feeds = { [ids!.name]: { type: ids!.type, dims: [1, 77], data } };
        const samples: number[][] = [];
        const counts: number[] = [];
        for (let k = 0; k < 3; k++) {
          const outputs = await encoder.run(feeds as never, { outputs: ["last_hidden_state"] });
          const states = outputs.last_hidden_state!;
          if (!("location" in states)) return undefined;
          for (const fed of [states, await states.download()]) {
            const { out_sample: answer } = await network.run({
              sample: {
                type: "float32",
                dims: [1, 4, 8, 8],
                data: new Float32Array(256).fill(0.5),
              },
              timestep: { type: "float32", dims: [], data: Float32Array.of(500) },
              encoder_hidden_states: fed,
            });
            samples.push([...(answer as { data: Float32Array }).data]);
          }
          states.dispose();
          counts.push(counted.buffers());
        }
        await Promise.all([encoder.dispose(), network.dispose()]);
        await backend.dispose();
        return { samples, counts, left: counted.buffers() };
      },
      [web, tinyModel.path] as const,
    );
    expect(found, "the output was on the GPU").toBeDefined();
    expect(found!.samples[0]!.some((value) => value !== 0)).toBe(true);
    for (const sample of found!.samples) expect(sample).toEqual(found!.samples[0]);
    expect(found!.counts[2]).toBe(found!.counts[1]);
    expect(found!.left).toBe(0);
  }, 240_000);

  it("says so when the GPU is lost in the middle of a run, and works again in a new pipeline", async () => {
    const found = await page.evaluate(
      async ([{ createPipeline, isUnderpaintError }, model]) => {
        const { counted } = globalThis as unknown as { counted: Counted };
        const options = { model: new URL(model, location.href).href, device: "webgpu" } as const;
        const tell = (error: unknown): string[] =>
          isUnderpaintError(error) ? [error.code, error.message] : [String(error)];
        const pipeline = await createPipeline(options);
        await pipeline.load();
        const lost = counted.newest();
        const during = await pipeline
          .generate({
            prompt: "a red apple",
            steps: 8,
            guidanceScale: 1,
            // After the next call has begun.
            onStep: ({ step }) => {
              if (step === 1) setTimeout(() => lost.destroy(), 20);
            },
          })
          .then(() => ["made"], tell);
        const after = await pipeline
          .generate({ prompt: "a red apple", steps: 1 })
          .then(() => ["made"], tell);
        await pipeline.dispose();
        const left = [counted.buffers(), counted.devices()];
        const again = await createPipeline(options);
        const { images } = await again.generate({
          prompt: "a red apple",
          seed: 7,
          steps: 1,
          guidanceScale: 1,
        });
        await again.dispose();
        return { during, after, left, data: [...images[0]!.data] };
      },
      [web, tinyModel.path] as const,
    );
    for (const [code, message] of [found.during, found.after]) {
      expect(code).toBe("device-unavailable");
      expect(message).toMatch(/the GPU was lost: .*make a new one/);
    }
    expect(found.left).toEqual([0, 0]);
    const node = await createNodePipeline({ model: tinyModel.folder, device: "cpu" });
    const { images } = await node.generate({
      prompt: "a red apple",
      seed: 7,
      steps: 1,
      guidanceScale: 1,
    });
    await node.dispose();
    expect(worstDifference(found.data, images[0]!.data)).toBeLessThanOrEqual(2);
  }, 240_000);

  it("is passed over by auto where it computes in software, which is said once", async () => {
    const found = await page.evaluate(
      async ([{ createPipeline, preflight }, model]) => {
        const warnings: string[] = [];
        const pipeline = await createPipeline({
          model: new URL(model, location.href).href,
          onWarning: ({ code, message }) => warnings.push(`${code}: ${message}`),
        });
        await pipeline.generate({ prompt: "a red apple", steps: 1 });
        const { device } = pipeline;
        await pipeline.dispose();
        return { device, warnings, report: await preflight() };
      },
      [web, tinyModel.path] as const,
    );
    expect(found.device).toBe("wasm");
    expect(found.warnings).toHaveLength(1);
    expect(found.warnings[0]).toMatch(/^device-fallback: .*software/);
    expect(found.report).toMatchObject({
      device: "wasm",
      devices: { webgpu: { fits: "yes" }, wasm: { fits: "yes" } },
      storage: { fits: true },
    });
    expect(found.report.summary.join(" ")).toContain("software");
  }, 60_000);

  it("is refused, before anything runs, to graphs in half precision where it has none", async () => {
    const found = await page.evaluate(
      async ([{ createPipeline, isUnderpaintError }, model]) => {
        const pipeline = await createPipeline({
          model: new URL(model, location.href).href,
          device: "webgpu",
        });
        const error: unknown = await pipeline
          .generate({ prompt: "boat", steps: 1 })
          .catch((e: unknown) => e);
        await pipeline.dispose();
        return isUnderpaintError(error) ? [error.code, error.message] : [];
      },
      [web, "/fixtures/models/tiny-fp16/"] as const,
    );
    expect(found[0]).toBe("device-unavailable");
    expect(found[1]).toMatch(/half precision.*shader-f16.*what would fit.*single precision/);
  }, 60_000);
});
