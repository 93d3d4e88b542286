/** Runs work under a name's lock; see {@link withLock}. */
export type Lock = <T>(
  name: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
) => Promise<T>;

/**
 * Runs `work` while no other tab or worker of this origin is at the same thing, so that two which
 * want one file download it once. A tab that is closed lets go of its locks by itself.
 * https://w3c.github.io/web-locks/
 */
export const withLock: Lock = (name, signal, work) =>
  navigator.locks.request(lockName(name), signal ? { signal } : {}, work);

/** As {@link withLock}, together with others that share. */
export const withSharedLock: Lock = (name, signal, work) =>
  navigator.locks.request(lockName(name), { mode: "shared", ...(signal && { signal }) }, work);

function lockName(name: string): string {
  return `underpaint:${name}`;
}

/** Locks within one page, for what is in its memory alone. */
export function localLocks(): Lock {
  const last = new Map<string, Promise<unknown>>();
  return (name, signal, work) => {
    const before = last.get(name) ?? Promise.resolve();
    const result = before.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    const settled = result.catch(() => {});
    last.set(name, settled);
    void settled.then(() => last.get(name) === settled && last.delete(name));
    return result;
  };
}
