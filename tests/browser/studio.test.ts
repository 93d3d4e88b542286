import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodePng, readRecipe } from "@underpaint/core";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeInBrowser } from "../support/browser.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Builds the studio as its own `vite build` does, but of the packages' sources. */
async function buildStudio(folder: string): Promise<void> {
  await build({
    root: join(root, "examples/studio"),
    logLevel: "error",
    resolve: {
      alias: Object.fromEntries(
        ["core", "schedulers", "web"].map((name) => [
          `@underpaint/${name}`,
          join(root, `packages/${name}/src/index.ts`),
        ]),
      ),
    },
    build: { outDir: folder, emptyOutDir: true, minify: false, reportCompressedSize: false },
  });
}

/** Draws with the mouse through points of the sheet, 0 to 1 each way. */
async function draw(page: Page, points: readonly (readonly [number, number])[]): Promise<void> {
  const box = (await page.locator("#ink").boundingBox())!;
  for (const [index, [x, y]] of points.entries()) {
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 3 });
    if (index === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

/** The colour in the middle of a canvas, and how many colours there are on it. */
function look(page: Page, selector: string) {
  return page.locator(selector).evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
    const middle = 4 * (width * Math.floor(height / 2) + Math.floor(width / 2));
    return {
      middle: [...data.subarray(middle, middle + 4)],
      colours: new Set(new Uint32Array(data.buffer)).size,
    };
  });
}

const state = (page: Page) => page.locator("#picture").getAttribute("data-state");
const said = (page: Page) => page.locator("#announcer").textContent();
const press = (page: Page, ...keys: string[]) =>
  keys.reduce(async (before, key) => {
    await before;
    await page.keyboard.press(key);
  }, Promise.resolve());
/** The picture's state and progress whenever either changes, from the page's own view. */
const watch = (page: Page) =>
  page.evaluate(() => {
    const picture = document.getElementById("picture")!;
    const canvas = document.getElementById("picture-canvas")!;
    const seen: string[] = [];
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const text = document.getElementById("picture-progress-text")!.textContent;
      const kind = canvas.classList.contains("preview") ? "preview" : "";
      const line = [picture.dataset.state, text, kind].join(" ").trim();
      if (seen.at(-1) !== line) seen.push(line);
    }).observe(picture, { subtree: true, childList: true, attributes: true });
  });
/**
 * Escape in the moment in which a variation is done. The page's own event is sent, because a key
 * that comes from outside can be later than the pictures that follow.
 */
const stopAt = (page: Page, variation: number) =>
  page.evaluate((selector) => {
    const cell = document.querySelector<HTMLElement>(selector)!;
    const observer = new MutationObserver(() => {
      if (cell.dataset.state !== "done") return;
      observer.disconnect();
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    });
    observer.observe(cell, { attributeFilter: ["data-state"] });
  }, `.cell:nth-child(${variation})`);
const seen = (page: Page) => page.evaluate(() => (window as unknown as { seen: string[] }).seen);

