/** What a file's content is known to be. */
export interface FileHash {
  /** `git` is git's SHA-1 of a blob: of "blob SIZE\0" and the content. */
  readonly kind: "sha256" | "git";
  /** In lower-case hexadecimal. */
  readonly value: string;
}

/** A hash that grows with the bytes; crypto.subtle has none. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  matches(): boolean;
}

/** Begins the hash of a file. The library is loaded when it is needed: models of the hub alone are. */
export async function startHash(wanted: FileHash, bytes: number): Promise<RunningHash> {
  const { createSHA1, createSHA256 } = await import("./hashes.js");
  const hash = await (wanted.kind === "git" ? createSHA1() : createSHA256());
  hash.init();
  if (wanted.kind === "git") hash.update(`blob ${bytes}\0`);
  return {
    update: (piece) => void hash.update(piece),
    matches: () => hash.digest("hex") === wanted.value,
  };
}
