import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { measure } from "../scripts/size.mjs";

// Of the built packages: `npm test` builds them first. `node scripts/size.mjs` prints the parts.

const root = fileURLToPath(new URL("..", import.meta.url));

it("applications load little of Underpaint", { timeout: 180_000 }, async () => {
  if (!existsSync(`${root}/packages/web/dist/index.js`)) {
    throw new Error("packages/web is not built: run npm test, or pnpm run build");
  }
  const own = await measure([/^@underpaint\/(schedulers|controlnet)/]);
  // What makes a first picture, of core and web. The goal is 60 kB; this keeps it from growing.
  expect(own.picture).toBeLessThan(70_000);
  // What a page loads whose pipeline is in a worker: with schedulers and controls, too.
  expect(own.page).toBeLessThan(12_000);
  expect((await measure()).page).toBeLessThan(12_000);
});
