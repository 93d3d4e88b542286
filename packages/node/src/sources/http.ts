import { UnderpaintError } from "@underpaint/core";

const mostRedirects = 10;

/** A failure that may pass: the network, or a server that is busy. */
export class PassingFailure extends Error {
  override readonly name = "PassingFailure";
  /** Whether the server could not be reached at all. */
  readonly unreachable: boolean;
  /** What the server asked to wait, in milliseconds. */
  readonly waitMs: number | undefined;

  constructor(
    message: string,
    options: { cause?: unknown; unreachable?: boolean; waitMs?: number },
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
  /** In place of the global fetch, for a proxy or a test. */
  readonly fetch?: typeof fetch | undefined;
}

/** Whether a host is this machine. */
export function isLoopback(url: URL): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
}

/** An address without what may be secret in it, for messages and recipes. */
export function shownAddress(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/**
 * Sends a request and follows redirects, to https alone (or from this machine to this machine);
 * an Authorization header stays with the host that it was meant for. The body is asked for as it
 * is, uncompressed, so that its length is the file's.
 *
 * @throws PassingFailure when there is no answer.
 * @throws UnderpaintError `download-failed` for a redirect that must not be followed.
 */
export async function send(address: URL, request: HttpRequest = {}): Promise<Response> {
  let url = address;
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const headers = new Headers(request.headers);
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    if (url.origin !== address.origin) headers.delete("authorization");
    const response = await answer(url, request, headers);
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || !location) return response;
    await response.body?.cancel();
    const next = new URL(location, url);
    if (next.protocol !== "https:" && !(isLoopback(next) && isLoopback(address))) {
      throw new UnderpaintError({
        code: "download-failed",
        what: `${shownAddress(address)} redirects to an address that is not https`,
        value: shownAddress(next),
        remedy: "give the address that the files are really at",
      });
    }
    url = next;
  }
  throw new UnderpaintError({
    code: "download-failed",
    what: `${shownAddress(address)} redirects more than ${mostRedirects} times`,
  });
}

async function answer(url: URL, request: HttpRequest, headers: Headers): Promise<Response> {
  const silence = new AbortController();
  const tooLate = (): void => silence.abort(new Error("no answer in time"));
  const timer = setTimeout(tooLate, request.answerMs ?? 30_000);
  try {
    return await (request.fetch ?? fetch)(url, {
      method: request.method ?? "GET",
      headers,
      redirect: "manual",
      signal: request.signal ? AbortSignal.any([request.signal, silence.signal]) : silence.signal,
    });
  } catch (error) {
    request.signal?.throwIfAborted();
    throw new PassingFailure(`no answer from ${url.host} (${reasonOf(error)})`, {
      cause: error,
      unreachable: true,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** What fetch's "fetch failed" is about. */
export function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown; message?: unknown } };
  return String(cause?.code ?? cause?.message ?? (error as Error).message);
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
