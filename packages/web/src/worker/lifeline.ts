// A browser does not tell a page that its worker has ended. But it gives back the locks that the
// worker held, so the page waits for one: https://w3c.github.io/web-locks/

/** A name for a lock that no other pipeline has. */
export function nameLifeline(): string {
  const [a, b] = crypto.getRandomValues(new Uint32Array(2));
  return `underpaint-${a!.toString(36)}${b!.toString(36)}`;
}

/** In the worker: holds the lock for as long as the worker lives. Resolves when it is held. */
export function holdLifeline(name: string): Promise<void> {
  return new Promise((resolve) => {
    const held = locks()?.request(name, () => {
      resolve();
      return new Promise<never>(() => {});
    });
    // Pages that may not use locks go without.
    if (held) held.catch(() => resolve());
    else resolve();
  });
}

/** In the page, once the worker holds the lock: `onEnd` is called when the worker is gone. */
export function watchLifeline(name: string, onEnd: () => void): void {
  locks()
    ?.request(name, onEnd)
    .catch(() => {});
}

/** Undefined where a page is not secure (http, other than localhost). */
function locks(): LockManager | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
}
