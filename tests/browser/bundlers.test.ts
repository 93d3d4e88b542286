import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createPipeline } from "@underpaint/node";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { findChromium } from "../support/browser.js";
import { contentSecurityPolicy, serve } from "../support/browser-server.js";

// One small application for each way into a page, built as its package.json says, and run in Chromium
// under a strict Content-Security-Policy. `npm test` builds the packages first.

// A busy machine takes its time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

const root = fileURLToPath(new URL("../..", import.meta.url));
const executablePath = findChromium();

/** What examples/*-app ask for. */
const request = { prompt: "a red apple", seed: 7, steps: 4 };

interface App {
  readonly name: string;
  /** The folder that is served, inside the application's. */
  readonly served: string;
  readonly builds: boolean;
}

const apps: readonly App[] = [
  { name: "vite-app", served: "dist", builds: true },
  { name: "webpack-app", served: "", builds: true },
  { name: "esbuild-app", served: "", builds: true },
  { name: "import-map-app", served: "", builds: false },
];

/** An import map is a script inside the page, which a policy must name by its hash. */
function policyFor(folder: string): string {
  const html = readFileSync(`${folder}/index.html`, "utf8");
  const map = /<script type="importmap">([\s\S]*?)<\/script>/.exec(html)?.[1];
  if (map === undefined) return contentSecurityPolicy;
  const hash = createHash("sha256").update(map).digest("base64");
  return contentSecurityPolicy.replace("script-src", `script-src 'sha256-${hash}'`);
}

describe.skipIf(!executablePath)("an application built with", () => {
  let browser: Browser;
  let expected: Uint8ClampedArray;

  beforeAll(async () => {
    if (!existsSync(`${root}/packages/web/dist/standalone/index.js`)) {
      throw new Error("packages/web is not built: run npm test, or pnpm run build");
    }
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ["--no-sandbox", "--no-first-run"],
    });
    const pipeline = await createPipeline({ device: "cpu" });
    expected = (await pipeline.generate(request)).images[0]!.data;
    await pipeline.dispose();
  });
  afterAll(() => browser?.close());

  describe.each(apps)("$name", ({ name, served, builds }) => {
    const app = `${root}/examples/${name}`;

    beforeAll(async () => {
      if (!builds) return;
      await promisify(execFile)("npm", ["run", "build"], {
        cwd: app,
        shell: process.platform === "win32",
      });
    });

    it.each([false, true])("makes a picture in a worker (isolated: %s)", async (isolated) => {
      const folder = `${app}/${served}`;
      const server = await serve({ folders: { "/": folder }, isolated, policy: policyFor(folder) });
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(`${error}`));
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
      });
      try {
        await page.goto(`${server.origin}/`);
        await page
          .getByText("Done")
          .waitFor({ timeout: 120_000 })
          .catch(() => {});
        expect(errors).toEqual([]);
        const found = await page.evaluate(() => {
          const canvas = document.querySelector("canvas")!;
          const { width, height } = canvas;
          return [...canvas.getContext("2d")!.getImageData(0, 0, width, height).data];
        });
        expect(found.length).toBe(expected.length);
        const worst = found.reduce((most, v, k) => Math.max(most, Math.abs(v - expected[k]!)), 0);
        expect(worst).toBeLessThanOrEqual(2);
      } finally {
        await page.close();
        await server.close();
      }
    });
  });
});
