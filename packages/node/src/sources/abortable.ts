/** What `work` gives, or the signal's reason as soon as it is aborted; the work itself goes on. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  // A signal of its own for each: Node warns of many listeners on one.
  const own = AbortSignal.any([signal]);
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(own.reason);
    own.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    own.removeEventListener("abort", stop);
  }
}

/**
 * A question that is asked once for all who want its answer, and again only after a failure. Each
 * who asks may stop waiting by a signal of their own, which does not disturb the others.
 */
export function askedOnce<T>(
  question: () => Promise<T>,
): (signal: AbortSignal | undefined) => Promise<T> {
  let asked: Promise<T> | undefined;
  return async (signal) => {
    signal?.throwIfAborted();
    if (!asked) {
      const asking = question();
      asked = asking;
      asking.catch(() => {
        if (asked === asking) asked = undefined;
      });
    }
    return orAborted(asked, signal);
  };
}
