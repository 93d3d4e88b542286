import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isUnderpaintError, type LoadProgress, type ModelFile } from "@underpaint/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type FakeServer,
  pattern,
  serveFiles,
  startServer,
  type Trouble,
} from "./fakes/file-server.js";
import { type HttpsOptions, httpsSource } from "./https.js";

const patience = { firstDelayMs: 1, retries: 2, silenceMs: 200 };
const index = new TextEncoder().encode('{"_class_name":"X"}');
const graph = pattern(300_000);

let cacheFolder: string;
let server: FakeServer;
let files: Map<string, Uint8Array>;
let troubles: Map<string, Trouble[]>;

beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), "underpaint-https-"));
  files = new Map([
    ["/m/model_index.json", index],
    ["/m/unet/model.onnx", graph],
  ]);
  troubles = new Map();
  server = await serveFiles(files, troubles);
});

afterEach(async () => {
  await server.close();
  await rm(cacheFolder, { recursive: true, force: true });
});

const source = (options: HttpsOptions = {}) =>
  httpsSource(`${server.address}/m`, { cacheFolder, patience, ...options });

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isUnderpaintError(error)) throw new Error(`no typed error: ${error}`);
  return error;
}

async function contentOf(file: ModelFile): Promise<Buffer> {
  if (!("path" in file)) throw new Error("no path");
  return readFile(file.path);
}

