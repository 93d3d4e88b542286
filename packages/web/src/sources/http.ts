import { UnderpaintError } from "@underpaint/core";

/** A failure that may pass: the network, or a server that is busy. */
export class PassingFailure extends Error {
  override readonly name = "PassingFailure";
  /** Whether the server could not be reached at all. */
  readonly unreachable: boolean;
  /** What the server asked to wait, in milliseconds. */
  readonly waitMs: number | undefined;

  constructor(
    message: string,
    options: { cause?: unknown; unreachable?: boolean; waitMs?: number | undefined } = {},
  ) {
    super(message, { cause: options.cause });
    this.unreachable = options.unreachable ?? false;
    this.waitMs = options.waitMs;
  }
}

/** A request, and how it is sent. */
export interface HttpRequest {
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for an answer to begin; 30 s. */
  readonly answerMs?: number;
  /** In place of the global fetch. */
  readonly fetch?: typeof fetch | undefined;
}

/** Where this page or worker is, if it is anywhere. */
export function ownOrigin(): string | undefined {
  return globalThis.location?.origin;
}

/** Whether a host is this machine. */
function isLoopback(url: URL): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
}

/** Whether an address may be fetched from: https, this machine, or where the page itself is from. */
export function isAllowed(url: URL): boolean {
  return (
    url.protocol === "https:" ||
    (url.protocol === "http:" && (isLoopback(url) || url.origin === ownOrigin()))
  );
}

/** An address without what may be secret in it, for messages and recipes. */
export function shownAddress(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/**
 * Sends a request past the browser's own cache, which would keep gigabytes a second time.
 *
 * @throws PassingFailure when there is no answer.
 * @throws UnderpaintError `download-failed` where the server does not let this page read its
 * answers (CORS), or redirects to an address that is not secure.
 */
export async function send(url: URL, request: HttpRequest = {}): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error("no answer in time")),
    request.answerMs ?? 30_000,
  );
  const signal = request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal;
  const asking = request.fetch ?? fetch;
  try {
    const response = await asking(url, {
      method: request.method ?? "GET",
      headers: { ...request.headers },
      cache: "no-store",
      signal,
    });
    // Secure pages are refused insecure redirects by the browser itself; others are here.
    if (response.url && !isAllowed(new URL(response.url))) {
      await response.body?.cancel();
      throw insecure(url, new URL(response.url));
    }
    return response;
  } catch (error) {
    request.signal?.throwIfAborted();
    if (error instanceof UnderpaintError) throw error;
    if (!late.signal.aborted && (await isClosedToPages(url, asking, signal))) {
      throw closedToPages(url, error);
    }
    request.signal?.throwIfAborted();
    throw new PassingFailure(noAnswer(url, late.signal.aborted ? late.signal.reason : error), {
      cause: error,
      unreachable: true,
    });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Browsers do not tell a refusal by CORS from a broken network. A request whose answer may not be
 * read tells: it succeeds if the server is there.
 */
async function isClosedToPages(
  url: URL,
  asking: typeof fetch,
  signal: AbortSignal,
): Promise<boolean> {
  if (url.origin === ownOrigin() || globalThis.location === undefined) return false;
  try {
    await asking(url, { method: "HEAD", mode: "no-cors", cache: "no-store", signal });
    return true;
  } catch {
    return false;
  }
}

function closedToPages(url: URL, cause: unknown): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `${url.host} does not let pages of ${ownOrigin()} read its files (CORS)`,
    value: shownAddress(url),
    remedy:
      "let the server answer with Access-Control-Allow-Origin, or serve the model's files from the page's own origin",
    cause,
  });
}

function insecure(from: URL, to: URL): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `${shownAddress(from)} redirects to an address that is not https`,
    value: shownAddress(to),
    remedy: "give the address that the files are really at",
  });
}

function noAnswer(url: URL, error: unknown): string {
  const offline = globalThis.navigator?.onLine === false;
  return offline
    ? "this device is offline"
    : `no answer from ${url.host} (${(error as Error).message})`;
}

/** A status that may be another a moment later: busy, or a gateway's. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** How long a busy server asks to wait; 30 seconds at most. */
export function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 30) * 1000 : undefined;
}

/** A failed answer, where a failed one is no "not there". */
export function refusal(url: URL, response: Response, remedy?: string): Error {
  const what = `${shownAddress(url)} answers ${response.status}`;
  if (isPassing(response.status)) {
    return new PassingFailure(what, { waitMs: retryAfterMs(response) });
  }
  return new UnderpaintError({
    code: "download-failed",
    what,
    remedy: remedy ?? "check the address, and that you may read it",
  });
}
