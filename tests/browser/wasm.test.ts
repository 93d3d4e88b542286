import { fileURLToPath } from "node:url";
import { createPipeline as createNodePipeline } from "@underpaint/node";
import { expect, it } from "vitest";
import { describeInBrowser } from "../support/browser.js";
import { tinyModel, worstDifference } from "../support/pictures.js";

const runtimeFolder = fileURLToPath(
  new URL("../../packages/web/node_modules/onnxruntime-web/dist", import.meta.url),
);

/** Pictures of the embedded model. */
const requests = [
  { prompt: "a red apple", seed: 7, steps: 8 },
  {
    prompt: "boat",
    negativePrompt: "red",
    seed: 2 ** 33 + 5,
    steps: 3,
    count: 2,
    scheduler: "euler",
  },
];

describeInBrowser("wasm in a page", (browser) => {
  it("makes the embedded model's pictures as Node does, and the same ten times", async () => {
    const page = await browser.page({ isolated: true });
    const web = await browser.load(page, "web");
    const found = await page.evaluate(
      async ([{ createPipeline }, requests]) => {
        const warnings: string[] = [];
        const pipeline = await createPipeline({
          device: "wasm",
          onWarning: ({ code }) => warnings.push(code),
        });
        const pictures: number[][] = [];
        for (const request of requests) {
          const { images } = await pipeline.generate(request);
          pictures.push(...images.map(({ data }) => [...data]));
        }
        const twice = { ...requests[0]!, steps: 2 };
        const repeated: string[] = [];
        for (let k = 0; k < 10; k++) {
          repeated.push((await pipeline.generate(twice)).images[0]!.data.join());
        }
        await pipeline.dispose();
        const same = repeated.filter((one) => one === repeated[0]).length;
        return { pictures, same, warnings, device: pipeline.device };
      },
      [web, requests] as const,
    );
    const node = await createNodePipeline({ device: "cpu" });
    const expected: ArrayLike<number>[] = [];
    for (const request of requests) {
      expected.push(...(await node.generate(request)).images.map(({ data }) => data));
    }
    await node.dispose();
    expect(found.device).toBe("wasm");
    expect(found.pictures).toHaveLength(3);
    for (const [k, picture] of found.pictures.entries()) {
      expect(worstDifference(picture, expected[k]!), `picture ${k}`).toBeLessThanOrEqual(2);
    }
    expect(found.same).toBe(10);
    expect(found.warnings).toEqual([]);
  }, 240_000);

  it("runs on one thread where the page is not isolated, says so once, and finds what it is told", async () => {
    // As a page without a bundler has them: in folders of its own.
    const page = await browser.page({ folders: { "/ort/": runtimeFolder } });
    const web = await browser.load(page, "web");
    const found = await page.evaluate(async ({ createPipeline }) => {
      const warnings: string[] = [];
      const pipeline = await createPipeline({
        device: "wasm",
        threads: 4,
        starter: "/starter/",
        runtime: { wasmPaths: "/ort" },
        onWarning: ({ code, message }) => warnings.push(`${code}: ${message}`),
      });
      for (let k = 0; k < 2; k++) await pipeline.generate({ prompt: "a red apple", steps: 1 });
      await pipeline.dispose();
      const files = performance
        .getEntriesByType("resource")
        .map(({ name }) => new URL(name).pathname);
      return { warnings, files, id: pipeline.manifest.id };
    }, web);
    expect(found.warnings).toHaveLength(1);
    expect(found.warnings[0]).toMatch(/^single-threaded: .*Cross-Origin-Opener-Policy/);
    expect(found.files).toContain("/ort/ort-wasm-simd-threaded.wasm");
    expect(found.files).toContain("/starter/unet/model.onnx");
    expect(found.id).toMatch(/^starter/);
  }, 120_000);

  it("takes no more memory after fifty pictures, and gives all back", async () => {
    const page = await browser.page({ isolated: true, init: keepMemories });
    const session = await page.context().newCDPSession(page);
    /** The page's own heap after a collection, and WebAssembly's. */
    const measure = async (): Promise<{ heap: number; wasm: number }> => {
      await session.send("HeapProfiler.collectGarbage");
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      const wasm = await page.evaluate(() =>
        (globalThis as unknown as { memories: WebAssembly.Memory[] }).memories.reduce(
          (sum, { buffer }) => sum + buffer.byteLength,
          0,
        ),
      );
      return { heap: usedSize, wasm };
    };
    const web = await browser.load(page, "web");
    const pipeline = await page.evaluateHandle(
      async ([{ createPipeline }, model]) =>
        createPipeline({ device: "wasm", model: new URL(model, location.href).href }),
      [web, tinyModel.path] as const,
    );
    const make = (from: number, to: number): Promise<void> =>
      page.evaluate(
        async ([pipeline, from, to]) => {
          for (let seed = from; seed < to; seed++) {
            await pipeline.generate({ prompt: "a red apple", seed, steps: 2 });
          }
        },
        [pipeline, from, to] as const,
      );
    await make(0, 5);
    const early = await measure();
    await make(5, 55);
    const late = await measure();
    expect(early.wasm).toBeGreaterThan(2 ** 20);
    expect(late.wasm).toBe(early.wasm);
    // A picture of 64 × 64 has 16 KiB: fifty that were kept would be 800, and their latents more.
    expect(late.heap - early.heap).toBeLessThan(400 * 1024);

    // What a disposed pipeline gave back is enough for the next one, ten times.
    await page.evaluate(
      async ([{ createPipeline }, pipeline, model]) => {
        await pipeline.dispose();
        for (let k = 0; k < 10; k++) {
          const next = await createPipeline({
            device: "wasm",
            model: new URL(model, location.href).href,
          });
          await next.generate({ prompt: "a red apple", seed: k, steps: 1 });
          await next.dispose();
        }
      },
      [web, pipeline, tinyModel.path] as const,
    );
    expect((await measure()).wasm).toBe(early.wasm);
  }, 240_000);

  it("refuses options that are not right, in words", async () => {
    const page = await browser.page();
    const web = await browser.load(page, "web");
    const messages = await page.evaluate(async ({ createPipeline, isUnderpaintError }) => {
      const wrong = [{ device: "gpu" }, { device: "cuda" }, { threads: 0 }, { modle: "x" }, null];
      return Promise.all(
        wrong.map((options) =>
          createPipeline(options as never).then(
            () => "made",
            (error: unknown) =>
              isUnderpaintError(error, "invalid-request") ? error.message : `not typed: ${error}`,
          ),
        ),
      );
    }, web);
    expect(messages[0]).toContain("did you mean webgpu?");
    expect(messages[1]).toContain("auto, webgpu, wasm");
    expect(messages[2]).toContain("1 to 64");
    expect(messages[3]).toContain("did you mean model?");
    expect(messages[4]).toContain("not an object");
  });
});

/** Runs in the page, before its scripts: keeps hold of WebAssembly's memories. */
function keepMemories(): void {
  const memories: WebAssembly.Memory[] = [];
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct(target, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      const memory = new target(descriptor);
      memories.push(memory);
      return memory;
    },
  });
  Object.assign(globalThis, { memories });
}
