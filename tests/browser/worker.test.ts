import { expect, it, vi } from "vitest";
import { describeInBrowser } from "../support/browser.js";
import type { Route } from "../support/browser-server.js";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 180_000 });

/** Scripts that are no worker of ours, and a page that allows none. */
const broken: Route = (request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const answers: Readonly<Record<string, readonly [type: string, body: string, policy?: string]>> =
    {
      "/page-for-all.js": ["text/html", "<!doctype html><title>an app's only page</title>"],
      "/throws.js": ["text/javascript", "throw new Error('no luck')"],
      "/imports.js": ["text/javascript", "import './missing.js'"],
      "/no-workers": [
        "text/html",
        "<!doctype html><title>no workers</title>",
        "script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'",
      ],
    };
  const [type, body, policy] = answers[pathname] ?? [];
  if (type === undefined) return false;
  response.setHeader("content-type", type);
  if (policy) response.setHeader("content-security-policy", policy);
  response.end(body);
  return true;
};

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
      await page.close();
    }
  });

  it("leaves the page alone: no WebAssembly there, and hardly a block", async () => {
    const page = await browser.page({
      init: () => {
        const counts = { wasm: 0, blocked: 0 };
        Object.assign(globalThis, { counts });
        for (const name of ["compile", "instantiate", "instantiateStreaming"] as const) {
          const original = WebAssembly[name] as (...args: unknown[]) => unknown;
          Object.assign(WebAssembly, {
            [name]: (...args: unknown[]) => {
              counts.wasm++;
              return original.apply(WebAssembly, args);
            },
          });
        }
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) counts.blocked += duration;
        }).observe({ entryTypes: ["longtask"] });
      },
    });
    const web = await browser.load(page, "web");
    const [there, here] = await page.evaluate(async ({ createPipeline }) => {
      const { counts } = globalThis as unknown as { counts: { wasm: number; blocked: number } };
      const of = async (worker: boolean) => {
        const pipeline = await createPipeline({ device: "wasm", worker });
        await pipeline.load();
        counts.blocked = 0;
        let previews = 0;
        for await (const event of pipeline.stream({ prompt: "a red apple", seed: 7, steps: 4 })) {
          if (event.type === "step") previews += (await event.preview()).width;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
        await pipeline.dispose();
        return { ...counts, previews };
      };
      return [await of(true), await of(false)];
    }, web);
    expect(there!.wasm).toBe(0);
    expect(here!.wasm).toBeGreaterThan(0);
    expect(there!.previews).toBe(here!.previews);
    expect(there!.blocked).toBeLessThan(here!.blocked / 4);
    await page.close();
  });

  it("aborts in the middle, and takes the newest of many requests", async () => {
    const page = await browser.page();
    const web = await browser.load(page, "web");
    const found = await page.evaluate(async ({ createPipeline, newestWins }) => {
      const pipeline = await createPipeline({ device: "wasm", worker: true });
      await pipeline.load();
      // No step is asked for: the abort has to come in between graphs.
      const controller = new AbortController();
      setTimeout(() => controller.abort("enough"), 300);
      const aborted = await pipeline
        .generate({ prompt: "a red apple", steps: 1000, signal: controller.signal })
        .catch((error) => error);

      // The first is under way when nine others come: it ends, and of those only the last begins.
      const live = newestWins(pipeline);
      const begun = new Set<number>();
      let runs = () => {};
      const running = new Promise<void>((resolve) => {
        runs = resolve;
      });
      const ask = (seed: number, steps: number) => {
        const onStep = () => {
          begun.add(seed);
          runs();
        };
        return live.generate({ prompt: "a red apple", seed, steps, onStep });
      };
      const works = [ask(0, 1000)];
      await running;
      for (let seed = 1; seed < 10; seed++) works.push(ask(seed, 3));
      const results = (await Promise.all(works)) as ({ seeds: number[] } | undefined)[];
      await pipeline.dispose();
      return { aborted, begun: [...begun], seeds: results.map((result) => result?.seeds[0]) };
    }, web);
    expect(found.aborted).toBe("enough");
    expect(found.seeds).toEqual([...Array(9).fill(undefined), 9]);
    expect(found.begun).toEqual([0, 9]);
    await page.close();
  });

  it("tells that the worker was ended", async () => {
    const page = await browser.page();
    const web = await browser.load(page, "web");
    const found = await page.evaluate(async ({ createPipeline, isUnderpaintError }) => {
      const workers: Worker[] = [];
      const Original = globalThis.Worker;
      globalThis.Worker = class extends Original {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          super(...args);
          workers.push(this);
        }
      };
      const pipeline = await createPipeline({ device: "wasm", worker: true });
      const work = pipeline.generate({ prompt: "a red apple", steps: 1000 });
      setTimeout(() => workers[0]!.terminate(), 500);
      const codes: (string | undefined)[] = [];
      for (const attempt of [work, pipeline.generate({ prompt: "" }), pipeline.load()]) {
        const error = await attempt.catch((caught: unknown) => caught);
        codes.push(isUnderpaintError(error) ? error.code : String(error));
      }
      await pipeline.dispose();
      // A new one works.
      const next = await createPipeline({ device: "wasm", worker: true });
      const { images } = await next.generate({ prompt: "a red apple", steps: 1 });
      await next.dispose();
      return { codes, width: images[0]!.width, workers: workers.length };
    }, web);
    expect(found).toEqual({
      codes: ["worker-failed", "worker-failed", "worker-failed"],
      width: 128,
      workers: 2,
    });
    await page.close();
  });

  it.each([
    ["a missing script", "/", "/nowhere.js", /cannot be loaded: the server answers 404/],
    ["a page in its place", "/", "/page-for-all.js", /cannot be loaded: it is text\/html/],
    ["a script that throws", "/", "/throws.js", /the worker failed: .*no luck/],
    ["a missing import", "/", "/imports.js", /cannot be loaded: a file that it imports is missing/],
    ["another origin", "/", "https://example.com/worker.js", /cannot be loaded: .*origin/i],
    ["a policy", "/no-workers", "/worker.js", /cannot be loaded: the page's Content-Security/],
  ])("says what is wrong with %s", async (_, path, script, message) => {
    browser.allow(/Failed to load|MIME|no luck|Content Security Policy|Refused|violates/);
    const page = await browser.page({ routes: [broken], path });
    const web = await browser.load(page, "web");
    const error = await page.evaluate(
      async ([{ createPipeline, isUnderpaintError }, worker]) => {
        const caught: unknown = await createPipeline({ worker }).catch((error: unknown) => error);
        return isUnderpaintError(caught) ? { code: caught.code, message: caught.message } : caught;
      },
      [web, script] as const,
    );
    expect(error).toEqual({ code: "worker-failed", message: expect.stringMatching(message) });
    await page.close();
  });
});
