import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  checkedPath,
  isCommit,
  type OpenOptions,
  parseHubAddress,
  UnderpaintError,
} from "@underpaint/core";
import { askedOnce } from "./abortable.js";
import type { Environment } from "./cache-folder.js";
import { download, type Patience } from "./download.js";
import { missingFile, tooLarge } from "./errors.js";
import { gathered } from "./gathered.js";
import { PassingFailure } from "./http.js";
import {
  authorization,
  commitOf,
  endpointText,
  filesOf,
  type HubAccess,
  type HubFile,
} from "./hub-api.js";
import { exists, hubCache, verifyHash } from "./hub-cache.js";
import { hubSettings } from "./hub-settings.js";
import type { NodeModelSource } from "./local.js";

/** How {@link hubSource} fetches. */
export interface HubOptions {
  /** The folder of all repositories; Python's own (HF_HUB_CACHE, HF_HOME) when left out. */
  readonly cacheFolder?: string;
  /** A file larger than this many bytes is refused; 64 GiB. */
  readonly maxFileBytes?: number;
  readonly patience?: Patience;
  /** In place of the global fetch, for a proxy. */
  readonly fetch?: typeof fetch;
  /** In place of `process.env`. */
  readonly environment?: Environment;
}

/**
 * A model of the hub: `hub:owner/name@revision`.
 *
 * Files are kept where Python's huggingface_hub keeps them and in its layout, so what either has
 * fetched is not fetched again, and is used without a network. What comes is checked against the
 * hub's hash; a download that was cut goes on where it was. HF_HOME, HF_HUB_CACHE, HF_TOKEN,
 * HF_ENDPOINT and HF_HUB_OFFLINE count as they do in Python.
 *
 * A branch or tag is looked up once a source; its `id` then names the commit, so that a recipe
 * tells which files made a picture. For a commit that is in the cache the hub is not asked at all.
 *
 * @throws UnderpaintError `invalid-request` for an address of another form.
 */
export function hubSource(address: string, options: HubOptions = {}): NodeModelSource {
  const { repository, revision } = parseHubAddress(address);
  const settings = hubSettings(options.environment);
  const { maxFileBytes = 64 * 2 ** 30 } = options;
  const cache = hubCache(options.cacheFolder ?? settings.cacheFolder, repository);
  const shown = `hub:${repository}@${revision}`;
  let known: string | undefined = isCommit(revision) ? revision : undefined;
  const commit = askedOnce(findCommit);
  const files = askedOnce(findFiles);

  async function access(): Promise<HubAccess> {
    const { endpoint, isOffline } = settings;
    if (isOffline) throw new PassingFailure("HF_HUB_OFFLINE is set", {});
    return { endpoint, token: await settings.token(), fetch: options.fetch };
  }

  async function findCommit(): Promise<string> {
    if (known === undefined) {
      try {
        known = await commitOf({ repository, revision }, await access());
      } catch (error) {
        // Without the hub, or without the right to ask it, what is here is used.
        known = await cache.commitOf(revision);
        if (known === undefined) throw told(error);
      }
    }
    return known;
  }

  async function findFiles(): Promise<ReadonlyMap<string, HubFile>> {
    const at = await commit(undefined);
    const kept = await cache.filesOf(at);
    if (kept) return kept;
    try {
      const found = await filesOf({ repository, revision: at }, await access());
      await cache.rememberFiles(at, found);
      return found;
    } catch (error) {
      throw told(error);
    }
  }

  function told(error: unknown): unknown {
    if (!(error instanceof PassingFailure)) return error;
    return new UnderpaintError({
      code: "download-failed",
      what: `the model ${shown} is not wholly in the cache, and the hub cannot be asked: ${error.message}`,
      remedy: settings.isOffline
        ? "unset HF_HUB_OFFLINE, or give a folder"
        : "check the network, or HF_ENDPOINT, and try again",
      cause: error,
    });
  }

  /** The size of a file that is on this machine. */
  async function here(file: string, signal: AbortSignal | undefined): Promise<number | undefined> {
    const path = cache.pathOf(await commit(signal), checkedPath(file));
    return (await stat(path).catch(() => undefined))?.size;
  }

  /** A file's path on this machine, after fetching it if need be. */
  async function fetched(file: string, maxBytes: number, request: OpenOptions): Promise<string> {
    const { signal, onProgress } = request;
    const at = await commit(signal);
    const path = cache.pathOf(at, checkedPath(file));
    const present = await here(file, signal);
    if (present !== undefined) {
      onProgress?.({ file, loadedBytes: present, totalBytes: present });
      return path;
    }
    const entry = (await files(signal)).get(file);
    if (!entry) throw missingFile(file, shown);
    if (entry.bytes > maxBytes) throw tooLarge(file, entry.bytes, maxBytes);
    const blob = cache.blobOf(entry);
    const asWhole = { bytes: entry.bytes, validator: undefined };
    try {
      const { endpoint, token } = await access();
      const resolved = `${repository}/resolve/${at}/${file.split("/").map(encodeURIComponent).join("/")}`;
      await download({
        url: new URL(`${endpointText(endpoint)}/${resolved}`),
        headers: authorization(token),
        target: blob,
        file,
        bytes: entry.bytes,
        maxBytes,
        immutable: true,
        closedRemedy: "accept the model's terms on its page, and set HF_TOKEN",
        alreadyHere: async () => ((await exists(blob)) ? asWhole : undefined),
        verify: (part, during) => verifyHash(part, entry, file, during),
        signal,
        onProgress,
        patience: options.patience,
        fetch: options.fetch,
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw told(error);
    }
    await cache.point(at, file, blob);
    if (revision !== at) await cache.rememberCommit(revision, at);
    return path;
  }

  return {
    get id() {
      return known === undefined ? shown : `hub:${repository}@${known}`;
    },
    async size(file, { signal } = {}) {
      const present = await here(file, signal);
      if (present !== undefined) return present;
      try {
        return (await files(signal)).get(file)?.bytes;
      } catch (error) {
        signal?.throwIfAborted();
        // A cache that Python filled, and no hub to ask what else there is: what is here is all.
        if (await exists(cache.pathOf(await commit(signal), "model_index.json"))) return undefined;
        throw error;
      }
    },
    async locate(file, { signal } = {}) {
      const isHere = (await here(file, signal)) !== undefined;
      return isHere ? cache.pathOf(await commit(signal), file) : undefined;
    },
    async read(file, { maxBytes, signal }) {
      const request = signal ? { signal } : {};
      const path = await fetched(file, maxBytes, request);
      const { size } = await stat(path);
      if (size > maxBytes) throw tooLarge(file, size, maxBytes);
      return readFile(path, { signal });
    },
    async open(file, { companions = [], ...request } = {}) {
      const place = file.slice(0, file.lastIndexOf("/") + 1);
      const [graph, ...weights] = [file.slice(place.length), ...companions];
      const found = [];
      for (const name of [graph!, ...weights]) {
        found.push({ name, path: await fetched(place + name, maxFileBytes, request) });
      }
      return gathered(found[0]!, found.slice(1), join(cache.folder, ".underpaint"));
    },
  };
}
