import { mkdir, open, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type LoadProgress, UnderpaintError } from "@underpaint/core";
import { isAbsent, systemCode } from "./errors.js";
import { withFileLock } from "./file-lock.js";
import { isPassing, PassingFailure, reasonOf, retryAfterMs, send, shownAddress } from "./http.js";

/** How patient downloads are; the defaults suit a person at a terminal. */
export interface Patience {
  /** How often to go on after failures in a row without a byte between them; 5. */
  readonly retries?: number;
  /** Before the first retry, doubling with each in a row; 500 ms. */
  readonly firstDelayMs?: number;
  /** How long a connection may be silent; 60 s. */
  readonly silenceMs?: number;
}

/** A file that is to come over the network. */
export interface Download {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Where the whole file goes. The part that is there already lies in `<target>.incomplete`. */
  readonly target: string;
  /** The file's path inside the model, for progress and messages. */
  readonly file: string;
  /** Its size where that is known beforehand. */
  readonly bytes?: number | undefined;
  /** Larger ones are refused. */
  readonly maxBytes: number;
  /**
   * Whether the content behind the address never changes (its hash is known), so that a part can
   * be continued without asking the server whether it is still the same.
   */
  readonly immutable?: boolean;
  /** What to do where the server says that one may not read it. */
  readonly closedRemedy?: string;
  /** Asked once nobody else is at it: whether another process has fetched the file meanwhile. */
  readonly alreadyHere?: () => Promise<Downloaded | undefined>;
  /** Checks the whole file; what it throws means that the part is worthless. */
  readonly verify?: (path: string, signal: AbortSignal | undefined) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly patience?: Patience | undefined;
  readonly fetch?: typeof fetch | undefined;
}

/** What came. */
export interface Downloaded {
  readonly bytes: number;
  /** The server's ETag or date by which it tells whether the file has changed. */
  readonly validator: string | undefined;
}

/**
 * Fetches a file to `target`, continuing what an earlier attempt left, also one of another
 * process. `target` appears at once and whole or not at all: its length is checked against the
 * server's, its content by `verify`, and what is cut off stays under another name.
 *
 * @throws UnderpaintError `model-invalid` when the server has no such file, `download-failed`
 * otherwise; what has come by then is kept, and the message says so.
 */
export async function download(job: Download): Promise<Downloaded> {
  const { retries = 5, firstDelayMs = 500 } = job.patience ?? {};
  await mkdir(dirname(job.target), { recursive: true });
  return withFileLock(`${job.target}.lock`, job.signal, async () => {
    const here = await job.alreadyHere?.();
    if (here) return here;
    let failures = 0;
    let reached = await sizeOf(partOf(job));
    const begun = reached;
    let isContinued = begun > 0;
    for (;;) {
      try {
        const downloaded = await attempt(job);
        await finish(job);
        return downloaded;
      } catch (error) {
        job.signal?.throwIfAborted();
        if (error instanceof UnsoundFile && isContinued) {
          // What an earlier process left was broken; it is gone now. Once more, from the start.
          isContinued = false;
          continue;
        }
        if (error instanceof UnsoundFile) throw error.cause;
        if (!(error instanceof PassingFailure)) throw diskFailure(job, error) ?? error;
        const kept = await sizeOf(partOf(job));
        failures = kept > reached ? 0 : failures + 1;
        reached = kept;
        // Somebody without a network should not wait for five retries to be told so.
        const hopeless = error.unreachable && kept === begun && failures > 1;
        if (failures > retries || hopeless) throw givenUp(job, error, kept);
        await pause(error.waitMs ?? firstDelayMs * 2 ** Math.max(0, failures - 1), job.signal);
      }
    }
  });
}

/** `verify` refused the file. */
class UnsoundFile extends Error {}

