import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { UnderpaintError } from "@underpaint/core";
import type { Environment } from "./cache-folder.js";
import { isLoopback } from "./http.js";

/** What huggingface_hub reads from the environment, read in the same way. */
export interface HubSettings {
  /** The folder of all repositories: HF_HUB_CACHE, or `hub` in HF_HOME. */
  readonly cacheFolder: string;
  /** HF_ENDPOINT, or the hub. */
  readonly endpoint: URL;
  /** HF_HUB_OFFLINE. */
  readonly isOffline: boolean;
  /** HF_TOKEN, or what `hf auth login` stored. */
  token(): Promise<string | undefined>;
}

/**
 * The settings that Python's huggingface_hub would use here, so that both share one cache.
 *
 * @throws UnderpaintError `invalid-request` when HF_ENDPOINT is no https address.
 */
export function hubSettings(environment: Environment = process.env): HubSettings {
  const expand = (path: string): string => expanded(path, environment);
  const cache = environment.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const home = expand(environment.HF_HOME ?? join(cache, "huggingface"));
  const legacy = environment.HUGGINGFACE_HUB_CACHE ?? join(home, "hub");
  const isTrue = (value: string | undefined): boolean =>
    ["1", "ON", "YES", "TRUE"].includes(value?.toUpperCase() ?? "");
  return {
    cacheFolder: expand(environment.HF_HUB_CACHE ?? legacy),
    endpoint: endpointOf(environment.HF_ENDPOINT ?? "https://huggingface.co"),
    isOffline: isTrue(environment.HF_HUB_OFFLINE || environment.TRANSFORMERS_OFFLINE),
    async token() {
      const given = (environment.HF_TOKEN ?? environment.HUGGING_FACE_HUB_TOKEN)?.trim();
      if (given) return checkToken(given);
      if (isTrue(environment.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
      const path = expand(environment.HF_TOKEN_PATH ?? join(home, "token"));
      const stored = await readFile(path, "utf8").catch(() => "");
      return stored.trim() ? checkToken(stored.trim()) : undefined;
    },
  };
}

/** A header's error would show the token; this one does not. */
function checkToken(token: string): string {
  if (/^[!-~]+$/.test(token)) return token;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "the hub's token has characters that a token cannot have",
    remedy: "set HF_TOKEN to the token alone, or log in again with hf auth login",
  });
}

function endpointOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url)))) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "HF_ENDPOINT cannot be used",
      value: address,
      allowed: "an https address",
      remedy: "leave it out for the hub itself",
    });
  }
  return url;
}

/** `~` and variables in a path, as Python's expanduser and expandvars read them. */
function expanded(path: string, environment: Environment): string {
  return path
    .replace(/^~(?=$|[/\\])/, () => homedir())
    .replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced: string, bare: string) => {
      return environment[braced ?? bare] ?? whole;
    });
}
