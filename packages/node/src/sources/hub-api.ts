import { type HubAddress, UnderpaintError } from "@underpaint/core";
import { isPassing, PassingFailure, send } from "./http.js";

/** A file of a repository, as the hub's listing tells. */
export interface HubFile {
  readonly bytes: number;
  /** Git's SHA-1 of the file, or of the small pointer in its place. */
  readonly gitHash: string;
  /** The SHA-256 of a large file's content. */
  readonly sha256: string | undefined;
  /** The hash of a large file in the hub's newer storage. */
  readonly xetHash: string | undefined;
}

/** How the hub is asked. */
export interface HubAccess {
  readonly endpoint: URL;
  readonly token: string | undefined;
  readonly fetch?: typeof fetch | undefined;
}

const mostFiles = 20_000;

/** Loaded when it is needed: it takes a tenth of a second, and most runs have no use for it. */
const hubLibrary = (): Promise<typeof import("@huggingface/hub")> => import("@huggingface/hub");

/** The header by which the hub knows who asks. */
export function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** The hub's address without the slash that the library adds itself. */
export function endpointText(endpoint: URL): string {
  return endpoint.href.replace(/\/+$/, "");
}

/**
 * The commit that a revision stands for now.
 *
 * @throws UnderpaintError `model-not-found` when there is no such model or revision, or it is
 * closed to this user.
 * @throws PassingFailure when the hub cannot be reached or is busy.
 */
export async function commitOf(address: HubAddress, access: HubAccess): Promise<string> {
  const { modelInfo } = await hubLibrary();
  const { sha } = await asking(address, () =>
    modelInfo({
      name: address.repository,
      revision: address.revision,
      additionalFields: ["sha"],
      hubUrl: endpointText(access.endpoint),
      fetch: fetchFor(access),
    }),
  );
  if (!isHash(sha, 40)) throw notTheHub(access, sha);
  return sha;
}

/**
 * All files of a commit.
 *
 * @throws UnderpaintError and PassingFailure as {@link commitOf} does.
 */
export async function filesOf(
  address: HubAddress,
  access: HubAccess,
): Promise<ReadonlyMap<string, HubFile>> {
  return asking(address, async () => {
    const files = new Map<string, HubFile>();
    const { listFiles } = await hubLibrary();
    const listing = listFiles({
      repo: address.repository,
      revision: address.revision,
      recursive: true,
      hubUrl: endpointText(access.endpoint),
      fetch: fetchFor(access),
    });
    for await (const { type, path, size, oid, lfs, xetHash } of listing) {
      if (type !== "file" || oid === undefined) continue;
      if (!isHash(oid, 40) || (lfs && !isHash(lfs.oid, 64))) throw notTheHub(access, oid);
      files.set(path, { bytes: lfs?.size ?? size, gitHash: oid, sha256: lfs?.oid, xetHash });
      if (files.size > mostFiles) {
        throw new UnderpaintError({
          code: "model-unsupported",
          what: `the repository ${address.repository} has more than ${mostFiles} files`,
          remedy: "use a repository that holds one model",
        });
      }
    }
    return files;
  });
}

/** Whether something is a hash in lower-case hexadecimal, and so may become a file's name. */
export function isHash(value: unknown, length: number): value is string {
  return typeof value === "string" && value.length === length && !/[^0-9a-f]/.test(value);
}

function notTheHub({ endpoint }: HubAccess, value: unknown): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `${endpoint.host} does not answer as the hub does: a hash was expected`,
    value,
    remedy: "check HF_ENDPOINT, proxy and firewall",
  });
}

/** The library's requests, sent by our rules: redirects, the token. */
function fetchFor({ token, fetch }: HubAccess): typeof globalThis.fetch {
  return async (input, init) => {
    const headers = { ...Object.fromEntries(new Headers(init?.headers)), ...authorization(token) };
    const url = new URL(input instanceof Request ? input.url : input);
    // As long as Python waits: without a network, what is in the cache should be used soon.
    return send(url, { headers, fetch, answerMs: 10_000 });
  };
}

async function asking<T>(
  { repository, revision }: HubAddress,
  question: () => Promise<T>,
): Promise<T> {
  try {
    return await question();
  } catch (error) {
    const { statusCode } = error as { statusCode?: unknown };
    if (typeof statusCode !== "number") throw error;
    if (isPassing(statusCode)) {
      throw new PassingFailure(`the hub answers ${statusCode}`, { cause: error });
    }
    const closed = statusCode === 401 || statusCode === 403;
    throw new UnderpaintError({
      code: "model-not-found",
      what: closed
        ? `the hub shows no model ${repository} to you (${statusCode})`
        : `the hub has no model ${repository} at ${revision} (${statusCode})`,
      remedy: closed
        ? "check the name; a private or gated model needs its terms accepted and HF_TOKEN set"
        : "check the name and the revision",
      cause: error,
    });
  }
}
