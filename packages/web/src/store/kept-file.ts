import { sha256 } from "./digest.js";
import { joined, type Part, UnsoundPart } from "./part.js";
import type { PieceStore } from "./pieces.js";
import { chunkReader } from "./read-stream.js";

const recordName = "record";
const mostRecordBytes = 4 * 2 ** 20;

interface Piece {
  readonly bytes: number;
  readonly sha256: string;
}

/** What is known of a file that is kept; written after each piece. */
interface KeptRecord {
  readonly version: 1;
  readonly file: string;
  readonly validator: string | undefined;
  readonly pieces: readonly Piece[];
  readonly isWhole: boolean;
}

/** A file of a model, whole or in part, in the browser's storage. */
export interface KeptFile {
  /** The whole file's size and validator, if it is here whole. */
  readonly whole: { readonly bytes: number; readonly validator: string | undefined } | undefined;
  /** All bytes that are here. */
  readonly bytes: number;
  readonly part: Part;
}

/**
 * Opens what is kept of a file; nothing at first. Every piece is checked against the hash that it
 * had when it came, whenever it is read: storage that broke is found, never used.
 *
 * Only one may write at a time (see `locks.ts`).
 *
 * @throws StorageFailure where storage does not work.
 */
export async function openKeptFile(
  store: PieceStore,
  folder: readonly string[],
  file: string,
): Promise<KeptFile> {
  let record: KeptRecord = (await readRecord(store, folder)) ?? empty(file);

  async function write(next: KeptRecord): Promise<void> {
    await store.write(folder, recordName, new TextEncoder().encode(JSON.stringify(next)));
    record = next;
  }

  async function* pieces(): AsyncGenerator<Uint8Array> {
    const { pieces: all } = record;
    const buffer = new Uint8Array(Math.max(0, ...all.map(({ bytes }) => bytes)));
    for (const [index, piece] of all.entries()) {
      const blob = await store.find(folder, String(index));
      if (blob?.size !== piece.bytes) throw new UnsoundPart(`piece ${index} is not here`);
      const bytes = buffer.subarray(0, piece.bytes);
      await readBlob(blob, bytes).catch((cause: unknown) => {
        // Another tab has replaced or deleted it meanwhile.
        throw new UnsoundPart(`piece ${index} cannot be read`, { cause });
      });
      if ((await sha256(bytes)) !== piece.sha256) throw new UnsoundPart(`piece ${index} broke`);
      yield bytes;
    }
  }

  const part: Part = {
    get bytes() {
      return bytesOf(record);
    },
    get validator() {
      return record.validator;
    },
    async begin(validator) {
      await store.remove(folder);
      await write({ ...empty(file), validator });
    },
    async append(bytes) {
      if (bytes.length === 0) return;
      const [digest] = await Promise.all([
        sha256(bytes),
        store.write(folder, String(record.pieces.length), bytes),
      ]);
      const piece = { bytes: bytes.length, sha256: digest };
      await write({ ...record, pieces: [...record.pieces, piece] });
    },
    pieces,
    async finish(signal) {
      if (!record.isWhole) await write({ ...record, isWhole: true });
      return joined(pieces(), bytesOf(record), signal);
    },
    async discard() {
      await store.remove(folder);
      record = empty(file);
    },
  };
  return {
    get whole() {
      const { validator, isWhole } = record;
      return isWhole ? { bytes: bytesOf(record), validator } : undefined;
    },
    get bytes() {
      return bytesOf(record);
    },
    part,
  };
}

/** How long a file's stream may take to answer before it is no longer waited for. */
const answerMs = 1000;

/**
 * As a stream into one buffer, so that nothing waits for the garbage collector. Chromium 156 now and
 * then never answers such a reader of a file: what is left is then read at once.
 */
async function readBlob(blob: Blob, into: Uint8Array): Promise<void> {
  if (blob.size !== into.length) throw new Error(`${blob.size} of ${into.length} bytes`);
  const reader = chunkReader(blob.stream());
  for (let at = 0; at < into.length; ) {
    const chunk = await inTime(reader.read());
    if (chunk === "late") {
      into.set(new Uint8Array(await blob.slice(at).arrayBuffer()), at);
      return;
    }
    if (!chunk) throw new Error(`${at} of ${into.length} bytes`);
    into.set(chunk, at);
    at += chunk.length;
  }
}

async function inTime<T>(work: Promise<T>): Promise<T | "late"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), answerMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function empty(file: string): KeptRecord {
  return { version: 1, file, validator: undefined, pieces: [], isWhole: false };
}

function bytesOf({ pieces }: KeptRecord): number {
  return pieces.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function readRecord(
  store: PieceStore,
  folder: readonly string[],
): Promise<KeptRecord | undefined> {
  const blob = await store.find(folder, recordName);
  if (!blob || blob.size > mostRecordBytes) return undefined;
  try {
    const found = JSON.parse(await blob.text()) as KeptRecord;
    return found.version === 1 && Array.isArray(found.pieces) ? found : undefined;
  } catch {
    // A record of another version, or one that broke: as if there were nothing.
    return undefined;
  }
}
