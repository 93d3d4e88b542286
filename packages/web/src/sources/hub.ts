import { isCommit, type ModelSource, parseHubAddress, UnderpaintError } from "@underpaint/core";
import { type Keeper, type KeeperOptions, openKeeper } from "../store/keeper.js";
import { isAllowed, PassingFailure } from "./http.js";
import { askHub, type HubListing, readListing } from "./hub-api.js";
import { type RemoteOptions, remoteSource } from "./remote-source.js";
import { askedOnce } from "./waiting.js";

/** How {@link hubSource} fetches. */
export interface HubOptions extends RemoteOptions, KeeperOptions {
  /**
   * An access token, for private models and those whose terms must be accepted. Whoever can read
   * the page's memory can read it: give it one that may read alone.
   */
  readonly token?: string;
  /** A mirror of the hub; https://huggingface.co when left out. */
  readonly endpoint?: string | URL;
}

/**
 * A model of the hub: `hub:owner/name@revision`, kept in the browser. What comes is checked against
 * the hub's hash.
 *
 * A branch or tag is looked up once a source; its `id` then names the commit, so that a recipe
 * tells which files made a picture. Without a network what is kept is used. Of a revision one state
 * is kept: files that have changed replace those before them.
 *
 * @throws UnderpaintError `invalid-request` for an address of another form.
 */
export function hubSource(address: string, options: HubOptions = {}): ModelSource {
  const { repository, revision } = parseHubAddress(address);
  const endpoint = endpointOf(options.endpoint ?? "https://huggingface.co");
  const headers = authorization(options.token);
  const shown = `hub:${repository}@${revision}`;
  let commit: string | undefined = isCommit(revision) ? revision : undefined;
  const keeper = askedOnce(() => openKeeper(shown, `${endpoint.href} ${shown}`, options));

  const listing = askedOnce(async (): Promise<HubListing> => {
    const keeping = await keeper(undefined);
    const kept = await keptListing(keeping);
    // What a commit has never changes.
    let found = isCommit(revision) ? kept : undefined;
    try {
      found ??= await askHub({ repository, revision }, { endpoint, headers, fetch: options.fetch });
      await keeping.note("listing", JSON.stringify(found));
    } catch (error) {
      if (!(error instanceof PassingFailure) || !kept) throw error;
      found = kept;
    }
    commit = found.commit;
    return found;
  });

  const source = remoteSource(
    {
      shown,
      headers,
      async file(path, signal) {
        const { files } = await listing(signal);
        const found = Object.hasOwn(files, path) ? files[path] : undefined;
        if (!found) return undefined;
        const { bytes, hash } = found;
        return { bytes, hash, version: `${hash.kind}:${hash.value}` };
      },
      forget: () => listing.forget(),
      async address(path) {
        const { commit } = await listing(undefined);
        const place = `${repository}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
        return new URL(place, endpoint);
      },
      closedRemedy: "accept the model's terms on its page, and give a token that may read it",
      notFound: () => undefined,
      unreachable,
      keeper: () => keeper(undefined),
    },
    options,
  );
  return {
    get id() {
      return commit === undefined ? shown : `hub:${repository}@${commit}`;
    },
    ...source,
  };
}

async function keptListing(keeper: Keeper): Promise<HubListing | undefined> {
  const text = await keeper.readNote("listing");
  try {
    return text === undefined ? undefined : readListing(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A header's error would show the token; this one does not. */
function authorization(token: string | undefined): Record<string, string> {
  if (token === undefined) return {};
  if (/^[!-~]+$/.test(token)) return { authorization: `Bearer ${token}` };
  throw new UnderpaintError({
    code: "invalid-request",
    what: "the hub's token has characters that a token cannot have",
    remedy: "give the token alone, without spaces",
  });
}

function endpointOf(address: string | URL): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !isAllowed(url) || url.username || url.password) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the hub's endpoint cannot be used",
      value: String(address),
      allowed: "an https address",
      remedy: "leave it out for the hub itself",
    });
  }
  url.search = "";
  url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

function unreachable(cause: PassingFailure): UnderpaintError {
  return new UnderpaintError({
    code: "download-failed",
    what: `the hub cannot be reached: ${cause.message}`,
    remedy: "check the network and try again; what is kept already works without it",
    cause,
  });
}
