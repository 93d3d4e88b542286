import { nameFor } from "./digest.js";
import { openKeptFile } from "./kept-file.js";
import { type Lock, localLocks, withLock, withSharedLock } from "./locks.js";
import { memoryPart } from "./memory-part.js";
import type { Part } from "./part.js";
import { type PieceStore, StorageFailure } from "./pieces.js";
import { shelteredPart } from "./sheltered-part.js";
import { openStorage, room } from "./storage.js";

/** A file that is here whole. */
export interface Kept {
  readonly bytes: number;
  readonly validator: string | undefined;
  /** @throws UnsoundPart where it broke, or is being replaced. */
  content(signal: AbortSignal | undefined): Promise<Uint8Array>;
}

/** Keeps one model's files: in the browser's storage, or where that fails in memory. */
export interface Keeper {
  /** What is kept of a file, if it is here whole. */
  find(file: string): Promise<Kept | undefined>;
  /** Runs `work` with what is here of a file, while nobody else writes to it. */
  hold<T>(
    file: string,
    signal: AbortSignal | undefined,
    work: (part: Part, whole: Omit<Kept, "content"> | undefined) => Promise<T>,
  ): Promise<T>;
  /** A note on the model, kept where that is possible. */
  note(name: "listing", text: string): Promise<void>;
  readNote(name: "listing"): Promise<string | undefined>;
}

/** Options of {@link openKeeper}. */
export interface KeeperOptions {
  /** Told once, where files are not kept. */
  readonly onFailure?: (failure: StorageFailure) => void;
}

/** The name of the note that says which model a folder is of. */
export const modelNote = "model";

/**
 * Opens the place of a model.
 *
 * @param model what `modelStore` calls it.
 * @param identity what tells it from others: its whole address.
 */
export async function openKeeper(
  model: string,
  identity: string,
  options: KeeperOptions = {},
): Promise<Keeper> {
  const inMemory = new Map<string, Part>();
  const local = localLocks();
  let told = false;
  let store: PieceStore | undefined;
  let place = "";
  let noted: Promise<void> | undefined;

  function tell(failure: StorageFailure): void {
    if (!told) options.onFailure?.(failure);
    told = true;
  }

  /** What storage gives, or undefined where it fails. */
  async function attempt<T>(work: (store: PieceStore) => Promise<T>): Promise<T | undefined> {
    if (!store) return undefined;
    try {
      return await work(store);
    } catch (error) {
      if (!(error instanceof StorageFailure)) throw error;
      tell(error);
      return undefined;
    }
  }

  try {
    store = await openStorage();
    place = await nameFor(identity);
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    tell(error);
  }

  /** Files of a model are written by one at a time, and not while the model is deleted. */
  const lock: Lock = (name, signal, work) =>
    withSharedLock(`model:${place}`, signal, () => withLock(`file:${place}/${name}`, signal, work));

  function partInMemory(file: string): Part {
    const part = inMemory.get(file) ?? memoryPart();
    inMemory.set(file, part);
    return part;
  }

  return {
    async find(file) {
      if (inMemory.has(file)) return undefined;
      const kept = await attempt(async (at) =>
        openKeptFile(at, [place, await nameFor(file)], file),
      );
      if (!kept?.whole) return undefined;
      return { ...kept.whole, content: (signal) => kept.part.finish(signal) };
    },
    async hold(file, signal, work) {
      const alone = (): ReturnType<typeof work> =>
        local(file, signal, () => work(partInMemory(file), undefined));
      if (!store || inMemory.has(file)) return alone();
      const name = await nameFor(file);
      return lock(name, signal, async () => {
        const kept = await attempt((at) => openKeptFile(at, [place, name], file));
        if (!kept || inMemory.has(file)) return alone();
        noted ??= attempt((at) => writeNote(at, place, modelNote, JSON.stringify({ model })));
        await noted;
        const part = shelteredPart(kept.part, {
          room,
          onMoved(part, failure) {
            inMemory.set(file, part);
            tell(failure);
          },
        });
        return work(part, kept.whole);
      });
    },
    async note(name, text) {
      await attempt((at) => writeNote(at, place, name, text));
    },
    readNote: (name) => attempt(async (at) => (await at.find([place], name))?.text()),
  };
}

function writeNote(store: PieceStore, place: string, name: string, text: string): Promise<void> {
  return store.write([place], name, new TextEncoder().encode(text));
}
