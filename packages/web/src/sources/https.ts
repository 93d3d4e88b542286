import { checkedPath, type ModelSource, UnderpaintError } from "@underpaint/core";
import { type KeeperOptions, openKeeper } from "../store/keeper.js";
import { totalOf, validatorOf } from "./answer.js";
import {
  type HttpRequest,
  isAllowed,
  type PassingFailure,
  refusal,
  send,
  shownAddress,
} from "./http.js";
import { type RemoteFile, type RemoteOptions, remoteSource } from "./remote-source.js";
import { type AskedOnce, askedOnce } from "./waiting.js";

/** How {@link httpsSource} fetches. */
export interface HttpsOptions extends RemoteOptions, KeeperOptions {
  /** What a recipe records; the address without its query when left out. */
  readonly id?: string;
}

const indexFile = "model_index.json";

/**
 * A model behind an https address (http for this machine, and for the page's own origin): the
 * address of the folder that holds `model_index.json`. Files are kept in the browser; each is asked
 * for once a source whether it has changed, and what is kept is used where the server cannot be
 * reached.
 *
 * A server of another origin must allow pages to read its files (CORS). Downloads from it are
 * continued if its answers have a Last-Modified, or expose their ETag.
 *
 * @throws UnderpaintError `invalid-request` for an address that cannot be used.
 */
export function httpsSource(address: string | URL, options: HttpsOptions = {}): ModelSource {
  const base = baseOf(address);
  const shown = shownAddress(base);
  const asked = new Map<string, AskedOnce<RemoteFile | undefined>>();

  function addressOf(file: string): URL {
    const url = new URL(base);
    url.pathname += checkedPath(file).split("/").map(encodeURIComponent).join("/");
    return url;
  }

  const source = remoteSource(
    {
      shown,
      file(path, signal) {
        let asking = asked.get(path);
        if (!asking) {
          const url = addressOf(path);
          asking = askedOnce(() => ask(url, { fetch: options.fetch }));
          asked.set(path, asking);
        }
        return asking(signal);
      },
      forget: (path) => asked.get(path)?.forget(),
      address: async (path) => addressOf(path),
      notFound: (path) => (path === indexFile ? notFound(shown) : undefined),
      unreachable: (cause) => unreachable(shown, cause),
      keeper: () => openKeeper(shown, base.href, options),
    },
    options,
  );
  return { id: options.id ?? shown, ...source };
}

function baseOf(address: string | URL): URL {
  const page = globalThis.location?.href;
  const isRelativeTo = page?.startsWith("http") ? page : undefined;
  const url = URL.canParse(address, isRelativeTo) ? new URL(address, isRelativeTo) : undefined;
  if (!url || !isAllowed(url) || url.username || url.password) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the model's address cannot be used",
      value: url ? shownAddress(url) : String(address),
      allowed: "an https address without a user and password (http for the page's own origin)",
      remedy: "give the https address of the folder that holds model_index.json",
    });
  }
  url.hash = "";
  url.pathname = url.pathname.replace(/\/(model_index\.json)?$/, "").concat("/");
  return url;
}

async function ask(url: URL, request: HttpRequest): Promise<RemoteFile | undefined> {
  // The range makes the browser ask for the bytes uncompressed, so that the length is the file's.
  const headers = { range: "bytes=0-" };
  let response = await send(url, { ...request, headers, method: "HEAD" });
  let bytes = totalOf(response, 0);
  if (response.status === 405 || response.status === 501 || (response.ok && bytes === undefined)) {
    // A server without HEAD, or without lengths there: ask for the file, and leave.
    response = await send(url, { ...request, headers });
    bytes = totalOf(response, 0);
    await response.body?.cancel();
  }
  // 403 is also what object stores answer for a file that is not there.
  if ([403, 404, 410].includes(response.status)) return undefined;
  // No range of an empty file can be had.
  if (response.status === 416) return { bytes: 0, version: validatorOf(response) };
  if (!response.ok) throw refusal(url, response);
  // Many servers answer with their start page for whatever they have not.
  if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) return undefined;
  if (bytes === undefined) {
    throw new UnderpaintError({
      code: "download-failed",
      what: `${shownAddress(url)} does not tell how long it is`,
      remedy: "serve the model's files with their Content-Length, uncompressed",
    });
  }
  return { bytes, version: validatorOf(response) };
}

function notFound(shown: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-not-found",
    what: `there is no model at ${shown}: it has no model_index.json`,
    remedy: shown.startsWith("https://huggingface.co/")
      ? 'write "hub:owner/name" for a model of the hub'
      : "give the address of the folder that holds model_index.json",
  });
}

function unreachable(shown: string, cause: PassingFailure): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `${shown} cannot be reached: ${cause.message}`,
    remedy:
      "check the network and try again; a page's Content-Security-Policy must allow the address (connect-src)",
    cause,
  });
}
