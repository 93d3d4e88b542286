import { expect, it } from "vitest";
import { describeInBrowser } from "../support/browser.js";

describeInBrowser("a pipeline in a worker", (browser) => {
  it("makes the same picture as the page, single-threaded and with threads", async () => {
    for (const isolated of [false, true]) {
      const page = await browser.page({ isolated });
      const web = await browser.load(page, "web");
      const found = await page.evaluate(async ({ createPipeline }) => {
        const request = { prompt: "a red apple", seed: 7, steps: 2, count: 2 };
        const said: string[] = [];
        const of = async (worker: boolean) => {
          const pipeline = await createPipeline({
            device: "wasm",
            worker,
            onWarning: ({ code }) => said.push(code),
          });
          const { images } = await pipeline.generate(request);
          const { device } = pipeline;
          await pipeline.dispose();
          return { device, data: images.map(({ data }) => [...data]) };
        };
        return { there: await of(true), here: await of(false), said };
      }, web);
      expect(found.there).toEqual(found.here);
      expect(found.there.device).toBe("wasm");
      expect(new Set(found.there.data[0]).size).toBeGreaterThan(30);
      expect(found.said).toEqual(isolated ? [] : ["single-threaded", "single-threaded"]);
    }
  });
});
