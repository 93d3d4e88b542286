import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How a server misbehaves; each entry is used up by one answer. */
export interface Trouble {
  /** Ends the connection after this many bytes of the body. */
  readonly cutAfter?: number;
  /** Answers with this status alone. */
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Sends a byte and then nothing. */
  readonly silent?: boolean;
}

/** A server on this machine that answers as `answer` does, and remembers what it was asked. */
export interface FakeServer {
  readonly address: string;
  /** "GET /path bytes=5-", in order. */
  readonly requests: string[];
  readonly headers: IncomingMessage["headers"][];
  close(): Promise<void>;
}

export type Answer = (
  request: { method: string; path: string; headers: IncomingMessage["headers"] },
  response: ServerResponse,
) => void;

export async function startServer(answer: Answer): Promise<FakeServer> {
  const requests: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const server: Server = createServer((request, response) => {
    const { method = "", url = "/" } = request;
    requests.push([method, url, request.headers.range].filter(Boolean).join(" "));
    headers.push(request.headers);
    answer({ method, path: decodeURIComponent(url), headers: request.headers }, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    requests,
    headers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Sends a file as a good server does: HEAD, ranges, ETag; or with a trouble. */
export function sendFile(
  { method, headers }: Parameters<Answer>[0],
  response: ServerResponse,
  content: Uint8Array,
  { trouble, etag = etagOf(content) }: { trouble?: Trouble | undefined; etag?: string } = {},
): void {
  if (trouble?.status !== undefined) {
    response.writeHead(trouble.status, trouble.headers).end();
    return;
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "");
  const condition = headers["if-range"];
  let body = content;
  const common = { etag, "accept-ranges": "bytes", ...trouble?.headers };
  if (range && (condition === undefined || condition === etag)) {
    const start = Number(range[1]);
    const end = range[2] ? Number(range[2]) + 1 : content.length;
    if (start >= content.length) {
      response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
      return;
    }
    body = content.subarray(start, end);
    const span = `bytes ${start}-${start + body.length - 1}/${content.length}`;
    response.writeHead(206, {
      ...common,
      "content-range": span,
      "content-length": String(body.length),
    });
  } else {
    response.writeHead(200, { ...common, "content-length": String(body.length) });
  }
  if (method === "HEAD") {
    response.end();
  } else if (trouble?.silent) {
    response.write(body.subarray(0, 1));
  } else if (trouble?.cutAfter !== undefined) {
    response.write(body.subarray(0, trouble.cutAfter), () => {
      // Let the bytes leave before the connection goes.
      setTimeout(() => response.destroy(), 20);
    });
  } else {
    response.end(body);
  }
}

export function etagOf(content: Uint8Array): string {
  return `"${createHash("md5").update(content).digest("hex")}"`;
}

/** A server of files by their path; `troubles` are used up by GETs of that path in turn. */
export async function serveFiles(
  files: ReadonlyMap<string, Uint8Array>,
  troubles: Map<string, Trouble[]> = new Map(),
): Promise<FakeServer> {
  return startServer((request, response) => {
    const content = files.get(request.path);
    const trouble = request.method === "GET" ? troubles.get(request.path)?.shift() : undefined;
    if (!content) response.writeHead(404).end();
    else sendFile(request, response, content, { trouble });
  });
}

/** Bytes that repeat nowhere nearby, so that a misplaced part shows. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