/** Sends one request and appends what comes to the part. */
async function attempt(job: Download): Promise<Downloaded> {
  const part = partOf(job);
  const had = await sizeOf(part);
  const known = had > 0 && !job.immutable ? await readValidator(job) : undefined;
  const from = had > 0 && (job.immutable || known) ? had : 0;
  if (job.immutable && from > 0 && from === job.bytes) {
    return { bytes: from, validator: undefined };
  }

  const silence = new AbortController();
  const response = await send(job.url, {
    headers: {
      ...job.headers,
      ...(from > 0 ? { range: `bytes=${from}-` } : {}),
      ...(from > 0 && known ? { "if-range": known } : {}),
    },
    signal: job.signal ? AbortSignal.any([job.signal, silence.signal]) : silence.signal,
    fetch: job.fetch,
  });
  try {
    if (response.status === 416 || (response.status === 206 && rangeOf(response)?.start !== from)) {
      await rm(part, { force: true });
      throw new PassingFailure("the server cannot continue the file where it was cut", {});
    }
    if (!response.ok) throw refusal(job, response);

    const position = response.status === 206 ? from : 0;
    const total = totalOf(job, response);
    checkSize(job, total);
    const validator = validatorOf(response);
    if (position === 0) {
      await rm(part, { force: true });
      if (!job.immutable) await writeFile(validatorPath(job), validator ?? "");
    }
    await checkSpace(job, (total ?? 0) - position);
    const bytes = await append(job, response, position, total, silence);
    return { bytes, validator };
  } finally {
    // An unread body would hold its connection; a body that was read to its end is locked no more.
    await response.body?.cancel().catch(() => {});
  }
}

async function append(
  job: Download,
  response: Response,
  from: number,
  total: number | undefined,
  silence: AbortController,
): Promise<number> {
  const { silenceMs = 60_000 } = job.patience ?? {};
  const limit = total ?? job.maxBytes;
  const handle = await open(partOf(job), from > 0 ? "r+" : "w");
  let at = from;
  const timer = setTimeout(() => silence.abort(new Error("the connection went silent")), silenceMs);
  try {
    job.onProgress?.({ file: job.file, loadedBytes: at, totalBytes: total });
    for await (const chunk of chunksOf(response)) {
      timer.refresh();
      if (at + chunk.length > limit) {
        await handle.truncate(from);
        throw new UnderpaintError({
          code: "download-failed",
          what: `${shownAddress(job.url)} sends more than the ${limit} bytes that it may`,
        });
      }
      await handle.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      job.onProgress?.({ file: job.file, loadedBytes: at, totalBytes: total });
    }
    if (total !== undefined && at < total) {
      throw new PassingFailure(`the connection ended after ${at} of ${total} bytes`, {});
    }
    await handle.sync();
    return at;
  } finally {
    clearTimeout(timer);
    await handle.close();
  }
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  for (;;) {
    const next = await reader.read().catch((error: unknown) => {
      throw new PassingFailure(`the connection broke (${reasonOf(error)})`, { cause: error });
    });
    if (next.done) return;
    yield next.value;
  }
}

/** The whole file takes its place. */
async function finish(job: Download): Promise<void> {
  const part = partOf(job);
  try {
    await job.verify?.(part, job.signal);
  } catch (error) {
    job.signal?.throwIfAborted();
    await rm(part, { force: true });
    throw new UnsoundFile("verify", { cause: error });
  }
  await rename(part, job.target);
  await rm(validatorPath(job), { force: true });
}

function checkSize(job: Download, total: number | undefined): void {
  if (job.bytes !== undefined && total !== undefined && total !== job.bytes) {
    throw new UnderpaintError({
      code: "download-failed",
      what: `${shownAddress(job.url)} has another size than was announced`,
      value: total,
      allowed: `${job.bytes} bytes`,
      remedy: "try again later",
    });
  }
  if (total !== undefined && total > job.maxBytes) {
    throw new UnderpaintError({
      code: "download-failed",
      what: `${shownAddress(job.url)} is too large`,
      value: total,
      allowed: `up to ${job.maxBytes} bytes`,
    });
  }
}