/** Every file in the cache, by its path. */
async function cached(): Promise<string[]> {
  const entries = await readdir(cacheFolder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe("httpsSource", () => {
  test("fetches a file once, and asks later whether it has changed", async () => {
    const first = source();
    expect(await first.size("unet/model.onnx")).toBe(graph.length);
    expect(await first.size("unet/none.onnx")).toBeUndefined();
    const seen: LoadProgress[] = [];
    const opened = await first.open("unet/model.onnx", { onProgress: (at) => seen.push(at) });
    expect(await contentOf(opened)).toEqual(Buffer.from(graph));
    expect(seen.at(-1)).toEqual({
      file: "unet/model.onnx",
      loadedBytes: graph.length,
      totalBytes: graph.length,
    });
    expect(server.requests.filter((line) => line.startsWith("GET"))).toHaveLength(1);

    await source().open("unet/model.onnx");
    expect(server.requests.filter((line) => line.startsWith("GET"))).toHaveLength(1);

    const changed = pattern(300_000, 7);
    files.set("/m/unet/model.onnx", changed);
    expect(await contentOf(await source().open("unet/model.onnx"))).toEqual(Buffer.from(changed));
  });

  test("uses what is kept when the server is gone", async () => {
    await source().open("unet/model.onnx");
    await source().read("model_index.json", { maxBytes: 100 });
    await server.close();
    expect(await contentOf(await source().open("unet/model.onnx"))).toEqual(Buffer.from(graph));
    expect(await source().size("model_index.json")).toBe(index.length);
    const { code, message } = await failure(source().open("vae_decoder/model.onnx"));
    expect(code).toBe("download-failed");
    expect(message).toContain(server.address);
  });

  test("names the address where there is no model, and the file that a model lacks", async () => {
    const nowhere = httpsSource(`${server.address}/nowhere/`, { cacheFolder, patience });
    const missing = await failure(nowhere.read("model_index.json", { maxBytes: 100 }));
    expect(missing.code).toBe("model-not-found");
    expect(missing.message).toContain(`${server.address}/nowhere/`);
    const lacking = await failure(source().open("vae_decoder/model.onnx"));
    expect(lacking.code).toBe("model-invalid");
    expect(lacking.message).toContain("vae_decoder/model.onnx");
  });

  test("goes on where a connection broke", async () => {
    troubles.set("/m/unet/model.onnx", [{ cutAfter: 100_000 }, { cutAfter: 50_000 }]);
    expect(await contentOf(await source().open("unet/model.onnx"))).toEqual(Buffer.from(graph));
    expect(server.requests.filter((line) => line.startsWith("GET"))).toEqual([
      "GET /m/unet/model.onnx",
      "GET /m/unet/model.onnx bytes=100000-",
      "GET /m/unet/model.onnx bytes=150000-",
    ]);
    expect((await cached()).sort()).toEqual(["model.onnx", "model.onnx.json"]);
  });

  test("keeps the part of a download that fails, which never passes for the file", async () => {
    const broken = [{ cutAfter: 100_000 }, ...Array(9).fill({ cutAfter: 0 })];
    troubles.set("/m/unet/model.onnx", broken);
    const { code, message } = await failure(source().open("unet/model.onnx"));
    expect(code).toBe("download-failed");
    expect(message).toContain("run it again: it goes on after the 100000 bytes that are here");
    expect(await cached()).toContain("model.onnx.incomplete");
    expect(await cached()).not.toContain("model.onnx");

    troubles.clear();
    expect(await contentOf(await source().open("unet/model.onnx"))).toEqual(Buffer.from(graph));
    expect(server.requests.at(-1)).toBe("GET /m/unet/model.onnx bytes=100000-");
  });

  test("begins anew when the file has changed since it was cut", async () => {
    troubles.set("/m/unet/model.onnx", [{ cutAfter: 9 }, ...Array(9).fill({ cutAfter: 0 })]);
    await failure(source().open("unet/model.onnx"));
    troubles.clear();
    const changed = pattern(300_000, 3);
    files.set("/m/unet/model.onnx", changed);
    expect(await contentOf(await source().open("unet/model.onnx"))).toEqual(Buffer.from(changed));
  });

  test("waits for a server that is busy, and not for one that goes silent", async () => {
    troubles.set("/m/unet/model.onnx", [
      { status: 503, headers: { "retry-after": "0" } },
      { silent: true },
      { status: 429 },
    ]);
    expect(await contentOf(await source().open("unet/model.onnx"))).toEqual(Buffer.from(graph));
  });

  test("two at once download once", async () => {
    await Promise.all([source(), source(), source()].map((each) => each.open("unet/model.onnx")));
    expect(server.requests.filter((line) => line.startsWith("GET"))).toHaveLength(1);
  });

  test("an abort ends it at once, and the next one goes on", async () => {
    const controller = new AbortController();
    troubles.set("/m/unet/model.onnx", [{ silent: true }]);
    const opening = source({ patience: { ...patience, silenceMs: 60_000 } }).open(
      "unet/model.onnx",
      {
        signal: controller.signal,
        onProgress: ({ loadedBytes }) => loadedBytes > 0 && controller.abort(),
      },
    );
    await expect(opening).rejects.toThrow(controller.signal.reason);
    expect(await cached()).not.toContain("model.onnx.lock");
    expect(await contentOf(await source().open("unet/model.onnx"))).toEqual(Buffer.from(graph));
    expect(server.requests.at(-1)).toBe("GET /m/unet/model.onnx bytes=1-");
  });

  test("takes over from a process that is gone", async () => {
    await source().open("unet/model.onnx");
    const folder = (await readdir(join(cacheFolder, "https")))[0]!;
    const file = join(cacheFolder, "https", folder, "files/unet/model.onnx");
    await rm(file);
    const { hostname } = await import("node:os");
    await writeFile(`${file}.lock`, `999999999@${hostname()}`);
    expect(await contentOf(await source().open("unet/model.onnx"))).toEqual(Buffer.from(graph));
  });

  test("refuses what is larger than allowed", async () => {
    expect((await failure(source({ maxFileBytes: 1000 }).open("unet/model.onnx"))).code).toBe(
      "model-invalid",
    );
    expect((await failure(source().read("unet/model.onnx", { maxBytes: 10 }))).code).toBe(
      "model-invalid",
    );
    expect(server.requests.filter((line) => line.startsWith("GET"))).toHaveLength(0);
  });

  test("a body without an end is stopped at the limit", async () => {
    const endless = await startServer(({ method }, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" });
      if (method === "HEAD") return response.end();
      const more = (): void => {
        while (!response.destroyed && response.write(pattern(4096)));
      };
      response.on("drain", more);
      return more();
    });
    try {
      const work = httpsSource(endless.address, { cacheFolder, patience, maxFileBytes: 100_000 });
      const { code, message } = await failure(work.open("unet/model.onnx"));
      expect([code, message]).toEqual([
        "download-failed",
        expect.stringContaining("more than the 100000 bytes"),
      ]);
    } finally {
      await endless.close();
    }
  });

  test("follows redirects to https alone", async () => {
    const redirecting = await startServer((_, response) => {
      response.writeHead(302, { location: "http://example.invalid/model.onnx" }).end();
    });
    try {
      const work = httpsSource(redirecting.address, { cacheFolder, patience });
      const { code, message } = await failure(work.size("model_index.json"));
      expect([code, message]).toEqual([
        "download-failed",
        expect.stringContaining("redirects to an address that is not https"),
      ]);
    } finally {
      await redirecting.close();
    }
  });

  test.each(["http://example.com/model", "ftp://example.com/", "https://me:secret@example.com/"])(
    "refuses the address %s",
    (address) => {
      let error: unknown;
      try {
        httpsSource(address);
      } catch (caught) {
        error = caught;
      }
      expect(isUnderpaintError(error, "invalid-request")).toBe(true);
      expect(String(error)).not.toContain("secret");
    },
  );

  test("keeps what may be secret in an address to itself", () => {
    expect(httpsSource("https://example.com/m/model_index.json?token=abc").id).toBe(
      "https://example.com/m/",
    );
  });
});
