import { expect, it } from "vitest";
import { describeInBrowser } from "../support/browser.js";

describeInBrowser("a first picture in a page", (browser) => {
  it("is made by the embedded model on wasm", async () => {
    const page = await browser.page({ isolated: true });
    const web = await browser.load(page, "web");
    const found = await page.evaluate(async ({ createPipeline }) => {
      const pipeline = await createPipeline({ device: "wasm" });
      const { images } = await pipeline.generate({ prompt: "a red apple", seed: 7, steps: 4 });
      const { width, height, data } = images[0]!;
      await pipeline.dispose();
      return { width, height, data: [...data], device: pipeline.device };
    }, web);
    expect([found.width, found.height, found.device]).toEqual([64, 64, "wasm"]);
    expect(new Set(found.data).size).toBeGreaterThan(30);
  });
});
