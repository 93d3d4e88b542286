import type { ComponentManifest } from "./manifest.js";

/** How far the loading of a model, or of a part of it, has come. */
export interface ModelProgress {
  /** The file that a piece of has just arrived: a path inside the model. */
  readonly file: string;
  /** Bytes that are there, over all files; those that were on this machine before included. */
  readonly loadedBytes: number;
  /** Bytes of all files. */
  readonly totalBytes: number;
}

/** Adds up what arrives of several components' files. */
export interface LoadMeter {
  /** `loadedBytes` of a file are there. Files of other components are not counted. */
  readonly update: (file: string, loadedBytes: number) => void;
  /** Counts another component's files too. */
  add(component: Pick<ComponentManifest, "files">): void;
  /** A component's files are not there any more. */
  forget(component: Pick<ComponentManifest, "files">): void;
}

/** A meter that tells `onProgress` of every growth; what shrinks (a retried file) it keeps quiet. */
export function createLoadMeter(
  components: readonly Pick<ComponentManifest, "files">[],
  onProgress: ((progress: ModelProgress) => void) | undefined,
): LoadMeter {
  const sizes = new Map<string, number>();
  const loaded = new Map<string, number>();
  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);

  function add({ files }: Pick<ComponentManifest, "files">): void {
    for (const [file, size] of Object.entries(files)) sizes.set(file, size);
  }
  components.forEach(add);

  return {
    add,
    update(file, bytes) {
      const size = sizes.get(file);
      if (size === undefined) return;
      const now = Math.min(size, bytes);
      if (now <= (loaded.get(file) ?? 0)) return;
      loaded.set(file, now);
      onProgress?.({
        file,
        loadedBytes: sum(loaded.values()),
        totalBytes: sum(sizes.values()),
      });
    },
    forget({ files }) {
      for (const file of Object.keys(files)) loaded.delete(file);
    },
  };
}
