import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { systemCode } from "./errors.js";

const heartbeatMs = 5_000;
const staleMs = 120_000;

/**
 * Runs `work` while this process alone holds the lock file at `path`; others wait. So two
 * pipelines, or two programs, that want one file download it once.
 *
 * A lock left behind by a process that is gone, or that was not touched for two minutes, is taken
 * over. In the rare case that two processes take it at once both write the same bytes to the same
 * places, so nothing depends on it but the network's time.
 */
export async function withFileLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const owner = `${process.pid}@${hostname()}`;
  while (!(await take(path, owner))) {
    if (await isAbandoned(path)) {
      const aside = `${path}.${randomBytes(4).toString("hex")}`;
      await rename(path, aside).then(() => rm(aside, { force: true }), ignoreAbsence);
    } else {
      await delay(100, undefined, { signal }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      });
    }
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, heartbeatMs).unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}

async function take(path: string, owner: string): Promise<boolean> {
  try {
    const handle = await open(path, "wx");
    await handle.writeFile(owner).finally(() => handle.close());
    return true;
  } catch (error) {
    // Windows answers EPERM for a file that is being deleted.
    const code = systemCode(error);
    if (code === "EEXIST" || (code === "EPERM" && process.platform === "win32")) return false;
    throw error;
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const [owner, { mtimeMs }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
    const age = Date.now() - mtimeMs;
    const [pid, host] = owner.split("@");
    if (age > staleMs) return true;
    return host === hostname() && !isAlive(Number(pid));
  } catch (error) {
    ignoreAbsence(error);
    return false;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

function ignoreAbsence(error: unknown): void {
  if (systemCode(error) !== "ENOENT") throw error;
}
