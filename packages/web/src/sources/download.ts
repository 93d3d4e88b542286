import { type LoadProgress, UnderpaintError } from "@underpaint/core";
import { type Part, UnsoundPart } from "../store/part.js";
import { chunkReader } from "../store/read-stream.js";
import { isStrong, rangeOf, totalOf, validatorOf } from "./answer.js";
import { type FileHash, type RunningHash, startHash } from "./file-hash.js";
import { ownOrigin, PassingFailure, refusal, send, shownAddress } from "./http.js";
import { pause } from "./waiting.js";

/** How patient downloads are; the defaults suit a person before a page. */
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
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it goes: what is there already is continued. Nobody else writes to it meanwhile. */
  readonly part: Part;
  /** The file's path inside the model, for progress and messages. */
  readonly file: string;
  /** Its size, where that is known beforehand. */
  readonly bytes: number | undefined;
  /** Larger ones are refused. */
  readonly maxBytes: number;
  /** What its content must be, where that is known: such a file can be continued unasked. */
  readonly hash?: FileHash | undefined;
  /** What the part is marked with, in place of what the server says of its version. */
  readonly version?: string | undefined;
  /** What to do where the server says that one may not read it. */
  readonly closedRemedy?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly patience?: Patience | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** How many bytes are written at once; 16 MiB (docs/decisions/browser-storage.md). */
  readonly pieceBytes?: number | undefined;
}

/** A download as far as it has come: what is in the part, and after it what waits for a whole piece. */
interface State {
  readonly job: Download;
  readonly buffer: Uint8Array;
  filled: number;
  /** The whole file's size, once a server has told it. */
  total: number | undefined;
  /** Of all bytes up to here; undefined where no hash is known, or what is here must be read first. */
  hash: RunningHash | undefined;
  /** Whether bytes of an earlier attempt to download it are in the part. */
  isContinued: boolean;
}

/**
 * Fetches a file into its part, continuing what an earlier attempt left. Its length is checked
 * against the server's, its content against the hash where one is known. At most one piece of it is
 * in memory.
 *
 * Every request asks for a range, the first too: browsers then ask for the bytes as they are,
 * uncompressed, so that lengths are the file's (https://fetch.spec.whatwg.org/, step
 * "If httpRequest's header list contains `Range`").
 *
 * @throws UnderpaintError `model-invalid` when the server has no such file, `download-failed`
 * otherwise; what has come by then is kept, and the message says so.
 */
export async function download(job: Download): Promise<void> {
  const { retries = 5, firstDelayMs = 500 } = job.patience ?? {};
  const pieceBytes = Math.min(job.pieceBytes ?? 16 * 2 ** 20, Math.max(1, job.bytes ?? Infinity));
  const state: State = {
    job,
    buffer: new Uint8Array(pieceBytes),
    filled: 0,
    total: job.bytes,
    hash: undefined,
    isContinued: job.part.bytes > 0,
  };
  const begun = job.part.bytes;
  let reached = begun;
  let failures = 0;
  for (;;) {
    try {
      await attempt(state);
      await flush(state);
      if (state.hash?.matches() === false) throw new UnsoundPart("the hash is another");
      return;
    } catch (error) {
      if (error instanceof UnsoundPart) {
        await beginAnew(state, undefined);
        if (!state.isContinued) throw unsound(job, error);
        // What an earlier attempt left was broken. Once more, from the start.
        state.isContinued = false;
        reached = 0;
        continue;
      }
      const here = positionOf(state);
      const passing = error instanceof PassingFailure && !job.signal?.aborted;
      failures = here > reached ? 0 : failures + 1;
      reached = here;
      // Somebody without a network should not wait for five retries to be told so.
      const hopeless = passing && error.unreachable && here === begun && failures > 1;
      if (!passing || failures > retries || hopeless) {
        await flush(state).catch(() => {});
        job.signal?.throwIfAborted();
        throw passing ? givenUp(job, error, here) : error;
      }
      const wait = error.waitMs ?? firstDelayMs * 2 ** Math.max(0, failures - 1);
      try {
        await pause(wait, job.signal);
      } catch (aborted) {
        await flush(state);
        throw aborted;
      }
    }
  }
}

function positionOf({ job, filled }: State): number {
  return job.part.bytes + filled;
}

async function flush(state: State): Promise<void> {
  const { filled } = state;
  state.filled = 0;
  await state.job.part.append(state.buffer.subarray(0, filled));
}

async function beginAnew(state: State, validator: string | undefined): Promise<void> {
  state.filled = 0;
  state.hash = undefined;
  await state.job.part.begin(state.job.version ?? validator, state.total);
}

