import { openOpfs } from "./opfs.js";
import { type PieceStore, StorageFailure } from "./pieces.js";

/**
 * The place where this browser keeps models.
 *
 * @throws StorageFailure where it keeps none: in insecure contexts, in some private windows, or
 * where the user or the page's sandbox forbids it.
 */
export async function openStorage(): Promise<PieceStore> {
  if (!globalThis.navigator?.locks || !globalThis.crypto?.subtle) {
    throw new StorageFailure(
      new DOMException("the page is not in a secure context (https)", "SecurityError"),
    );
  }
  return openOpfs();
}

/** How many bytes this origin may still keep, as far as the browser tells. */
export async function room(): Promise<number> {
  const { quota, usage = 0 } = await estimate();
  return quota === undefined ? Number.POSITIVE_INFINITY : Math.max(0, quota - usage);
}

/** What the browser tells of this origin's storage; nothing where it tells nothing. */
export async function estimate(): Promise<StorageEstimate> {
  return globalThis.navigator?.storage?.estimate?.().catch(() => ({})) ?? {};
}
