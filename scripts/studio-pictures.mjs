// The studio's three pictures in docs/pictures, of the built packages: run `npm run build` first.
//
//   node scripts/studio-pictures.mjs [--chromium PATH]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { build, preview } from "vite";

const { values } = parseArgs({
  options: { chromium: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" } },
});
const root = join(import.meta.dirname, "../examples/studio");
const pictures = join(import.meta.dirname, "../docs/pictures");

/** A house: colour, the brush's size, and the points of a stroke on a sheet of 1 × 1. */
const house = [
  ["Red", 100, [0.23, 0.4], [0.5, 0.2], [0.77, 0.4], [0.3, 0.4], [0.5, 0.32], [0.6, 0.36]],
  ["Yellow", 116, [0.31, 0.63], [0.69, 0.63], [0.69, 0.7], [0.31, 0.7], [0.5, 0.66]],
  ["Brown", 60, [0.5, 0.66], [0.5, 0.82]],
  ["Sky blue", 48, [0.3, 0.62], [0.31, 0.63]],
  ["Sky blue", 48, [0.7, 0.62], [0.71, 0.63]],
  ["Green", 40, [0.08, 0.9], [0.92, 0.9]],
];
const boat = [
  ["Brown", 60, [0.28, 0.74], [0.72, 0.74], [0.64, 0.8], [0.36, 0.8]],
  ["White", 60, [0.46, 0.62], [0.46, 0.24], [0.28, 0.6], [0.46, 0.6]],
  ["Red", 60, [0.58, 0.6], [0.58, 0.34], [0.7, 0.58], [0.58, 0.58]],
];

async function draw(page, strokes) {
  for (const [colour, size, ...points] of strokes) {
    await page.locator(`#swatches input[aria-label="${colour}"]`).check({ force: true });
    await page.locator("#size").fill(String(size));
    const box = await page.locator("#ink").boundingBox();
    for (const [index, [x, y]] of points.entries()) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 8 });
      if (index === 0) await page.mouse.down();
    }
    await page.mouse.up();
  }
}

async function ask(page, { prompt, seed, strength, steps }) {
  await page.locator("#prompt").fill(prompt);
  await page.locator("#seed").fill(String(seed));
  await page.locator("#steps").fill(String(steps));
  await page.locator("#strength").fill(String(strength));
}

async function open(browser, address, width, height, scale, dark = false) {
  const page = await browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: scale,
    colorScheme: dark ? "dark" : "light",
  });
  page.setDefaultTimeout(60_000);
  await page.goto(`${address}?device=wasm`);
  await page.locator("#device[data-state=ready]").waitFor();
  return page;
}

const shot = (page, name) => page.screenshot({ path: join(pictures, `studio-${name}.png`) });

const folder = await mkdtemp(join(tmpdir(), "studio-"));
await build({ root, logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
const server = await preview({ root, logLevel: "error", build: { outDir: folder } });
const browser = await chromium.launch({
  executablePath: values.chromium,
  args: ["--no-sandbox"],
});
try {
  const address = server.resolvedUrls.local[0];
  const page = await open(browser, address, 1280, 800, 0.7);
  await draw(page, house);
  // Many steps, so that there is time to look.
  await ask(page, { prompt: "house with garden", seed: 7, strength: 60, steps: 100 });
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() =>
    /Step [2-5]\d of/.test(document.getElementById("picture-progress-text").textContent),
  );
  await shot(page, "painting");
  await page.locator("#picture[data-state=done]").waitFor();
  await page.locator("#steps").fill("20");
  await page.locator("#vary").click();
  await page.locator(".cell:nth-child(5)[data-state=done]").waitFor();
  await page.locator(".cell:nth-child(5)").click();
  await page.locator(".cell:nth-child(9)[data-state=working]").waitFor();
  await page.waitForTimeout(300);
  await shot(page, "variations");
  await page.close();

  const tablet = await open(browser, address, 820, 1180, 0.6, true);
  await draw(tablet, boat);
  await ask(tablet, { prompt: "sailboat on a blue background", seed: 7, strength: 75, steps: 16 });
  await tablet.locator("#vary").click();
  await tablet.locator("#grid[aria-busy=false]").waitFor();
  await tablet.locator(".cell:nth-child(3)").click();
  await tablet.locator("#paint-over").click();
  await draw(tablet, [["Yellow", 44, [0.84, 0.16], [0.85, 0.16]]]);
  await shot(tablet, "tablet");
} finally {
  await browser.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
