import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkedPath, UnderpaintError } from "@underpaint/core";
import { askedOnce } from "./abortable.js";
import { defaultCacheFolder } from "./cache-folder.js";
import { type Downloaded, download, type Patience } from "./download.js";
import { missingFile, tooLarge } from "./errors.js";
import { isLoopback, isPassing, PassingFailure, send, shownAddress } from "./http.js";
import type { NodeModelSource } from "./local.js";
import { below } from "./paths.js";

/** How {@link httpsSource} fetches. */
export interface HttpsOptions {
  /** Where models are kept; see {@link defaultCacheFolder}. */
  readonly cacheFolder?: string;
  /** A file larger than this many bytes is refused; 64 GiB. */
  readonly maxFileBytes?: number;
  readonly patience?: Patience;
  /** In place of the global fetch, for a proxy or extra headers. */
  readonly fetch?: typeof fetch;
}

/** What the server says of a file now. */
interface Remote {
  readonly bytes: number | undefined;
  readonly validator: string | undefined;
}

const indexFile = "model_index.json";

/**
 * A model behind an https address (http for this machine alone): the address of the folder that
 * holds `model_index.json`. Files are kept in the cache folder; each is asked for once a source
 * whether it has changed, and what is kept is used where the server cannot be reached.
 *
 * @throws UnderpaintError `invalid-request` for an address that cannot be used.
 */
export function httpsSource(address: string, options: HttpsOptions = {}): NodeModelSource {
  const base = baseOf(address);
  const shown = shownAddress(base);
  const { maxFileBytes = 64 * 2 ** 30, patience } = options;
  const key = createHash("sha256").update(base.href).digest("hex").slice(0, 16);
  const folder = join(
    options.cacheFolder ?? defaultCacheFolder(),
    "https",
    `${base.host.replaceAll(/[^a-zA-Z0-9.-]/g, "_")}-${key}`,
  );
  const remotes = new Map<string, ReturnType<typeof askedOnce<Remote | undefined>>>();

  function addressOf(file: string): URL {
    const url = new URL(base);
    url.pathname += checkedPath(file).split("/").map(encodeURIComponent).join("/");
    return url;
  }

  /** Undefined when the server has no such file; asked once a file. */
  async function remote(file: string, signal?: AbortSignal): Promise<Remote | undefined> {
    let asking = remotes.get(file);
    if (!asking) {
      const url = addressOf(file);
      asking = askedOnce(() => ask(url, options.fetch));
      remotes.set(file, asking);
    }
    return asking(signal);
  }

  /** What is kept of a file, if it is whole. */
  async function kept(file: string): Promise<Downloaded | undefined> {
    try {
      const text = await readFile(below(join(folder, "kept"), `${file}.json`), "utf8");
      const { bytes, validator } = JSON.parse(text) as Partial<Downloaded>;
      const found = await stat(below(join(folder, "files"), file));
      if (bytes === found.size) return { bytes, validator };
    } catch {
      // Nothing kept, or nothing of use.
    }
    return undefined;
  }

  /** Fetches a file unless what is kept is still what the server has. */
  async function fetched(
    file: string,
    maxBytes: number,
    request: Pick<Parameters<typeof download>[0], "signal" | "onProgress">,
  ): Promise<string> {
    const target = below(join(folder, "files"), file);
    const [now, old] = await Promise.all([
      remote(file, request.signal).catch((error: unknown) => error as Error),
      kept(file),
    ]);
    request.signal?.throwIfAborted();
    if (now instanceof Error) {
      if (old && now instanceof PassingFailure) return target;
      throw now instanceof PassingFailure ? unreachable(shown, now) : now;
    }
    if (!now) throw file === indexFile ? notFound(shown) : missingFile(file, shown);
    if (old && isSame(now, old)) {
      request.onProgress?.({ file, loadedBytes: old.bytes, totalBytes: old.bytes });
      return target;
    }
    if (now.bytes !== undefined && now.bytes > maxBytes) throw tooLarge(file, now.bytes, maxBytes);
    const downloaded = await download({
      url: addressOf(file),
      target,
      file,
      bytes: now.bytes,
      maxBytes,
      alreadyHere: async () => {
        const present = await kept(file);
        return present && isSame(now, present) ? present : undefined;
      },
      patience,
      fetch: options.fetch,
      ...request,
    });
    await keep(below(join(folder, "kept"), `${file}.json`), downloaded);
    return target;
  }

  return {
    id: shown,
    async size(file, { signal } = {}) {
      try {
        return (await remote(file, signal))?.bytes;
      } catch (error) {
        if (!(error instanceof PassingFailure)) throw error;
        const old = await kept(file);
        if (old) return old.bytes;
        throw unreachable(shown, error);
      }
    },
    locate: async (file) => ((await kept(file)) ? below(join(folder, "files"), file) : undefined),
    async read(file, { maxBytes, signal }) {
      const path = await fetched(file, maxBytes, { signal });
      const { size } = await stat(path);
      if (size > maxBytes) throw tooLarge(file, size, maxBytes);
      return readFile(path, { signal });
    },
    async open(file, { companions = [], signal, onProgress } = {}) {
      const place = file.slice(0, file.lastIndexOf("/") + 1);
      const files = [file, ...companions.map((name) => place + name)];
      const paths = [];
      for (const each of files)
        paths.push(await fetched(each, maxFileBytes, { signal, onProgress }));
      return { path: paths[0]! };
    },
  };
}

function baseOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const secure = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url));
  if (!url || !secure || url.username || url.password) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the model's address cannot be used",
      value: url ? shownAddress(url) : address,
      allowed: "an https address without a user and password (http for localhost alone)",
      remedy: "give the https address of the folder that holds model_index.json",
    });
  }
  url.hash = "";
  url.pathname = url.pathname.replace(/\/(model_index\.json)?$/, "").concat("/");
  return url;
}

async function ask(url: URL, fetching: typeof fetch | undefined): Promise<Remote | undefined> {
  const request = { fetch: fetching };
  let response = await send(url, { ...request, method: "HEAD" });
  if (response.status === 405 || response.status === 501) {
    // A server without HEAD: ask for one byte, and leave.
    response = await send(url, { ...request, headers: { range: "bytes=0-0" } });
    await response.body?.cancel();
  }
  // 403 is also what object stores answer for a file that is not there.
  if ([403, 404, 410].includes(response.status)) return undefined;
  if (isPassing(response.status)) {
    throw new PassingFailure(`${shownAddress(url)} answers ${response.status}`, {});
  }
  if (!response.ok) {
    throw new UnderpaintError({
      code: "download-failed",
      what: `${shownAddress(url)} answers ${response.status}`,
      remedy: "check the address, and that you may read it",
    });
  }
  const { headers } = response;
  const range = /\/(\d+)$/.exec(headers.get("content-range") ?? "");
  const encoded = (headers.get("content-encoding") ?? "identity") !== "identity";
  const length = range ? range[1] : encoded ? null : headers.get("content-length");
  return {
    bytes: length ? Number(length) : undefined,
    validator: headers.get("etag") ?? headers.get("last-modified") ?? undefined,
  };
}

function isSame(now: Remote, old: Downloaded): boolean {
  const bare = (validator: string | undefined) => validator?.replace(/^W\//, "");
  const sameSize = now.bytes === undefined || now.bytes === old.bytes;
  return sameSize && bare(now.validator) === bare(old.validator);
}

async function keep(path: string, downloaded: Downloaded): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(downloaded));
  await rename(temporary, path);
}

function notFound(shown: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-not-found",
    what: `there is no model at ${shown}: it has no model_index.json`,
    remedy: shown.startsWith("https://huggingface.co/")
      ? 'write "hub:owner/name" for a model of the hub'
      : "give the address of the folder that holds model_index.json",
  });
}

function unreachable(shown: string, cause: PassingFailure): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `${shown} cannot be reached: ${cause.message}`,
    remedy: "check the network and try again",
    cause,
  });
}
