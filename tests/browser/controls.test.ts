import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { lineArt } from "@underpaint/controlnet";
import { createPipeline as createNodePipeline, decodePng } from "@underpaint/node";
import { expect, it, vi } from "vitest";
import { describeInBrowser } from "../support/browser.js";
import { tinyModel, worstDifference } from "../support/pictures.js";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 180_000 });

const controls = fileURLToPath(new URL("../../fixtures/controls/", import.meta.url));

const request = {
  prompt: "a red apple on a wooden table",
  width: 64,
  height: 64,
  steps: 3,
  guidanceScale: 5,
  seed: 11,
};
const strength = { weight: 0.8, end: 0.9 };

describeInBrowser("controls in a page and in its worker", (browser) => {
  it("steer as in Node, and are made again of recipes", async () => {
    const sheet = readFileSync(`${controls}hints/lines-64x64.png`);
    const page = await browser.page({ isolated: true });
    const modules = [
      await browser.load(page, "web"),
      await browser.load(page, "controlnet"),
    ] as const;
    const found = await page.evaluate(
      async ([{ createPipeline, decodePng }, { lineArt }, model, file, request, strength]) => {
        const of = async (worker: boolean) => {
          const pipeline = await createPipeline({ device: "wasm", model, worker });
          const picture = decodePng(Uint8Array.from(file));
          // Relative to the page, in the worker too.
          const control = lineArt(picture, { model: "./fixtures/controls/lines/", ...strength });
          const made = await pipeline.generate({ ...request, controls: [control] });
          const again = await pipeline.generate({ ...made.recipe, pictures: [picture] });
          const plain = await pipeline.generate(request);
          const { recipe } = made;
          await pipeline.dispose();
          const [data, remade, unsteered] = [made, again, plain].map(({ images }) => [
            ...images[0]!.data,
          ]);
          return { data, remade, unsteered, recipe, bytes: picture.data.length };
        };
        return { here: await of(false), there: await of(true) };
      },
      [...modules, tinyModel.path, [...sheet], request, strength] as const,
    );
    const { here, there } = found;
    expect(there).toEqual(here);
    expect(there.remade).toEqual(there.data);
    expect(there.bytes).toBe(4 * 64 * 64);
    expect(there.recipe.controls).toMatchObject([{ name: "lineArt", ...strength }]);

    const node = await createNodePipeline({ device: "cpu", model: tinyModel.folder });
    const control = lineArt(decodePng(sheet), { model: `${controls}lines`, ...strength });
    const expected = await node.generate({ ...request, controls: [control] });
    await node.dispose();
    // The runtimes' last bits differ.
    expect(worstDifference(there.data!, expected.images[0]!.data)).toBeLessThanOrEqual(1);
    expect(worstDifference(there.data!, there.unsteered!)).toBeGreaterThan(8);
    await page.close();
  });

  it("furnish by a browser's own pictures", async () => {
    const page = await browser.page({ isolated: true });
    const web = await browser.load(page, "web");
    const found = await page.evaluate(
      async ([{ createPipeline, createImage }, model]) => {
        const image = createImage(64, 64);
        image.data.fill(200);
        const mask = new OffscreenCanvas(64, 64);
        const context = mask.getContext("2d")!;
        context.fillRect(0, 0, 64, 64);
        context.fillStyle = "white";
        context.fillRect(16, 16, 32, 32);
        const bitmap = await createImageBitmap(new ImageData(image.data.slice(), 64, 64));
        const of = async (worker: boolean) => {
          const pipeline = await createPipeline({ device: "wasm", model, worker });
          const wanted = { prompt: "a tree", steps: 2, seed: 3 };
          const { images } = await pipeline.furnish(bitmap, mask, wanted);
          await pipeline.dispose();
          return [...images[0]!.data];
        };
        return { here: await of(false), there: await of(true), width: bitmap.width };
      },
      [web, tinyModel.path] as const,
    );
    expect(found.there).toEqual(found.here);
    expect(found.width).toBe(64);
    const alphas = found.there.filter((_, i) => i % 4 === 3);
    expect(alphas[0]).toBe(0);
    expect(Math.max(...alphas)).toBe(255);
    await page.close();
  });
});
