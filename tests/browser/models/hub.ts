import { createHash } from "node:crypto";
import { sendFile } from "../../../packages/node/src/sources/fakes/file-server.js";
import type { Route } from "../../support/browser-server.js";

/** What a fake hub has. */
export interface FakeHub {
  /** "owner/name". */
  readonly name: string;
  commit: string;
  readonly files: Map<string, Uint8Array>;
  /** Kept as large files: told by SHA-256, behind a redirect to another origin. */
  readonly large: ReadonlySet<string>;
  /** What is sent in place of a file's content. */
  readonly wrong: Map<string, Uint8Array>;
  readonly token?: string;
}

/**
 * As much of the hub as a page needs: `/api/models/NAME/revision/REVISION?blobs=true`,
 * `/NAME/resolve/COMMIT/PATH`, and the other origin's storage, which refuses tokens.
 */
export function hubRoute(hub: FakeHub): Route {
  return (request, response) => {
    const { method = "", headers } = request;
    const url = new URL(request.url ?? "/", `http://${headers.host}`);
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "authorization, range");
    response.setHeader("access-control-expose-headers", "ETag, Content-Range, X-Error-Code");
    const path = decodeURIComponent(url.pathname);
    const fail = (status: number): boolean => {
      response.writeHead(status).end();
      return true;
    };
    const send = (content: Uint8Array, etag: string): boolean => {
      sendFile({ method, path, headers }, response, content, { etag });
      return true;
    };
    if (method === "OPTIONS") return fail(204);
    const stored = /^\/storage\/(.+)$/.exec(path)?.[1];
    if (stored) {
      if (headers.authorization) return fail(400);
      const [file, content] = [...hub.files].find(([, each]) => sha256(each) === stored) ?? [];
      return content ? send(hub.wrong.get(file!) ?? content, `"${stored}"`) : fail(404);
    }
    const api = /^\/api\/models\/(.+)\/revision\/([^/]+)$/.exec(path);
    const resolved = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    if (!api && !resolved) return false;
    const [, name, revision] = (api ?? resolved)!;
    if (name !== hub.name) return fail(401);
    if (hub.token && headers.authorization !== `Bearer ${hub.token}`) return fail(401);
    if (revision !== "main" && revision !== hub.commit) return fail(404);
    if (api) {
      const siblings = [...hub.files].map(([rfilename, content]) => ({
        rfilename,
        size: content.length,
        blobId: gitHash(content),
        ...(hub.large.has(rfilename) && {
          lfs: { sha256: sha256(content), size: content.length, pointerSize: 130 },
        }),
      }));
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ _id: "1", id: name, sha: hub.commit, siblings }));
      return true;
    }
    const file = resolved![3]!;
    const content = hub.files.get(file);
    if (!content) return fail(404);
    if (!hub.large.has(file)) return send(hub.wrong.get(file) ?? content, `"${gitHash(content)}"`);
    // 127.0.0.1 is another origin than localhost.
    const location = `http://127.0.0.1:${url.port}/storage/${sha256(content)}`;
    response.writeHead(302, { location, "content-length": "0" }).end();
    return true;
  };
}

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** What `git hash-object` prints. */
export function gitHash(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
