import { createHash } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { etagOf, pattern } from "../../../packages/node/src/sources/fakes/file-server.js";
import { findChromium } from "../../support/browser.js";
import { type Lab, openLab, type Place } from "./browser.js";
import type { OpenRequest, Outcome } from "./lab.js";

const executable = findChromium();
const title = executable ? "models in a page" : "models in a page (skipped: no chromium)";
const path = "/m/unet/model.onnx";
const graph = pattern(3_000_000);
const pieceBytes = 250_000;

function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

describe.skipIf(!executable)(title, () => {
  let lab: Lab;
  let place: Place;
  let page: Page;

  beforeAll(async () => {
    lab = await openLab(executable!);
  }, 60_000);
  afterAll(() => lab?.close(), 60_000);
  beforeEach(async () => {
    place = await lab.place();
    place.files.set(path, graph);
    place.files.set("/m/model_index.json", new TextEncoder().encode("{}"));
    page = await lab.page(place.origin);
    return () => page.close();
  }, 60_000);

  /** Opens the graph in a page, in pieces that are small enough for several. */
  async function open(request: Partial<OpenRequest> = {}, at: Page = page): Promise<Outcome> {
    const model = `${place.origin}/m/`;
    const options = { pieceBytes, ...request.options };
    return at.evaluate(([{ open }, given]) => open(given), [
      await lab.load(at),
      { model, ...request, options },
    ] as const);
  }

  const gets = (): string[] => place.requests.filter((line) => line.startsWith("GET"));

  it("are fetched once, and asked for changes later", async () => {
    const first = await open();
    expect(first).toMatchObject({ sha256: digest(graph), warnings: [] });
    expect(first.progress.at(-1)).toBe(graph.length);
    expect(await open()).toMatchObject({ sha256: digest(graph), progress: [graph.length] });
    expect(gets()).toHaveLength(1);
    const changed = pattern(2_000_000, 5);
    place.files.set(path, changed);
    expect(await open()).toMatchObject({ sha256: digest(changed) });
  });

  it("survive a connection that is cut at ten places", async () => {
    const cuts = Array.from({ length: 10 }, (_, k) => 20_000 + ((k * 7919 * 7919) % 350_000));
    place.troubles.set(
      path,
      cuts.map((cutAfter) => ({ cutAfter })),
    );
    const { sha256, warnings, progress } = await open();
    expect([sha256, warnings]).toEqual([digest(graph), []]);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    const starts = gets().map((line) => Number(/bytes=(\d+)-$/.exec(line)?.[1]));
    expect(starts).toHaveLength(11);
    let end = 0;
    for (const [k, start] of starts.entries()) {
      // The browser drops what it has not handed over when a connection breaks: never more.
      expect(start).toBeLessThanOrEqual(end);
      expect(start).toBeGreaterThanOrEqual(k === 0 ? 0 : starts[k - 1]!);
      end = start + (cuts[k] ?? 0);
    }
    expect(starts.at(-1)).toBeGreaterThan(200_000);
  });

  it("go on after each of ten failures, in a new page too", async () => {
    const kept: number[] = [];
    for (let k = 0; k < 10; k++) {
      place.troubles.set(path, [{ cutAfter: 10_000 + ((k * 104_729) % 240_000) }, { status: 503 }]);
      const { error } = await open({ options: { patience: { retries: 0, firstDelayMs: 1 } } });
      expect(error?.code).toBe("download-failed");
      kept.push(Number(/after the (\d+) bytes that are here/.exec(error!.message)?.[1] ?? 0));
    }
    expect(kept).toEqual(kept.toSorted((a, b) => a - b));
    expect(kept.at(-1)).toBeGreaterThan(200_000);
    const another = await lab.page(place.origin);
    expect(await open({}, another)).toMatchObject({ sha256: digest(graph) });
    expect(gets().at(-1)).toBe(`GET ${path} bytes=${kept.at(-1)}-`);
    await another.close();
  });

  it("go on in a new page when the tab was closed", async () => {
    const stop = slowly(1_300_000);
    const closing = open().catch(() => undefined);
    await stop.reached;
    // The server has sent them; let the page write its pieces.
    await expect.poll(() => storedPieces(page)).toBeGreaterThanOrEqual(4);
    await page.close();
    await closing;
    place.route = undefined;
    page = await lab.page(place.origin);
    const before = await list();
    expect(before).toMatchObject([{ model: `${place.origin}/m/`, isWhole: false }]);
    expect(await open()).toMatchObject({ sha256: digest(graph), warnings: [] });
    expect(gets().at(-1)).toBe(`GET ${path} bytes=${before[0]!.bytes}-`);
    expect(await list()).toMatchObject([{ bytes: graph.length, isWhole: true }]);
  });

  it("are used from memory where storage is refused, as a warning tells once", async () => {
    const refused = await lab.page(place.origin, () => {
      StorageManager.prototype.getDirectory = () =>
        Promise.reject(new DOMException("no", "SecurityError"));
    });
    place.troubles.set(path, [{ cutAfter: 900_000 }]);
    expect(await open({}, refused)).toMatchObject({
      sha256: digest(graph),
      warnings: ["model-not-kept"],
    });
    expect(gets()).toHaveLength(2);
    expect(await list(refused)).toEqual([]);
    await refused.close();
  });

  it("are used from memory in pages without https", async () => {
    const origin = place.origin.replace("localhost", "insecure.test");
    const insecure = await lab.page(origin);
    expect(await insecure.evaluate(() => isSecureContext)).toBe(false);
    expect(await open({ model: "/m/" }, insecure)).toMatchObject({
      sha256: digest(graph),
      warnings: ["model-not-kept"],
    });
    expect(await list(insecure)).toEqual([]);
    await insecure.close();
  });

  it("are used from memory where there is no room for them", async () => {
    const counting = await lab.page(place.origin, () => {
      StorageManager.prototype.estimate = () => Promise.resolve({ quota: 2_000_000, usage: 0 });
      const { createWritable } = FileSystemFileHandle.prototype;
      FileSystemFileHandle.prototype.createWritable = function (options) {
        document.title += ` ${this.name}`;
        return createWritable.call(this, options);
      };
    });
    expect(await open({}, counting)).toMatchObject({
      sha256: digest(graph),
      warnings: ["model-not-kept"],
    });
    expect(gets()).toHaveLength(1);
    expect(await list(counting)).toMatchObject([{ bytes: 0 }]);
    // The browser's estimate was believed: no piece was tried.
    expect(await counting.title()).not.toMatch(/ \d/);
    await counting.close();
  });

  it("move to memory when storage turns out to be full on the way", async () => {
    // Chromium estimates 10 GiB whatever there is.
    await quota(1_500_000);
    expect(await open()).toMatchObject({
      sha256: digest(graph),
      warnings: ["model-not-kept"],
    });
    expect(gets()).toHaveLength(1);
    // What was written on the way is given back.
    expect(await list()).toMatchObject([{ bytes: 0 }]);
    await quota(undefined);
    expect(await open()).toMatchObject({ sha256: digest(graph), warnings: [] });
  });

  it("are fetched anew where what is kept broke", async () => {
    await open();
    await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const models = await root.getDirectoryHandle("underpaint-models");
      for await (const model of models.values()) {
        for await (const file of (model as FileSystemDirectoryHandle).values()) {
          if (file.kind !== "directory") continue;
          const piece = await (file as FileSystemDirectoryHandle).getFileHandle("3");
          const writable = await piece.createWritable({ keepExistingData: true });
          await writable.write({ type: "write", position: 1000, data: Uint8Array.of(1, 2, 3) });
          await writable.close();
        }
      }
    });
    expect(await open()).toMatchObject({ sha256: digest(graph), warnings: [] });
    expect(gets()).toHaveLength(2);
  });

  it("begin anew when the file has changed since it was cut", async () => {
    place.troubles.set(path, [{ cutAfter: 1_000_000 }, { status: 503 }]);
    const failed = await open({ options: { patience: { retries: 0, firstDelayMs: 1 } } });
    expect(failed.error?.code).toBe("download-failed");
    const changed = pattern(3_000_000, 9);
    place.files.set(path, changed);
    expect(await open()).toMatchObject({ sha256: digest(changed) });
  });

  it("begin anew when the file changes between two requests of one download", async () => {
    const changed = pattern(3_000_000, 9);
    let asked = 0;
    place.route = (request) => {
      if (request.method === "GET" && request.url === path && ++asked === 2) {
        place.files.set(path, changed);
      }
      return false;
    };
    place.troubles.set(path, [{ cutAfter: 1_000_000 }]);
    expect(await open()).toMatchObject({ sha256: digest(changed) });
    expect(gets()).toHaveLength(2);
  });

  it("come from a server without ranges, from the start after each cut", async () => {
    let cuts = 2;
    place.route = (request, response) => {
      if (request.url !== path) return false;
      response.setHeader("content-length", graph.length);
      response.setHeader("etag", '"whole"');
      if (request.method === "HEAD") response.end();
      else if (cuts-- > 0) {
        response.write(graph.subarray(0, 1_000_000), () =>
          setTimeout(() => response.destroy(), 20),
        );
      } else response.end(graph);
      return true;
    };
    expect(await open()).toMatchObject({ sha256: digest(graph), warnings: [] });
  });

  it("come from a server that gives no more than a million bytes at once", async () => {
    place.route = (request, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1]);
      if (request.url !== path || request.method !== "GET") return false;
      const part = graph.subarray(start, start + 1_000_000);
      response.writeHead(206, {
        etag: etagOf(graph),
        "content-length": part.length,
        "content-range": `bytes ${start}-${start + part.length - 1}/${graph.length}`,
      });
      response.end(part);
      return true;
    };
    expect(await open()).toMatchObject({ sha256: digest(graph), warnings: [] });
    expect(gets()).toHaveLength(3);
  });

  it("tell of a server that does not let pages read its files", async () => {
    const elsewhere = await lab.place();
    elsewhere.files.set(path, graph);
    const { error } = await open({ model: `${elsewhere.origin}/m/` });
    expect(error?.code).toBe("download-failed");
    expect(error?.message).toMatch(/does not let pages of .* read its files \(CORS\)/);
    expect(error?.message).toContain("Access-Control-Allow-Origin");
  });

  it("come from another origin that lets pages read, and go on by its date", async () => {
    const elsewhere = await lab.place();
    elsewhere.files.set(path, graph);
    elsewhere.headers = {
      "access-control-allow-origin": "*",
      "last-modified": "Sat, 21 Nov 2026 10:00:00 GMT",
    };
    elsewhere.troubles.set(path, [{ cutAfter: 900_000 }]);
    expect(await open({ model: `${elsewhere.origin}/m/` })).toMatchObject({
      sha256: digest(graph),
      warnings: [],
    });
    const asked = elsewhere.requests.filter((line) => line.startsWith("GET"));
    expect(asked).toHaveLength(2);
    expect(asked[1]).toMatch(/bytes=[1-9]/);
  });

  it("begin anew at another origin when the file changes on the way", async () => {
    const elsewhere = await lab.place();
    elsewhere.files.set(path, graph);
    const changed = pattern(3_000_000, 9);
    let asked = 0;
    elsewhere.route = (request, response) => {
      if (request.method === "GET" && ++asked === 2) elsewhere.files.set(path, changed);
      response.setHeader("access-control-allow-origin", "*");
      response.setHeader("last-modified", `Sat, 21 Nov 2026 10:00:0${Math.min(asked, 2)} GMT`);
      return false;
    };
    elsewhere.troubles.set(path, [{ cutAfter: 900_000 }]);
    expect(await open({ model: `${elsewhere.origin}/m/` })).toMatchObject({
      sha256: digest(changed),
    });
    expect(asked).toBe(3);
  });

  it("begin anew at another origin that tells no version", async () => {
    const elsewhere = await lab.place();
    elsewhere.files.set(path, graph);
    elsewhere.headers = { "access-control-allow-origin": "*" };
    elsewhere.troubles.set(path, [{ cutAfter: 900_000 }]);
    expect(await open({ model: `${elsewhere.origin}/m/` })).toMatchObject({
      sha256: digest(graph),
    });
    expect(elsewhere.requests.at(-1)).toBe(`GET ${path} bytes=0-`);
  });

  it("are downloaded once by two tabs", async () => {
    const other = await lab.page(place.origin);
    const found = await Promise.all([open(), open({}, other), open()]);
    expect(found.map(({ sha256 }) => sha256)).toEqual(Array(3).fill(digest(graph)));
    expect(gets()).toHaveLength(1);
    await other.close();
  });

  it("wait for a server that is busy, and not for one that goes silent", async () => {
    place.troubles.set(path, [{ status: 503 }, { silent: true }, { status: 429 }]);
    const patience = { firstDelayMs: 1, retries: 3, silenceMs: 200 };
    expect(await open({ options: { patience } })).toMatchObject({ sha256: digest(graph) });
  });

  it("end at once when aborted, and go on from there", async () => {
    const stop = slowly(1_300_000);
    const { error, progress } = await open({ abortAfter: 600_000 });
    expect(error?.code).toBe("untyped AbortError");
    place.route = undefined;
    stop.release();
    expect(await open()).toMatchObject({ sha256: digest(graph) });
    expect(gets().at(-1)).toBe(`GET ${path} bytes=${progress.at(-1)}-`);
  });

  it("are used when their server is gone", async () => {
    await open();
    place.route = (_, response) => {
      response.destroy();
      return true;
    };
    expect(await open()).toMatchObject({ sha256: digest(graph) });
    const { error } = await open({ file: "vae_decoder/model.onnx" });
    expect(error?.code).toBe("download-failed");
    expect(error?.message).toContain("check the network");
  });

  it("are listed and deleted, but not while they are downloaded", async () => {
    const stop = slowly(1_300_000);
    const controlled = open();
    await stop.reached;
    const [asked] = await deleted(`${place.origin}/m`);
    expect(asked).toMatchObject({ code: "invalid-request" });
    expect(asked?.message).toContain("is being downloaded");
    stop.release();
    expect(await controlled).toMatchObject({ sha256: digest(graph) });
    expect(await list()).toEqual([
      { model: `${place.origin}/m/`, bytes: graph.length, isWhole: true },
    ]);
    const size = await page.evaluate(({ modelStore }) => modelStore.size(), await lab.load(page));
    expect(size.bytes).toBe(graph.length);
    expect(size.usage).toBeGreaterThanOrEqual(graph.length);
    expect(size.quota).toBeGreaterThan(size.usage!);
    expect(await deleted(`${place.origin}/m`)).toEqual([undefined, true]);
    expect(await deleted(`${place.origin}/m`)).toEqual([undefined, false]);
    expect(await list()).toEqual([]);
  });

  it("keep to names of their own in storage", async () => {
    const names = ["CON.onnx", "ö %2F..%5C.onnx", `${"a".repeat(300)}.onnx`];
    for (const name of names) {
      place.files.set(`/m/unet/${name}`, graph);
      expect(await open({ file: `unet/${name}` })).toMatchObject({ sha256: digest(graph) });
    }
    const found = await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const names: string[] = [];
      const walk = async (folder: FileSystemDirectoryHandle): Promise<void> => {
        for await (const [name, entry] of folder.entries()) {
          names.push(name);
          if (entry.kind === "directory") await walk(entry as FileSystemDirectoryHandle);
        }
      };
      await walk(root);
      return names;
    });
    expect(found.length).toBeGreaterThan(36);
    for (const name of found)
      expect(name).toMatch(/^([0-9a-f]{32}|\d+|record|model|underpaint-models)$/);
  });

  it("tell what is wrong with an address", async () => {
    for (const model of ["http://example.com/m", "ftp://example.com", "https://me:secret@a.b/"]) {
      const { error } = await open({ model });
      expect(error?.code).toBe("invalid-request");
      expect(error?.message).not.toContain("secret");
    }
    const nothing = await open({ model: `${place.origin}/nothing/`, file: "model_index.json" });
    expect(nothing.error?.code).toBe("model-not-found");
    const lacking = await open({ file: "vae_encoder/model.onnx" });
    expect(lacking.error?.code).toBe("model-invalid");
    expect(lacking.error?.message).toContain("vae_encoder/model.onnx");
  });

  /** Sends the graph up to a byte, and the rest when it is released. */
  function slowly(bytes: number): { reached: Promise<void>; release(): void } {
    let release = (): void => {};
    let reach = (): void => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    place.route = (request, response) => {
      if (request.url !== path || request.method !== "GET") return false;
      response.writeHead(200, { "content-length": graph.length, etag: etagOf(graph) });
      response.write(graph.subarray(0, bytes), reach);
      void released.then(() => response.end(graph.subarray(bytes)));
      return true;
    };
    return { reached, release };
  }

  async function list(at: Page = page) {
    return at.evaluate(({ modelStore }) => modelStore.list(), await lab.load(at));
  }

  async function deleted(model: string) {
    return page.evaluate(
      ([{ modelStore, errorOf }, name]) =>
        modelStore.delete(name).then(
          (was) => [undefined, was] as const,
          (error) => [errorOf(error), false] as const,
        ),
      [await lab.load(page), model] as const,
    );
  }

  /** Limits what the origin may store. */
  async function quota(quotaSize: number | undefined): Promise<void> {
    const session = await lab.context.newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", {
      origin: place.origin,
      ...(quotaSize !== undefined && { quotaSize }),
    });
  }

  async function storedPieces(at: Page): Promise<number> {
    const models = await list(at);
    return (models[0]?.bytes ?? 0) / pieceBytes;
  }
});
