import { type ModelSource, UnderpaintError } from "@underpaint/core";
import { blobReader } from "./blobs.js";

/**
 * A model in a folder that the user gave to the page (`showDirectoryPicker()`), or in the origin's
 * private file system. Files are read where they are, and not kept.
 */
export function directorySource(
  folder: FileSystemDirectoryHandle,
  options: { readonly id?: string } = {},
): ModelSource {
  const id = options.id ?? `folder:${folder.name || "files"}`;

  async function find(file: string): Promise<Blob | undefined> {
    const parts = file.split("/");
    try {
      let place = folder;
      for (const part of parts.slice(0, -1)) place = await place.getDirectoryHandle(part);
      return await (await place.getFileHandle(parts.at(-1)!)).getFile();
    } catch (error) {
      // TypeError: a name that this file system cannot have.
      if (["NotFoundError", "TypeMismatchError", "TypeError"].includes((error as Error).name)) {
        return undefined;
      }
      throw closed(folder, error);
    }
  }

  return { id, ...blobReader(find, id) };
}

function closed({ name }: FileSystemDirectoryHandle, cause: unknown): UnderpaintError {
  return new UnderpaintError({
    code: "model-not-found",
    what: `the folder ${name} cannot be read (${(cause as Error).name})`,
    remedy:
      "ask for it again in answer to a click: handle.requestPermission() or showDirectoryPicker()",
    cause,
  });
}
