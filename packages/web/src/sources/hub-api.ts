import { type HubAddress, UnderpaintError } from "@underpaint/core";
import type { FileHash } from "./file-hash.js";
import { isPassing, PassingFailure, send } from "./http.js";

/** A file of a repository. */
export interface HubFile {
  readonly bytes: number;
  /** The SHA-256 of large files, git's own hash of small ones. */
  readonly hash: FileHash;
}

/** What a revision of a repository holds. */
export interface HubListing {
  readonly commit: string;
  readonly files: Readonly<Record<string, HubFile>>;
}

/** How the hub is asked. */
export interface HubAccess {
  /** With its last slash. */
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch | undefined;
}

const mostFiles = 20_000;
const mostBytes = 32 * 2 ** 20;

/**
 * What a revision holds now, in one question: `/api/models/NAME/revision/REVISION?blobs=true`
 * (https://huggingface.co/docs/hub/api). The hub's own library does not bundle for browsers without
 * stand-ins for Node's modules (docs/decisions/browser-storage.md).
 *
 * @throws UnderpaintError `model-not-found` when there is no such model or revision, or it is
 * closed to this user.
 * @throws PassingFailure when the hub cannot be reached or is busy.
 */
export async function askHub(address: HubAddress, access: HubAccess): Promise<HubListing> {
  const { repository, revision } = address;
  const url = new URL(
    `api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`,
    access.endpoint,
  );
  const { headers, fetch } = access;
  const response = await send(url, { headers, fetch, answerMs: 10_000 });
  if (!response.ok) {
    await response.body?.cancel();
    throw refused(address, response.status);
  }
  const text = await boundedText(response, url);
  try {
    return readListing(fromApi(JSON.parse(text)));
  } catch (cause) {
    if (cause instanceof UnderpaintError) throw cause;
    throw notTheHub(url, cause);
  }
}

interface ApiAnswer {
  readonly sha?: unknown;
  readonly siblings?: readonly {
    readonly rfilename?: unknown;
    readonly size?: unknown;
    readonly blobId?: unknown;
    readonly lfs?: { readonly sha256?: unknown; readonly size?: unknown };
  }[];
}

function fromApi({ sha, siblings = [] }: ApiAnswer): unknown {
  if (siblings.length > mostFiles) {
    throw new UnderpaintError({
      code: "model-unsupported",
      what: `the repository has more than ${mostFiles} files`,
      value: siblings.length,
      remedy: "use a repository that holds one model",
    });
  }
  const files = siblings.map(({ rfilename, size, blobId, lfs }) => {
    const hash = lfs ? { kind: "sha256", value: lfs.sha256 } : { kind: "git", value: blobId };
    return [String(rfilename), { bytes: lfs?.size ?? size, hash }];
  });
  return { commit: sha, files: Object.fromEntries(files) };
}

/**
 * Checks a listing, from the hub or kept.
 *
 * @throws Error where it is none.
 */
export function readListing(found: unknown): HubListing {
  const { commit, files } = found as HubListing;
  if (!isHash(commit, 40)) throw new Error("a commit was expected");
  for (const [path, { bytes, hash }] of Object.entries(files)) {
    const length = hash.kind === "sha256" ? 64 : hash.kind === "git" ? 40 : -1;
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new Error(`${path} has no size`);
    if (!isHash(hash.value, length)) throw new Error(`${path} has no hash`);
  }
  return { commit, files };
}

function isHash(value: unknown, length: number): value is string {
  return typeof value === "string" && value.length === length && !/[^0-9a-f]/.test(value);
}

async function boundedText(response: Response, url: URL): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for (const reader = response.body!.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.length;
      if (bytes > mostBytes) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch (cause) {
    throw new PassingFailure(`the connection broke (${(cause as Error).message})`, { cause });
  }
  await response.body?.cancel().catch(() => {});
  throw notTheHub(url, new Error(`more than ${mostBytes} bytes`));
}

function notTheHub({ host }: URL, cause: unknown): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `${host} does not answer as the hub does: ${(cause as Error).message}`,
    remedy: "check the endpoint, proxy and firewall",
    cause,
  });
}

function refused({ repository, revision }: HubAddress, status: number): Error {
  if (isPassing(status)) return new PassingFailure(`the hub answers ${status}`);
  const closed = status === 401 || status === 403;
  return new UnderpaintError({
    code: "model-not-found",
    what: closed
      ? `the hub shows no model ${repository} to you (${status})`
      : `the hub has no model ${repository} at ${revision} (${status})`,
    remedy: closed
      ? "check the name; a private or gated model needs its terms accepted and a token"
      : "check the name and the revision",
  });
}
