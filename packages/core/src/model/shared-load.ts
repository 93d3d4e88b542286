/** One piece of work that several callers wait for. */
export interface SharedLoad<T> {
  /**
   * Waits for the work; rejects at once with the signal's reason when it is aborted. The others go
   * on waiting; the work itself is aborted when nobody waits any more.
   */
  wait(signal?: AbortSignal): Promise<T>;
  /** Ends the work; those who wait get `reason`. */
  cancel(reason: unknown): void;
  /** Whether the work was given up: by {@link cancel}, or because nobody waited any more. */
  readonly abandoned: boolean;
}

/** Starts work that several callers will wait for; its signal is aborted when it is given up. */
export function shareLoad<T>(start: (signal: AbortSignal) => Promise<T>): SharedLoad<T> {
  const controller = new AbortController();
  let waiting = 0;
  let settled = false;
  const work = start(controller.signal);
  const end = (): void => {
    settled = true;
  };
  work.then(end, end);

  return {
    get abandoned() {
      return controller.signal.aborted;
    },
    cancel(reason) {
      if (!settled) controller.abort(reason);
    },
    async wait(signal) {
      signal?.throwIfAborted();
      waiting++;
      const watched = signal ? [signal, controller.signal] : [controller.signal];
      let onAbort = (): void => {};
      const aborted = new Promise<never>((_, reject) => {
        onAbort = () => reject(watched.find(({ aborted }) => aborted)!.reason);
        for (const one of watched) one.addEventListener("abort", onAbort);
      });
      try {
        return await Promise.race([work, aborted]);
      } finally {
        for (const one of watched) one.removeEventListener("abort", onAbort);
        waiting--;
        if (waiting === 0 && !settled && signal?.aborted) controller.abort(signal.reason);
      }
    },
  };
}
