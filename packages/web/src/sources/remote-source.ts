import {
  checkedPath,
  isUnderpaintError,
  type ModelSource,
  type OpenOptions,
} from "@underpaint/core";
import type { Keeper, Kept } from "../store/keeper.js";
import { type Part, UnsoundPart } from "../store/part.js";
import { isStrong } from "./answer.js";
import { download, type Patience } from "./download.js";
import { missingFile, tooLarge } from "./errors.js";
import type { FileHash } from "./file-hash.js";
import { PassingFailure } from "./http.js";
import { folderOf } from "./paths.js";
import { askedOnce, orAborted } from "./waiting.js";

/** How files are fetched; every source of remote files takes these. */
export interface RemoteOptions {
  /** A file larger than this many bytes is refused; 4 GiB, the most that wasm can address. */
  readonly maxFileBytes?: number;
  readonly patience?: Patience;
  /** How many bytes are written at once; 16 MiB. */
  readonly pieceBytes?: number;
  /** In place of the global fetch. */
  readonly fetch?: typeof fetch;
}

/** What the other side says of a file now. */
export interface RemoteFile {
  readonly bytes: number;
  /** By which it tells whether the file has changed; see `validatorOf`. */
  readonly version: string | undefined;
  readonly hash?: FileHash;
}

/** A model on another machine. */
export interface RemoteModel {
  /** What messages call it. */
  readonly shown: string;
  /**
   * Undefined where there is no such file.
   *
   * @throws PassingFailure when the other side cannot be reached.
   */
  file(path: string, signal: AbortSignal | undefined): Promise<RemoteFile | undefined>;
  /** Asks anew the next time. */
  forget(path: string): void;
  address(path: string): Promise<URL>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What to do where the other side says that one may not read it. */
  readonly closedRemedy?: string;
  /** The error for a model that is not there at all; undefined for a file that it lacks. */
  notFound(path: string): Error | undefined;
  unreachable(cause: PassingFailure): Error;
  /** Opens the place where its files are kept; asked once. */
  keeper(): Promise<Keeper>;
}

/**
 * A source over a model on another machine: what is kept here is used while the other side has the
 * same, or cannot be reached.
 */
export function remoteSource(
  model: RemoteModel,
  options: RemoteOptions,
): Pick<ModelSource, "size" | "read" | "open"> {
  const { maxFileBytes = 4 * 2 ** 30 } = options;
  const keeper = askedOnce(() => model.keeper());

  /** The content of what is kept, unless it broke. */
  async function sound(
    kept: Kept,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | undefined> {
    return kept.content(signal).catch(ifUnsound);
  }

  async function fetched(
    file: string,
    maxBytes: number,
    { signal, onProgress }: OpenOptions,
  ): Promise<Uint8Array> {
    const keeping = await keeper(signal);
    const [now, old] = await Promise.all([
      model.file(file, signal).catch((error: unknown) => error as Error),
      keeping.find(file),
    ]);
    signal?.throwIfAborted();
    const limited = (bytes: number): void => {
      if (bytes > maxBytes) throw tooLarge(file, bytes, maxBytes);
    };
    const whole = (content: Uint8Array): Uint8Array => {
      onProgress?.({ file, loadedBytes: content.length, totalBytes: content.length });
      return content;
    };
    if (now instanceof Error) {
      if (!(now instanceof PassingFailure)) throw now;
      if (old) limited(old.bytes);
      const content = old && (await sound(old, signal));
      if (content) return whole(content);
      throw model.unreachable(now);
    }
    if (!now) throw model.notFound(file) ?? missingFile(file, model.shown);
    limited(now.bytes);
    if (old && isSame(now, old)) {
      const content = await sound(old, signal);
      if (content) return whole(content);
    }
    try {
      return await keeping.hold(file, signal, async (part, present) => {
        // Another tab may have fetched it meanwhile.
        if (present && isSame(now, present)) {
          const content = await part.finish(signal).catch(ifUnsound);
          if (content) return whole(content);
        }
        if (present) await part.discard();
        return fetchInto(part, file, now, maxBytes, {
          ...(signal && { signal }),
          ...(onProgress && { onProgress }),
        });
      });
    } catch (error) {
      signal?.throwIfAborted();
      // What the server said of the file may be what was wrong.
      if (isUnderpaintError(error)) model.forget(file);
      throw error;
    }
  }

  async function fetchInto(
    part: Part,
    file: string,
    now: RemoteFile,
    maxBytes: number,
    { signal, onProgress }: OpenOptions,
  ): Promise<Uint8Array> {
    // A part of an earlier version.
    if (part.bytes > 0 && part.validator !== now.version) await part.discard();
    // A tab may have been closed just before the end.
    const isHere = !now.hash && part.bytes === now.bytes && isStrong(part.validator);
    if (!isHere) {
      await download({
        url: await model.address(file),
        ...(model.headers && { headers: model.headers }),
        part,
        file,
        bytes: now.bytes,
        maxBytes,
        hash: now.hash,
        version: now.hash && now.version,
        closedRemedy: model.closedRemedy,
        signal,
        onProgress,
        patience: options.patience,
        fetch: options.fetch,
        pieceBytes: options.pieceBytes,
      });
    }
    return part.finish(signal);
  }

  async function size(file: string, signal: AbortSignal | undefined): Promise<number | undefined> {
    try {
      return (await model.file(file, signal))?.bytes;
    } catch (error) {
      if (!(error instanceof PassingFailure)) throw error;
      const old = await (await keeper(signal)).find(file);
      if (old) return old.bytes;
      throw model.unreachable(error);
    }
  }

  return {
    async size(file, { signal } = {}) {
      return orAborted(size(checkedPath(file), signal), signal);
    },
    async read(file, { maxBytes, signal }) {
      return fetched(checkedPath(file), maxBytes, signal ? { signal } : {});
    },
    async open(file, { companions = [], ...request } = {}) {
      const files = [file, ...companions.map((name) => folderOf(file) + name)].map(checkedPath);
      const contents: Uint8Array[] = [];
      for (const each of files) contents.push(await fetched(each, maxFileBytes, request));
      const externalData = companions.map((path, k) => ({ path, data: contents[k + 1]! }));
      return { bytes: contents[0]!, ...(externalData.length > 0 && { externalData }) };
    },
  };
}

function isSame(now: RemoteFile, old: Omit<Kept, "content">): boolean {
  return now.bytes === old.bytes && now.version === old.validator;
}

function ifUnsound(error: unknown): undefined {
  if (!(error instanceof UnsoundPart)) throw error;
}
