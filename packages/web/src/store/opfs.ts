import { type PieceStore, StorageFailure } from "./pieces.js";

/** The folder, in the origin's private file system, of all that Underpaint keeps. */
const rootName = "underpaint-models";

/**
 * The origin private file system: files of this origin that no other sees, in pages and workers
 * alike. https://fs.spec.whatwg.org/
 *
 * @throws StorageFailure where the browser has none, or refuses it.
 */
export async function openOpfs(
  storage: StorageManager | undefined = globalThis.navigator?.storage,
): Promise<PieceStore> {
  const root = await stored(async () => {
    if (!storage?.getDirectory) throw new DOMException("no private file system", "NotSupported");
    const folder = await storage.getDirectory();
    const found = await folder.getDirectoryHandle(rootName, { create: true });
    // Safari before 26 writes such files in workers alone, by another way.
    if (typeof FileSystemFileHandle.prototype.createWritable !== "function") {
      throw new DOMException("the private file system cannot be written here", "NotSupported");
    }
    return found;
  });

  async function at(
    folder: readonly string[],
    create: boolean,
  ): Promise<FileSystemDirectoryHandle | undefined> {
    let place = root;
    for (const name of folder) {
      const next = await place.getDirectoryHandle(name, { create }).catch(ifAbsent);
      if (!next) return undefined;
      place = next;
    }
    return place;
  }

  return {
    write: (folder, name, bytes) =>
      stored(async () => {
        const place = await at(folder, true);
        const handle = await place!.getFileHandle(name, { create: true });
        // Written beside the file, which it replaces when it is closed.
        const writable = await handle.createWritable();
        try {
          await writable.write(bytes as Uint8Array<ArrayBuffer>);
          await writable.close();
        } catch (error) {
          await writable.abort().catch(() => {});
          throw error;
        }
      }),
    find: (folder, name) =>
      stored(async () => {
        const place = await at(folder, false);
        const handle = await place?.getFileHandle(name).catch(ifAbsent);
        return handle?.getFile().catch(ifAbsent);
      }),
    folders: (folder) =>
      stored(async () => {
        const place = await at(folder, false);
        const names: string[] = [];
        for await (const [name, { kind }] of place ?? [])
          if (kind === "directory") names.push(name);
        return names;
      }),
    remove: (folder) =>
      stored(async () => {
        const place = await at(folder.slice(0, -1), false);
        await place?.removeEntry(folder.at(-1)!, { recursive: true }).catch(ifAbsent);
      }),
  };
}

async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new StorageFailure(error);
  }
}

function ifAbsent(error: unknown): undefined {
  if ((error as Error).name !== "NotFoundError") throw error;
}
