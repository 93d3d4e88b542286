import { homedir } from "node:os";
import { join } from "node:path";

/** The variables that say where things are kept: `process.env`, or a test's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where models that come over https are kept: `UNDERPAINT_CACHE`, or `underpaint` in the operating
 * system's folder for caches.
 */
export function defaultCacheFolder(environment: Environment = process.env): string {
  if (environment.UNDERPAINT_CACHE) return environment.UNDERPAINT_CACHE;
  const home = homedir();
  switch (process.platform) {
    case "win32":
      return join(
        environment.LOCALAPPDATA ?? join(home, "AppData", "Local"),
        "underpaint",
        "Cache",
      );
    case "darwin":
      return join(home, "Library", "Caches", "underpaint");
    default:
      return join(environment.XDG_CACHE_HOME || join(home, ".cache"), "underpaint");
  }
}
