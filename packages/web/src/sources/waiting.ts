/** Waits, unless or until the signal is aborted: then throws its reason. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await orAborted(time, signal).finally(() => clearTimeout(timer));
}

/** What `work` gives, or the signal's reason as soon as it is aborted; the work itself goes on. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * A question that is asked once for all who want its answer, and again only after a failure, or
 * when the answer was forgotten. Each who asks may stop waiting by a signal of their own, which
 * does not disturb the others.
 */
export interface AskedOnce<T> {
  (signal: AbortSignal | undefined): Promise<T>;
  forget(): void;
}

export function askedOnce<T>(question: () => Promise<T>): AskedOnce<T> {
  let asked: Promise<T> | undefined;
  const ask = async (signal: AbortSignal | undefined): Promise<T> => {
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
  return Object.assign(ask, {
    forget() {
      asked = undefined;
    },
  });
}
