import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { describeInBrowser } from "../../support/browser.js";

const starter = fileURLToPath(new URL("../../../packages/starter/model", import.meta.url));

/** The embedded model, as if it were anyone's: by its address, as files; in the page, in a worker. */
describeInBrowser("a pipeline over a model that is kept", (browser) => {
  const request = { prompt: "a red apple", seed: 7, steps: 1 };

  async function picture(page: Page, worker: boolean): Promise<string> {
    const data = await page.evaluate(
      async ([{ createPipeline }, worker, request]) => {
        const pipeline = await createPipeline({ device: "wasm", model: "/starter/", worker });
        const { images } = await pipeline.generate(request);
        await pipeline.dispose();
        return [...images[0]!.data];
      },
      [await browser.load(page, "web"), worker, request] as const,
    );
    return createHash("sha256").update(Uint8Array.from(data)).digest("hex");
  }

  it("makes the same picture from an address, from storage, and in a worker", async () => {
    const asked: string[] = [];
    const page = await browser.page({
      isolated: true,
      fresh: true,
      routes: [
        ({ method, url = "" }) => {
          if (url.endsWith(".onnx") && method === "GET") asked.push(url);
          return false;
        },
      ],
    });
    const first = await picture(page, false);
    const graphs = ["text_encoder", "unet", "vae_decoder"].map(
      (name) => `/starter/${name}/model.onnx`,
    );
    expect(asked.toSorted()).toEqual(graphs);
    expect(await picture(page, true)).toBe(first);
    // The worker had it from storage.
    expect(asked).toHaveLength(graphs.length);
    const embedded = await page.evaluate(
      async ([{ createPipeline, modelStore }, request]) => {
        const pipeline = await createPipeline({ device: "wasm" });
        const { images } = await pipeline.generate(request);
        await pipeline.dispose();
        const kept = await modelStore.list();
        return { data: [...images[0]!.data], kept };
      },
      [await browser.load(page, "web"), request] as const,
    );
    const hash = createHash("sha256").update(Uint8Array.from(embedded.data)).digest("hex");
    expect(hash).toBe(first);
    expect(embedded.kept).toMatchObject([{ isWhole: true }]);
    expect(embedded.kept[0]!.bytes).toBeGreaterThan(10_000_000);
  }, 120_000);

  it("takes files that the user chose, in a worker too", async () => {
    const page = await browser.page({ isolated: true, fresh: true });
    await page.setContent('<input type="file" webkitdirectory>');
    await page.setInputFiles("input", starter);
    const found = await page.evaluate(
      async ([{ createPipeline }, request]) => {
        const { files } = document.querySelector("input")!;
        const pipeline = await createPipeline({ device: "wasm", model: files!, worker: true });
        const { images, recipe } = await pipeline.generate(request);
        await pipeline.dispose();
        return { pixels: images[0]!.data.length, model: recipe.model.id };
      },
      [await browser.load(page, "web"), request] as const,
    );
    expect(found).toEqual({ pixels: 128 * 128 * 4, model: "folder:model" });
  });
});
