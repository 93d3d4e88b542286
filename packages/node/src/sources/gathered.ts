import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { type ModelFile, UnderpaintError } from "@underpaint/core";

/** A graph or its weights: the path inside its folder, and where it is. */
export interface LinkedFile {
  readonly name: string;
  readonly path: string;
}

/**
 * A graph and its external weights, such that ONNX Runtime accepts them.
 *
 * The runtime (1.30) refuses weights that, with every symbolic link followed, are not in the
 * graph's own folder. huggingface_hub's shared blob store keeps each file in another folder, so
 * such a model gets a folder of hard links below `viewFolder`, which cost no space. Where there is
 * no such folder, or links cannot be made, the weights are read into memory.
 */
export async function gathered(
  graph: LinkedFile,
  weights: readonly LinkedFile[],
  viewFolder?: string,
): Promise<ModelFile> {
  if (weights.length === 0) return { path: graph.path };
  const files = [graph, ...weights];
  const reals = await Promise.all(files.map(({ path }) => realpath(path)));
  const home = dirname(reals[0]!);
  if (reals.every((real) => !relative(home, real).startsWith(".."))) return { path: graph.path };

  if (viewFolder !== undefined) {
    const key = createHash("sha256").update(reals.join("\0")).digest("hex").slice(0, 16);
    const view = join(viewFolder, key);
    try {
      for (const [index, { name }] of files.entries()) {
        await hardLink(reals[index]!, join(view, name));
      }
      return { path: join(view, graph.name) };
    } catch {
      // Another volume, a read-only cache, a file system without hard links.
    }
  }
  const externalData = await Promise.all(
    weights.map(async ({ name, path }) => ({ path: name, data: await readWhole(name, path) })),
  );
  return { path: graph.path, externalData };
}

async function hardLink(existing: string, path: string): Promise<void> {
  const [wanted, present] = await Promise.all([stat(existing), stat(path).catch(() => undefined)]);
  if (present && present.ino === wanted.ino && present.dev === wanted.dev) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString("hex")}`;
  await link(existing, temporary);
  await rename(temporary, path).finally(() => rm(temporary, { force: true }));
}

/** fs.readFile stops at 2 GiB; a buffer may have 4. */
async function readWhole(name: string, path: string): Promise<Uint8Array> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    if (size > 0xffff_ffff) {
      throw new UnderpaintError({
        code: "model-invalid",
        what: `the weights ${name} cannot be linked beside their graph, and are too large to read`,
        value: size,
        remedy: "copy the model's files into one folder and give that folder",
      });
    }
    const bytes = Buffer.allocUnsafeSlow(size);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(size - at, 1 << 30), at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}
