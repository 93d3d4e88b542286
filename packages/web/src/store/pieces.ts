/** A name in the store: made by us alone, never by a model or a server. */
export type PieceName = string;

/**
 * Where bytes are kept in this browser, in folders below one root. Every name is a hash or a number
 * of our own, so that no model's path becomes one of the store's.
 */
export interface PieceStore {
  /** Keeps bytes, whole or not at all; they may be written to once this has resolved. */
  write(folder: readonly PieceName[], name: PieceName, bytes: Uint8Array): Promise<void>;
  /** What is kept under a name, read when it is asked for; undefined where there is nothing. */
  find(folder: readonly PieceName[], name: PieceName): Promise<Blob | undefined>;
  /** The names of the folders in a folder. */
  folders(folder: readonly PieceName[]): Promise<readonly PieceName[]>;
  /** Removes a folder with all that is in it, if it is there. */
  remove(folder: readonly PieceName[]): Promise<void>;
}

/** The browser keeps no bytes, or no more of them. */
export class StorageFailure extends Error {
  override readonly name = "StorageFailure";
  /** Whether there is no room, rather than no storage. */
  readonly isFull: boolean;

  constructor(cause: unknown) {
    super(`${(cause as Error)?.name}: ${(cause as Error)?.message}`, { cause });
    this.isFull = (cause as Error)?.name === "QuotaExceededError";
  }
}
