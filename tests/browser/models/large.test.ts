import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pattern } from "../../../packages/node/src/sources/fakes/file-server.js";
import { findChromium } from "../../support/browser.js";
import { type Lab, openLab, type Place } from "./browser.js";

const mebibyte = 2 ** 20;
/** In MiB. What bounds memory is the piece, of 16 MiB, so that more would show nothing else. */
const size = Number(process.env.UNDERPAINT_LARGE_MIB ?? 300);
const executable = process.platform === "linux" ? findChromium() : undefined;
const title = executable ? "large models" : "large models (skipped: needs chromium on Linux)";

describe.skipIf(!executable)(title, () => {
  let lab: Lab;
  let place: Place;
  let page: Page;

  beforeAll(async () => {
    lab = await openLab(executable!);
    place = await lab.place();
    place.route = (request, response) => {
      if (request.url !== "/m/large.bin") return false;
      response.writeHead(200, { "content-length": size * mebibyte, etag: '"large"' });
      if (request.method === "HEAD") return response.end() !== undefined;
      let sent = 0;
      const more = (): void => {
        while (sent < size) if (!response.write(block(sent++))) return;
        response.end();
      };
      response.on("drain", more);
      more();
      return true;
    };
    page = await lab.page(place.origin);
  }, 60_000);
  afterAll(() => lab?.close(), 60_000);

  it(`of ${size} MiB go to storage through a bounded memory, and are read as they came`, async () => {
    const loaded = await lab.load(page);
    const address = `${place.origin}/m/large.bin`;
    const before = await residentMiB();
    const [stored, whileStored] = await watched(
      page.evaluate(([{ downloadOnly }, at, bytes]) => downloadOnly(at, bytes), [
        loaded,
        address,
        size * mebibyte,
      ] as const),
    );
    expect(stored).toBe(size * mebibyte);
    console.log(`renderer: ${before} MiB before, at most ${whileStored} MiB while storing ${size}`);

    const hash = createHash("sha256");
    for (let k = 0; k < size; k++) hash.update(block(k));
    const [isSame, whileRead] = await watched(
      page.evaluate(([{ contentMatches }, at, value]) => contentMatches(at, value), [
        loaded,
        address,
        hash.digest("hex"),
      ] as const),
    );
    console.log(`renderer: at most ${whileRead} MiB while reading ${size}`);
    expect(isSame).toBe(true);
    expect(whileStored - before).toBeLessThan(100);
    expect(whileRead - before).toBeLessThan(size + 100);
  }, 300_000);

  const base = pattern(mebibyte);
  /** The k-th MiB of the file. */
  function block(k: number): Uint8Array {
    const bytes = base.slice();
    new DataView(bytes.buffer).setUint32(0, k);
    return bytes;
  }

  /** What `work` gives, and the most memory that the page's process took meanwhile. */
  async function watched<T>(work: Promise<T>): Promise<[T, number]> {
    let most = 0;
    let isDone = false;
    const watching = (async () => {
      while (!isDone) {
        most = Math.max(most, await residentMiB());
        await delay(20);
      }
    })();
    const result = await work.finally(() => {
      isDone = true;
    });
    await watching;
    return [result, most];
  }

  let processes: string[] | undefined;
  /** The most that a renderer's process has resident now, in MiB. */
  async function residentMiB(): Promise<number> {
    if (!processes) {
      const session = await lab.context.browser()!.newBrowserCDPSession();
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      processes = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => `${id}`);
    }
    const found = await Promise.all(
      processes.map(async (id) => {
        const text = await readFile(`/proc/${id}/status`, "utf8");
        return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024;
      }),
    );
    return Math.round(Math.max(...found));
  }
});
