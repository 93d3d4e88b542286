/** Runs what it is given one after the other, in the order of the calls; a failure stops nothing. */
export type Queue = <T>(task: () => Promise<T>) => Promise<T>;

/** A {@link Queue} with nothing in it. */
export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}

/**
 * What `work` gives, or at once the signal's reason when it is aborted first. What `work` gives
 * after that is handed to `late`, and its failure ignored.
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  late: (result: T) => void = () => {},
): Promise<T> {
  if (!signal) return work;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    if (signal.aborted) work.then(late, () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
