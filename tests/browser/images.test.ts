import { readFileSync } from "node:fs";
import { decodePng } from "@underpaint/core";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { describeInBrowser } from "../support/browser.js";

describeInBrowser("a browser's pictures", (browser) => {
  let page: Page;
  beforeAll(async () => {
    page = await browser.page();
    // Every colour value with every alpha, three different channels: 256 × 256 pixels.
    await page.evaluate(() => {
      const data = new Uint8ClampedArray(4 * 65536);
      for (let i = 0; i < 65536; i++) {
        const [value, alpha] = [i & 255, i >> 8];
        data.set([value, 255 - value, (value * 37) & 255, alpha], 4 * i);
      }
      const differ = (found: ArrayLike<number>, expected: ArrayLike<number>): number => {
        let count = Math.abs(found.length - expected.length);
        for (let i = 0; i < expected.length; i++) if (found[i] !== expected[i]) count++;
        return count;
      };
      const opaque = data.map((sample, i) => (i % 4 === 3 ? 255 : sample));
      Object.assign(globalThis, { samples: data, opaque, differ });
    });
  });

  /** What the page above has. */
  interface Globals {
    readonly samples: Uint8ClampedArray<ArrayBuffer>;
    readonly opaque: Uint8ClampedArray<ArrayBuffer>;
    differ(found: ArrayLike<number>, expected: ArrayLike<number>): number;
  }

  it("come back byte for byte as ImageData, ImageBitmap and PNG, whatever their alpha", async () => {
    const web = await browser.load(page, "web");
    const found = await page.evaluate(
      async ({ toImage, toImageBitmap, toPngBlob, createImage }) => {
        const { samples, differ } = globalThis as unknown as Globals;
        const image = createImage(256, 256, samples);
        const bitmap = await toImageBitmap(image);
        const png = toPngBlob(image);
        return {
          imageData: differ((await toImage(new ImageData(samples, 256, 256))).data, samples),
          bitmap: differ((await toImage(bitmap)).data, samples),
          png: differ((await toImage(png)).data, samples),
          type: png.type,
        };
      },
      web,
    );
    expect(found).toEqual({ imageData: 0, bitmap: 0, png: 0, type: "image/png" });
  });

  it("come back byte for byte from canvases where they are opaque", async () => {
    const web = await browser.load(page, "web");
    const found = await page.evaluate(async ({ toImage, toCanvas, createImage }) => {
      const { opaque, differ } = globalThis as unknown as Globals;
      const image = createImage(256, 256, opaque);
      const element = document.createElement("canvas");
      const wide = new OffscreenCanvas(1, 1);
      wide.getContext("2d", { colorSpace: "display-p3" });
      const gl = new OffscreenCanvas(2, 1);
      const context = gl.getContext("webgl2")!;
      context.clearColor(1, 0.5, 0, 1);
      context.clear(context.COLOR_BUFFER_BIT);
      const plain = await createImageBitmap(new ImageData(opaque, 256, 256));
      return {
        element: differ((await toImage(toCanvas(image, element))).data, opaque),
        offscreen: differ((await toImage(toCanvas(image))).data, opaque),
        wide: (await toImage(wide)).data.length,
        webgl: [...(await toImage(gl)).data],
        plainBitmap: differ((await toImage(plain)).data, opaque),
        size: [element.width, element.height],
      };
    }, web);
    expect(found).toEqual({
      element: 0,
      offscreen: 0,
      wide: 4,
      webgl: [255, 128, 0, 255, 255, 128, 0, 255],
      plainBitmap: 0,
      size: [256, 256],
    });
  });

  it("that a browser holds multiplied with alpha come back as nearly as it holds them", async () => {
    const web = await browser.load(page, "web");
    const found = await page.evaluate(async ({ toImage, toCanvas, createImage }) => {
      const { samples } = globalThis as unknown as Globals;
      const image = createImage(256, 256, samples);
      const bitmap = await createImageBitmap(new ImageData(samples, 256, 256), {
        premultiplyAlpha: "premultiply",
      });
      // Multiplied and rounded to 8 bits, a colour is known to 255 / alpha / 2; and rounded again.
      const beyond = (data: Uint8ClampedArray): number => {
        let count = 0;
        for (let i = 0; i < data.length; i++) {
          const alpha = samples[i | 3]!;
          const bound = alpha === 0 ? 255 : i % 4 === 3 ? 0 : 255 / alpha + 1;
          if (Math.abs(data[i]! - samples[i]!) > bound) count++;
        }
        return count;
      };
      return {
        bitmap: beyond((await toImage(bitmap)).data),
        canvas: beyond((await toImage(toCanvas(image))).data),
      };
    }, web);
    expect(found).toEqual({ bitmap: 0, canvas: 0 });
  });

  it("of other files are read without their colour profiles", async () => {
    const web = await browser.load(page, "web");
    const found = await page.evaluate(async ({ toImage, toCanvas, createImage }) => {
      const { opaque, samples } = globalThis as unknown as Globals;
      const grey = opaque.map((_, i) => (i % 4 === 3 ? 255 : 10 + ((i >> 2) & 127)));
      const canvas = toCanvas(createImage(256, 256, grey));
      const largest = async (type: string, quality: number): Promise<number> => {
        const read = await toImage(await canvas.convertToBlob({ type, quality }));
        return read.data.reduce((most, v, i) => Math.max(most, Math.abs(v - grey[i]!)), 0);
      };
      const clear = toCanvas(createImage(256, 256, samples));
      const webp = await toImage(await clear.convertToBlob({ type: "image/webp", quality: 1 }));
      let alphas = 0;
      for (let i = 3; i < samples.length; i += 4) if (webp.data[i] !== samples[i]) alphas++;
      return { jpeg: await largest("image/jpeg", 1), webp: await largest("image/webp", 1), alphas };
    }, web);
    expect(found.jpeg).toBeLessThanOrEqual(6);
    expect(found.webp).toBeLessThanOrEqual(6);
    expect(found.alphas).toBe(0);
  });

  it("refuses what is no picture, before anything is done", async () => {
    const web = await browser.load(page, "web");
    const codes = await page.evaluate(async ({ toImage, toImageBitmap, createImage }) => {
      const closed = await toImageBitmap(createImage(1, 1));
      closed.close();
      const wrong = [
        new Blob(["no picture"], { type: "image/png" }),
        closed,
        {},
        "picture.png",
        null,
      ];
      return Promise.all(
        wrong.map((value) =>
          toImage(value as never).then(
            () => "read",
            (error: { code?: string }) => error.code,
          ),
        ),
      );
    }, web);
    expect(codes).toEqual(Array(5).fill("invalid-image"));
  });

  it("writes the same PNG as Node does, its recipe in it", async () => {
    const web = await browser.load(page, "web");
    const bytes = await page.evaluate(async ({ createPipeline, toPngBlob, readRecipe }) => {
      const pipeline = await createPipeline({ device: "wasm", starter: "/starter/" });
      const { images, recipes } = await pipeline.generate({ prompt: "boat", seed: 1, steps: 2 });
      await pipeline.dispose();
      const png = toPngBlob(images[0]!, { recipe: recipes[0]! });
      const file = new Uint8Array(await png.arrayBuffer());
      return { file: [...file], recipe: readRecipe(file), data: [...images[0]!.data] };
    }, web);
    expect(bytes.recipe?.prompt).toBe("boat");
    expect([...decodePng(Uint8Array.from(bytes.file)).data]).toEqual(bytes.data);
  });

  it("are taken by requests in place of pixels", async () => {
    const web = await browser.load(page, "web");
    const png = [
      ...readFileSync(new URL("../../fixtures/reference/inputs/64x64.png", import.meta.url)),
    ];
    const found = await page.evaluate(
      async ([{ createPipeline, toCanvas, toImage, toImageBitmap }, png]) => {
        const model = new URL("/fixtures/models/tiny/", location.href).href;
        const pipeline = await createPipeline({ device: "wasm", model });
        const file = new Blob([Uint8Array.from(png)], { type: "image/png" });
        const image = await toImage(file);
        const sources = [image, file, toCanvas(image), await toImageBitmap(image)];
        const pictures: string[] = [];
        for (const source of sources) {
          const asked = { prompt: "boat", seed: 3, steps: 4, image: source };
          pictures.push((await pipeline.generate(asked)).images[0]!.data.join());
        }
        const events: string[] = [];
        for await (const event of pipeline.stream({ prompt: "boat", steps: 2, image: file })) {
          events.push(event.type);
        }
        await pipeline.dispose();
        return { same: pictures.map((picture) => picture === pictures[0]), events };
      },
      [web, png] as const,
    );
    expect(found.same).toEqual([true, true, true, true]);
    expect(found.events).toEqual(["step", "result"]);
  });
});
