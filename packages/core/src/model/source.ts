import type { ModelFile } from "../backend/contract.js";

/** How far a file has come. */
export interface LoadProgress {
  /** The file's path inside the model, with forward slashes. */
  readonly file: string;
  readonly loadedBytes: number;
  /** Undefined where the server does not tell. */
  readonly totalBytes: number | undefined;
}

/** How a file is fetched. */
export interface OpenOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/**
 * Where a model's files are: a plug-in kind. Paths are relative to the model, with forward
 * slashes, and never leave it.
 */
export interface ModelSource {
  /** What a recipe records, such as "hub:owner/name@revision". */
  readonly id: string;
  /** A file's size in bytes, or undefined when the model has no such file. Fetches no content. */
  size(file: string, options?: { signal?: AbortSignal }): Promise<number | undefined>;
  /**
   * A small file's content.
   *
   * @throws UnderpaintError `model-invalid` when the file is missing or larger than `maxBytes`.
   */
  read(file: string, options: { maxBytes: number; signal?: AbortSignal }): Promise<Uint8Array>;
  /**
   * A graph, ready for a backend, together with the external weights named in `companions`
   * (paths beside it), after fetching what is not on this machine yet.
   *
   * @throws UnderpaintError `model-invalid` when a file is missing, `download-failed` when it
   * cannot be fetched whole.
   */
  open(
    file: string,
    options?: OpenOptions & { companions?: readonly string[] },
  ): Promise<ModelFile>;
}
