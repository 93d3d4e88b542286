import { createHash } from "node:crypto";
import { type FakeServer, sendFile, startServer, type Trouble } from "./file-server.js";

/** A repository that a fake hub has. */
export interface FakeRepository {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Files that are kept as large ones (LFS), behind a redirect. */
  readonly large: ReadonlySet<string>;
  readonly commit: string;
  readonly branch: string;
  /** Only shown to who has this token. */
  readonly token?: string;
  /** Whether all can see the list of its files, but nobody may read them (terms not accepted). */
  readonly isGated?: boolean;
}

/**
 * A server that speaks as much of the hub as a download needs, in its paths, headers and errors:
 * `/api/models/NAME/revision/REV`, `/api/models/NAME/tree/REV`, `/NAME/resolve/REV/PATH`, where
 * large files are redirected to another place.
 */
export async function startFakeHub(
  repositories: ReadonlyMap<string, FakeRepository>,
  troubles: Map<string, Trouble[]> = new Map(),
): Promise<FakeServer> {
  return startServer((request, response) => {
    const fail = (status: number, code: string): void => {
      response.writeHead(status, { "x-error-code": code, "content-type": "application/json" });
      response.end(request.method === "HEAD" ? undefined : JSON.stringify({ error: code }));
    };
    const json = (value: unknown): void => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    const url = new URL(request.path, "http://hub");
    const stored = /^\/storage\/([0-9a-f]+)$/.exec(url.pathname);
    if (stored) {
      if (request.headers.authorization) return fail(400, "TokenLeaked");
      for (const { files } of repositories.values()) {
        for (const [path, content] of files) {
          if (sha256(content) !== stored[1]) continue;
          const trouble = troubles.get(path)?.shift();
          return sendFile(request, response, content, { trouble });
        }
      }
      return fail(404, "NoSuchBlob");
    }
    const api = /^\/api\/models\/(.+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const resolve = /^\/(.+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const name = api?.[1] ?? resolve?.[1] ?? "";
    const revision = api?.[3] ?? resolve?.[2] ?? "";
    const repository = repositories.get(name);
    // The hub does not tell a stranger whether a private repository exists.
    if (!repository) return fail(401, "RepoNotFound");
    if (repository.token && request.headers.authorization !== `Bearer ${repository.token}`) {
      return fail(401, "GatedRepo");
    }
    if (revision !== repository.branch && revision !== repository.commit) {
      return fail(404, "RevisionNotFound");
    }
    if (api?.[2] === "revision") return json({ _id: "1", id: name, sha: repository.commit });
    if (api) {
      return json(
        [...repository.files].map(([path, content]) => ({
          type: "file",
          path,
          size: content.length,
          oid: gitHash(content),
          ...(repository.large.has(path) && {
            lfs: { oid: sha256(content), size: content.length, pointerSize: 130 },
          }),
        })),
      );
    }
    if (repository.isGated) return fail(403, "GatedRepo");
    const path = resolve![3]!;
    const content = repository.files.get(path);
    response.setHeader("x-repo-commit", repository.commit);
    if (!content) return fail(404, "EntryNotFound");
    if (repository.large.has(path)) {
      response
        .writeHead(302, {
          location: `http://localhost:${request.headers.host?.split(":")[1]}/storage/${sha256(content)}`,
          "x-linked-etag": `"${sha256(content)}"`,
          "x-linked-size": String(content.length),
          "content-length": "0",
        })
        .end();
      return undefined;
    }
    const trouble = request.method === "GET" ? troubles.get(path)?.shift() : undefined;
    return sendFile(request, response, content, { trouble, etag: `"${gitHash(content)}"` });
  });
}

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** What `git hash-object` prints. */
export function gitHash(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