/** Sends one request and takes what comes. */
async function attempt(state: State): Promise<void> {
  const { job } = state;
  const known = job.part.validator;
  const from = job.hash || isStrong(known) ? positionOf(state) : 0;
  if (job.hash && from > 0 && from === job.bytes) return readHash(state);
  const silence = new AbortController();
  const response = await send(job.url, {
    headers: {
      ...job.headers,
      range: `bytes=${from}-`,
      // Of another origin it would cost a question beforehand; the answer is compared instead.
      ...(from > 0 && known && !job.hash && job.url.origin === ownOrigin()
        ? { "if-range": known }
        : {}),
    },
    signal: job.signal ? AbortSignal.any([job.signal, silence.signal]) : silence.signal,
    fetch: job.fetch,
  });
  try {
    if (response.status === 416) {
      const isEmpty = from === 0 && job.bytes === 0;
      await beginAnew(state, undefined);
      if (isEmpty) return await readHash(state);
      throw new PassingFailure("the server cannot continue the file where it was cut");
    }
    if (response.status === 404 || response.status === 410) throw gone(job, response);
    if (!response.ok) throw refusal(job.url, response, job.closedRemedy);
    const position = response.status === 206 ? from : 0;
    const total = totalOf(response, from) ?? job.bytes;
    const validator = validatorOf(response);
    if (!continues(state, response, from, total, validator)) {
      await beginAnew(state, undefined);
      throw new PassingFailure("the file has changed since it was cut");
    }
    if (total === undefined) throw endless(job);
    checkSize(job, total);
    state.total = total;
    if (position === 0) {
      await beginAnew(state, validator);
      state.isContinued = false;
    }
    await readHash(state);
    await take(state, response, total, silence);
  } finally {
    // An unread body would hold its connection; a body that was read to its end is locked no more.
    await response.body?.cancel().catch(() => {});
  }
}

/** Whether a 206 has the bytes that were asked for, of the file that the first ones are of. */
function continues(
  { job, total: before }: State,
  response: Response,
  from: number,
  total: number | undefined,
  validator: string | undefined,
): boolean {
  if (response.status !== 206) return true;
  const start = rangeOf(response)?.start ?? (total === before || from === 0 ? from : -1);
  const isSame = job.hash !== undefined || from === 0 || validator === job.part.validator;
  return start === from && isSame;
}

/** Makes the hash of what is here already. */
async function readHash(state: State): Promise<void> {
  const { job } = state;
  if (!job.hash || state.hash) return;
  const hash = await startHash(job.hash, job.bytes ?? 0);
  for await (const piece of job.part.pieces()) {
    job.signal?.throwIfAborted();
    hash.update(piece);
  }
  hash.update(state.buffer.subarray(0, state.filled));
  state.hash = hash;
}

/** Takes a body, piece by piece. */
async function take(
  state: State,
  response: Response,
  total: number,
  silence: AbortController,
): Promise<void> {
  const { job, buffer } = state;
  const tell = (): void =>
    job.onProgress?.({ file: job.file, loadedBytes: positionOf(state), totalBytes: total });
  tell();
  for await (const chunk of chunksOf(response, job.patience?.silenceMs ?? 60_000, silence)) {
    if (positionOf(state) + chunk.length > total) {
      await beginAnew(state, undefined);
      throw new UnderpaintError({
        code: "download-failed",
        what: `${shownAddress(job.url)} sends more than the ${total} bytes that it may`,
        remedy: "try again later",
      });
    }
    state.hash?.update(chunk);
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, buffer.length - state.filled);
      buffer.set(chunk.subarray(at, at + count), state.filled);
      state.filled += count;
      at += count;
      if (state.filled === buffer.length) await flush(state);
    }
    job.signal?.throwIfAborted();
    tell();
  }
  const here = positionOf(state);
  if (here < total) {
    throw new PassingFailure(`the connection ended after ${here} of ${total} bytes`);
  }
}

async function* chunksOf(
  response: Response,
  silenceMs: number,
  silence: AbortController,
): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = chunkReader(response.body);
  for (;;) {
    const timer = setTimeout(
      () => silence.abort(new Error("the connection went silent")),
      silenceMs,
    );
    const next = await reader
      .read()
      .catch((cause: unknown) => {
        throw new PassingFailure(`the connection broke (${(cause as Error).message})`, { cause });
      })
      .finally(() => clearTimeout(timer));
    if (!next) return;
    yield next;
  }
}

function checkSize(job: Download, total: number): void {
  if (job.bytes !== undefined && total !== job.bytes) {
    throw new UnderpaintError({
      code: "download-failed",
      what: `${shownAddress(job.url)} has another size than was announced`,
      value: total,
      allowed: `${job.bytes} bytes`,
      remedy: "try again: the model may just have been changed",
    });
  }
  if (total > job.maxBytes) {
    throw new UnderpaintError({
      code: "download-failed",
      what: `${shownAddress(job.url)} is too large`,
      value: total,
      allowed: `up to ${job.maxBytes} bytes`,
    });
  }
}

function gone(job: Download, response: Response): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `${shownAddress(job.url)} answers ${response.status}: the model has no file ${job.file}`,
    remedy: "check that the model is whole and of a kind that Underpaint reads",
  });
}

function endless(job: Download): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `${shownAddress(job.url)} does not tell how long it is, so that a cut could not be told from its end`,
    remedy: "serve the model's files with their Content-Length, uncompressed",
  });
}

function unsound(job: Download, cause: UnsoundPart): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `what came for ${job.file} from ${job.url.host} is not that file: ${cause.message}`,
    value: job.hash?.value,
    remedy: "try again; if it stays so, a proxy or the server changes the file",
    cause,
  });
}

function givenUp(job: Download, error: PassingFailure, here: number): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `${job.file} could not be fetched from ${job.url.host}: ${error.message}`,
    remedy:
      here > 0
        ? `try again: it goes on after the ${here} bytes that are here`
        : "check the network and try again",
    cause: error,
  });
}
