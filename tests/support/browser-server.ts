import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

/** The policy under which everything has to work. */
export const contentSecurityPolicy =
  "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; object-src 'none'; base-uri 'none'";

/** Answers a request itself, and says so by true. */
export type Route = (request: IncomingMessage, response: ServerResponse) => boolean;

/** How {@link serve} serves. */
export interface ServerOptions {
  /** Folders by the beginning of the path that they are served under, the longest first tried. */
  readonly folders: Readonly<Record<string, string>>;
  /** Whether pages may share memory between threads (COOP and COEP). */
  readonly isolated?: boolean;
  /** Asked before the folders. */
  readonly routes?: readonly Route[];
  /** Asked in place of {@link contentSecurityPolicy}; "" for none. */
  readonly policy?: string;
}

/** A server on this machine. */
export interface Server {
  /** "http://localhost:port". */
  readonly origin: string;
  /** Paths that were asked for, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".png": "image/png",
};

const emptyPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,"><body></body></html>`;

/** Serves folders on a free port; an empty page at `/` where no folder has one. */
export async function serve(options: ServerOptions): Promise<Server> {
  const { routes = [], isolated = false, policy = contentSecurityPolicy } = options;
  const folders = Object.entries(options.folders).sort(([a], [b]) => b.length - a.length);
  const requests: string[] = [];

  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    if (policy) response.setHeader("content-security-policy", policy);
    response.setHeader("cache-control", "no-store");
    if (isolated) {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
      response.setHeader("cross-origin-resource-policy", "same-origin");
    }
    if (routes.some((route) => route(request, response))) return;
    send(request, response).catch(() => response.destroy());
  });

  async function send(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = normalize(decodeURIComponent(pathname));
    const [prefix, folder] = folders.find(([start]) => path.startsWith(start)) ?? [];
    const file =
      folder && join(folder, path.slice(prefix!.length), path.endsWith("/") ? "index.html" : "");
    const found = file ? await stat(file).catch(() => undefined) : undefined;
    if (file && found?.isFile()) {
      response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
      response.setHeader("content-length", found.size);
      if (request.method === "HEAD") return void response.end();
      createReadStream(file).pipe(response);
    } else if (path === "/") {
      response.setHeader("content-type", types[".html"]!);
      response.end(emptyPage);
    } else {
      response.statusCode = 404;
      response.end();
    }
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
