import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { UnderpaintError } from "@underpaint/core";
import { isAbsent } from "./errors.js";
import { type HubFile, isHash } from "./hub-api.js";
import { below } from "./paths.js";

/**
 * One repository in the cache that Python's huggingface_hub keeps, which both read and write:
 *
 *     models--owner--name/refs/main                         the commit that main was last seen at
 *                         snapshots/<commit>/unet/model.onnx  → ../../../blobs/<hash>
 *                         blobs/<hash>                      SHA-256 of large files, git's of small
 *                         trees/<commit>.json               the commit's files (huggingface_hub 2)
 */
export interface HubCache {
  readonly folder: string;
  /** The commit that a branch or tag was last seen at. */
  commitOf(revision: string): Promise<string | undefined>;
  rememberCommit(revision: string, commit: string): Promise<void>;
  /** The files of a commit, if a listing is kept. */
  filesOf(commit: string): Promise<ReadonlyMap<string, HubFile> | undefined>;
  rememberFiles(commit: string, files: ReadonlyMap<string, HubFile>): Promise<void>;
  /** Where a file of a commit is, or would be. */
  pathOf(commit: string, file: string): string;
  blobOf(file: HubFile): string;
  /** Makes a blob appear as a file of a commit. */
  point(commit: string, file: string, blob: string): Promise<void>;
}

/** The cache of one repository, in a folder of repositories. */
export function hubCache(cacheFolder: string, repository: string): HubCache {
  const folder = join(cacheFolder, ["models", ...repository.split("/")].join("--"));
  const pathOf = (commit: string, file: string): string =>
    below(join(folder, "snapshots", commit), file);

  async function commitOf(revision: string): Promise<string | undefined> {
    const text = await readFile(below(join(folder, "refs"), revision), "utf8").catch(() => "");
    return isHash(text.trim(), 40) ? text.trim() : undefined;
  }

  return {
    folder,
    commitOf,
    async rememberCommit(revision, commit) {
      if ((await commitOf(revision)) === commit) return;
      await writeWhole(below(join(folder, "refs"), revision), commit);
    },
    async filesOf(commit) {
      const path = join(folder, "trees", `${commit}.json`);
      const text = await readFile(path, "utf8").catch(() => undefined);
      return text === undefined ? undefined : parseTree(text);
    },
    async rememberFiles(commit, files) {
      const path = join(folder, "trees", `${commit}.json`);
      // Only a help for later; a cache that cannot be written to is none the worse.
      await writeWhole(path, formatTree(files)).catch(() => {});
    },
    pathOf,
    blobOf: (file) => join(folder, "blobs", file.sha256 ?? file.gitHash),
    async point(commit, file, blob) {
      const path = pathOf(commit, file);
      await mkdir(dirname(path), { recursive: true });
      const temporary = `${path}.${randomBytes(4).toString("hex")}`;
      try {
        await symlink(relative(dirname(path), blob), temporary);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        if (await exists(path)) return;
        if (isAbsent(error)) throw error;
        // No symbolic links here (Windows without developer mode): as Python does, the file itself.
        await rename(blob, path);
      }
    },
  };
}

/**
 * Whether a downloaded file is what the hub has: the SHA-256 of its content, or git's hash of it.
 *
 * @throws UnderpaintError `download-failed` when it is not.
 */
export async function verifyHash(
  path: string,
  file: HubFile,
  name: string,
  signal?: AbortSignal,
): Promise<void> {
  const hash = createHash(file.sha256 === undefined ? "sha1" : "sha256");
  if (file.sha256 === undefined) hash.update(`blob ${file.bytes}\0`);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  const found = hash.digest("hex");
  if (found !== (file.sha256 ?? file.gitHash)) {
    throw new UnderpaintError({
      code: "download-failed",
      what: `what came for ${name} is not the hub's file: its hash differs`,
      value: found,
      allowed: file.sha256 ?? file.gitHash,
      remedy: "it was thrown away; try again",
    });
  }
}

/** Whether a path leads to something. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

interface TreeEntry {
  readonly size: number;
  readonly blob_id: string;
  readonly lfs_sha256?: string;
  readonly lfs_size?: number;
  readonly xet_hash?: string;
}

function parseTree(text: string): ReadonlyMap<string, HubFile> | undefined {
  try {
    const tree = JSON.parse(text) as { format_version: unknown; files: Record<string, TreeEntry> };
    if (tree.format_version !== 1) return undefined;
    return new Map(
      Object.entries(tree.files).map(([path, entry]) => [
        path,
        {
          bytes: entry.lfs_size ?? entry.size,
          gitHash: hex(entry.blob_id, 40),
          sha256: entry.lfs_sha256 === undefined ? undefined : hex(entry.lfs_sha256, 64),
          xetHash: entry.xet_hash,
        },
      ]),
    );
  } catch {
    return undefined;
  }
}

function formatTree(files: ReadonlyMap<string, HubFile>): string {
  const entries = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const tree = entries.map(([path, { bytes, gitHash, sha256, xetHash }]) => [
    path,
    {
      size: bytes,
      blob_id: gitHash,
      ...(sha256 === undefined ? {} : { lfs_sha256: sha256, lfs_size: bytes }),
      ...(xetHash === undefined ? {} : { xet_hash: xetHash }),
    },
  ]);
  return JSON.stringify({ format_version: 1, files: Object.fromEntries(tree) }, undefined, 1);
}

/** Hashes become file names: nothing else may. */
function hex(text: string, length: number): string {
  if (!isHash(text, length)) throw new Error("no hash");
  return text;
}