describeInBrowser("the studio", (browser) => {
  const folder = mkdtempSync(join(tmpdir(), "studio-"));
  let page: Page;
  beforeAll(async () => {
    await buildStudio(folder);
    page = await browser.page({
      isolated: true,
      folders: { "/studio/": folder },
      path: "/studio/?device=wasm",
    });
    page.setDefaultTimeout(55_000);
    await page.setViewportSize({ width: 1280, height: 800 });
    await watch(page);
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("loads the model, and tells the device", async () => {
    await page.locator("#device[data-state=ready]").waitFor();
    expect(await page.locator("#device-name").textContent()).toMatch(/^WebAssembly, \d threads?$/);
    expect((await seen(page)).some((line) => /^loading Fetching the model: \d+ %/.test(line))).toBe(
      true,
    );
    expect(await state(page)).toBe("empty");
    expect(await page.locator("#save").getAttribute("aria-disabled")).toBe("true");
  });

  it("fits its window, and can be reached by keyboard throughout", async () => {
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    const bottom = async (id: string) => {
      const box = (await page.locator(id).boundingBox())!;
      return box.y + box.height;
    };
    expect(await wide()).toBe(0);
    for (const id of ["#swatches", "#save", "#grid"]) expect(await bottom(id)).toBeLessThan(800);
    await page.setViewportSize({ width: 800, height: 1280 });
    expect(await wide()).toBe(0);
    for (const id of ["#swatches", "#save", "#grid"]) expect(await bottom(id)).toBeLessThan(1280);
    await page.setViewportSize({ width: 1280, height: 800 });

    await page.locator("#open").focus();
    const reached: string[] = [];
    for (let i = 0; i < 40 && reached.at(-1) !== "vary"; i++) {
      await page.keyboard.press("Tab");
      const id = await page.evaluate(() => {
        const { id, className } = document.activeElement!;
        const style = getComputedStyle(document.activeElement!);
        const ring = style.outlineStyle !== "none" || id === "ink" || className === "";
        return ring ? id || className : `${id} has no ring`;
      });
      if (id) reached.push(id);
    }
    expect(reached.filter((id) => !["chip", ""].includes(id))).toEqual([
      "show-keys",
      "prompt",
      "paint",
      "stop",
      "more-ideas",
      "steps",
      "seed",
      "dice",
      "live",
      "undo",
      "redo",
      "clear",
      "ink",
      "size",
      "save",
      "paint-over",
      "vary",
    ]);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(
      "Variation 1, empty",
    );
  });

  it("paints from words by Ctrl+Enter, and shows each step", async () => {
    await page.locator("#steps").fill("3");
    await page.locator("#prompt").fill("a red app");
    const options = await page
      .locator("#words option")
      .evaluateAll((all) => all.map((option) => (option as HTMLOptionElement).value));
    expect(options).toEqual(["a red apple"]);
    await page.locator("#prompt").fill("a red apple");
    await press(page, "Control+Enter");
    await page.locator("#picture[data-state=done]").waitFor();

    const lines = await seen(page);
    for (const step of [1, 2, 3]) expect(lines).toContain(`working Step ${step} of 3 preview`);
    expect(await page.locator("#caption").textContent()).toMatch(
      /^a red apple · seed 7 · 3 steps · [\d.]+ s$/,
    );
    const { middle, colours } = await look(page, "#picture-canvas");
    // The middle of a red apple.
    expect(middle[0]).toBeGreaterThan(150);
    expect(middle[1]).toBeLessThan(120);
    expect(colours).toBeGreaterThan(100);
    expect(await said(page)).toBe("Painted: a red apple · seed 7 · 3 steps");
  });

  it("draws by pointer and by keyboard, undoes and redoes", async () => {
    await page.locator("#swatches input[aria-label=Blue]").check();
    await draw(page, [
      [0.3, 0.5],
      [0.5, 0.5],
      [0.7, 0.5],
    ]);
    const blue = [0x25, 0x63, 0xc9, 255];
    expect((await look(page, "#ink")).middle).toEqual(blue);
    expect(await page.locator("input[value=drawing]").isChecked()).toBe(true);

    // The pen of the keyboard begins in the middle: the eraser takes the blue away there.
    await press(page, "e", "Space", "ArrowRight", "Space");
    expect((await look(page, "#ink")).middle[3]).toBe(0);
    expect(await said(page)).toBe("Pen up at 272, 256");
    await press(page, "Control+z");
    expect((await look(page, "#ink")).middle).toEqual(blue);
    await press(page, "Control+z");
    expect((await look(page, "#ink")).colours).toBe(1);
    expect(await page.locator("input[value=words]").isChecked()).toBe(true);
    expect(await page.locator("input[value=drawing]").isDisabled()).toBe(true);
    await press(page, "Control+y", "b");
    expect((await look(page, "#ink")).middle).toEqual(blue);
    expect(await page.locator("input[value=drawing]").isChecked()).toBe(true);
  });

  it("paints twelve variations, stops in the middle, and goes on", async () => {
    await page.locator("input[value=words]").check({ force: true });
    await page.locator("#steps").fill("1");
    await stopAt(page, 2);
    await page.locator("#vary").click();
    await page.locator("#grid[aria-busy=false]").waitFor();
    const states = () =>
      page
        .locator(".cell")
        .evaluateAll((cells) => cells.map((cell) => (cell as HTMLElement).dataset.state));
    expect(await states()).toEqual(["done", "done", ...Array(10).fill("empty")]);
    expect(await page.locator("#stop").getAttribute("aria-disabled")).toBe("true");
    expect(await said(page)).toBe("Stopped.");

    await page.locator("#vary").click();
    await page.locator("#grid[aria-busy=false]").waitFor();
    expect(await states()).toEqual(Array(12).fill("done"));
    const pictures = await page
      .locator(".cell canvas")
      .evaluateAll((all) => all.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()));
    expect(new Set(pictures).size).toBe(12);
  });

  it("picks one by keyboard, and paints over it", async () => {
    await page.locator("#vary").focus();
    await press(page, "Tab", "ArrowRight", "ArrowDown");
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
    expect(await focused()).toBe("Variation 5, seed 11, done");
    await press(page, "Enter");
    expect(await page.locator(".cell[aria-selected=true]").count()).toBe(1);
    expect(await page.locator("#seed").inputValue()).toBe("11");
    expect(await page.locator("#caption").textContent()).toContain("seed 11 · 1 step ");

    await page.locator("#paint-over").click();
    expect((await look(page, "#ink")).colours).toBe(1);
    expect(await look(page, "#underlay")).toEqual(await look(page, "#picture-canvas"));
    await page.locator("#prompt").fill("green apple");
    await page.locator("#steps").fill("4");
    await page.locator("#strength").fill("50");
    await press(page, "Control+Enter");
    await page.locator("#picture[data-state=done]").waitFor();
    // Half of the four steps.
    expect(await seen(page)).toContain("working Step 2 of 2 preview");
  });

  it("saves a PNG with its recipe, and reads it back", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Control+s")]);
    expect(download.suggestedFilename()).toBe("green-apple-11.png");
    const file = await download.path();
    const bytes = new Uint8Array(readFileSync(file));
    const { width, height } = decodePng(bytes);
    expect([width, height]).toEqual([128, 128]);
    const recipe = readRecipe(bytes);
    expect(recipe).toMatchObject({
      prompt: "green apple",
      seed: 11,
      steps: 4,
      strength: 0.5,
      image: { width: 128, height: 128 },
    });

    await page.locator("#prompt").fill("something else");
    await page.locator("#seed").fill("1");
    await page.locator("#file").setInputFiles(file);
    await expect
      .poll(() => page.locator("#prompt").inputValue(), { timeout: 50_000 })
      .toBe("green apple");
    expect(await page.locator("#seed").inputValue()).toBe("11");
    expect(await page.locator("#caption").textContent()).toContain("It began from a drawing");
  });

  it("paints while the drawing changes, the newest winning", async () => {
    await page.locator("#live").check();
    await draw(page, [
      [0.2, 0.2],
      [0.5, 0.3],
      [0.8, 0.2],
    ]);
    await page.locator("#picture[data-state=working]").waitFor();
    await page.locator("#picture[data-state=done]").waitFor();
    expect(await page.locator("#caption").textContent()).toMatch(/^green apple · seed 11/);
    await page.locator("#live").uncheck();
  });

  it("stops a picture in the middle, and shows the one before", async () => {
    const before = await look(page, "#picture-canvas");
    // As long as a picture can take, for a key that may come late.
    await page.locator("#steps").fill("50");
    await page.locator("#strength").fill("100");
    await press(page, "Control+Enter");
    await expect
      .poll(async () => (await seen(page)).at(-1), { timeout: 50_000 })
      .toMatch(/^working Step \d+ of 50/);
    await press(page, "Escape");
    expect(await page.locator("#picture-progress-text").textContent()).toMatch(
      /^Stopped at step \d+ of 50$/,
    );
    expect(await look(page, "#picture-canvas")).toEqual(before);
  });

  it("says in words what is wrong with a file", async () => {
    const buffer = Buffer.from("no picture");
    await page.locator("#file").setInputFiles({ name: "a.png", mimeType: "image/png", buffer });
    await page.locator("#notice").waitFor();
    expect(await page.locator("#notice").textContent()).toContain("This picture cannot be read");
    expect(await page.locator("#notice-again").isVisible()).toBe(false);
  });
});