async function checkSpace(job: Download, needed: number): Promise<void> {
  const disk = await statfs(dirname(job.target)).catch(() => undefined);
  const free = disk ? disk.bavail * disk.bsize : Number.POSITIVE_INFINITY;
  if (needed > free) {
    throw new UnderpaintError({
      code: "download-failed",
      what: `there is no room for ${job.file} on the disk of ${dirname(job.target)}`,
      value: free,
      allowed: `at least ${needed} free bytes`,
      remedy: "make room, or keep models elsewhere",
    });
  }
}

function refusal(job: Download, response: Response): Error {
  const address = shownAddress(job.url);
  if (isPassing(response.status)) {
    const waitMs = retryAfterMs(response);
    return new PassingFailure(`${address} answers ${response.status}`, {
      ...(waitMs === undefined ? {} : { waitMs }),
    });
  }
  if (response.status === 404 || response.status === 410) {
    return new UnderpaintError({
      code: "model-invalid",
      what: `${address} answers ${response.status}: the model has no file ${job.file}`,
      remedy: "check that the model is whole and of a kind that Underpaint reads",
    });
  }
  return new UnderpaintError({
    code: "download-failed",
    what: `${address} answers ${response.status}`,
    remedy: job.closedRemedy ?? "check the address, and that you may read it",
  });
}

function givenUp(job: Download, error: PassingFailure, kept: number): UnderpaintError {
  const continued = `run it again: it goes on after the ${kept} bytes that are here`;
  return new UnderpaintError({
    code: "download-failed",
    what: `${job.file} could not be fetched from ${job.url.host}: ${error.message}`,
    remedy: kept > 0 ? continued : "check the network and try again",
    cause: error,
  });
}

function diskFailure(job: Download, error: unknown): UnderpaintError | undefined {
  const code = systemCode(error);
  if (code === undefined || error instanceof UnderpaintError) return undefined;
  return new UnderpaintError({
    code: "download-failed",
    what: `${job.file} could not be written to ${dirname(job.target)} (${code})`,
    remedy: code === "ENOSPC" ? "make room on the disk" : "check that the folder can be written",
    cause: error,
  });
}

/** Where a 206 begins, and the whole file's size. */
function rangeOf(response: Response): { start: number; total: number } | undefined {
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  return range ? { start: Number(range[1]), total: Number(range[2]) } : undefined;
}

/**
 * The whole file's size.
 *
 * @throws UnderpaintError `download-failed` where a cut could not be told from the end.
 */
function totalOf(job: Download, response: Response): number | undefined {
  const { headers } = response;
  if (response.status === 206) return rangeOf(response)?.total;
  const length = headers.get("content-length");
  const encoded = (headers.get("content-encoding") ?? "identity") !== "identity";
  if (length !== null && !encoded) return Number(length);
  if (length !== null || headers.get("transfer-encoding") === "chunked") return undefined;
  throw new UnderpaintError({
    code: "download-failed",
    what: `${shownAddress(job.url)} does not tell how long it is`,
    remedy: "serve the model's files with their Content-Length",
  });
}

/** What `If-Range` takes: a strong ETag, or a date. */
function validatorOf(response: Response): string | undefined {
  const etag = response.headers.get("etag");
  if (etag && !etag.startsWith("W/")) return etag;
  return response.headers.get("last-modified") ?? undefined;
}

function partOf(job: Download): string {
  return `${job.target}.incomplete`;
}

function validatorPath(job: Download): string {
  return `${partOf(job)}.validator`;
}

async function readValidator(job: Download): Promise<string | undefined> {
  const text = await readFile(validatorPath(job), "utf8").catch(() => "");
  return text || undefined;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return 0;
    throw error;
  }
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => signal?.throwIfAborted());
}
