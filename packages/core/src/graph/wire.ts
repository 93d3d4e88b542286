import { UnderpaintError } from "../errors.js";
import type { ByteRange } from "./byte-range.js";

/**
 * A walk through a message. It stops where bytes are wanted that are not in memory, and goes on
 * when they are: one parser serves bytes in memory and files alike.
 */
export type Walk = Generator<void, void, void>;

/** A field of a protobuf message, as its tag and length tell. One object serves all fields in turn. */
export interface Field {
  readonly number: number;
  /** 0 a varint, 1 eight bytes, 2 a length and bytes, 5 four bytes. */
  readonly wireType: number;
  /** Of a varint, its value: exact to 2^53, above that rounded. */
  readonly value: number;
  /** Where its tag, its content, and what follows begin. */
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** Reads protobuf's wire format (protobuf.dev/programming-guides/encoding) off a file. */
export interface Wire {
  readonly size: number;
  /**
   * Visits the fields of the message that ends at `end`, and begins where the wire stands. A visit
   * may return a walk through the field's content; else the content is stepped over.
   */
  fields(end: number, visit: (field: Field) => Walk | undefined): Walk;
  /** The content of the field that is visited, at most {@link longestText} bytes of UTF-8. */
  text(what: string): string;
  /** A copy of the content of the field that is visited, at most {@link longestText} bytes. */
  bytes(): Uint8Array;
  /** Calls `each` for the numbers of a repeated field, which may be packed into one. */
  numbers(kind: "varint" | "float" | "double", each: (value: number) => void): void;
  /** Refuses a field that has another wire type than it must. */
  expect(wireType: number, what: string): void;
  /** Counts what is kept in memory, so that a small file cannot fill it. */
  keep(weight: number): void;
  /** Ends the walk with the typed error of a file that is not sound. */
  broken(why: string): never;
  /** Where bytes are wanted, and how many at the least. */
  readonly wanted: { readonly offset: number; readonly length: number };
  /** Gives the walk the bytes from `offset`. */
  supply(offset: number, bytes: Uint8Array): void;
}

/** A name or text longer than any that is meant. */
export const longestText = 4096;

/** Tag and length take ten bytes each, at the most. */
const longestHead = 20;
const mostFields = 30_000_000;
const mostKept = 2_000_000;
const mostText = 1 << 26;

/** A wire over a file of `size` bytes that errors call `label`. */
export function createWire(size: number, label: string): Wire {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const field = { number: 0, wireType: 0, value: 0, start: 0, content: 0, end: 0 };
  const wanted = { offset: 0, length: 0 };
  let chunk: Uint8Array = new Uint8Array();
  let view: DataView = new DataView(chunk.buffer);
  let chunkStart = 0;
  let chunkEnd = 0;
  let at = 0;
  let [fieldCount, kept, textBytes] = [0, 0, 0];

  function broken(why: string): never {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${label} is no ONNX graph, or is cut short: ${why}`,
      remedy: "fetch the file again",
    });
  }

  /** Makes `length` bytes from here, or as many as the file has, be in the chunk. */
  function* fill(length: number): Walk {
    wanted.offset = at;
    wanted.length = Math.min(length, size - at);
    yield;
  }

  /** As a signed number: the upper half of its 64 bits has the sign. */
  function varint(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = at < chunkEnd ? chunk[at++ - chunkStart] : undefined;
      if (byte === undefined) broken(`it ends at byte ${at}, inside of a number`);
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (shift - 32);
      if (byte < 128) return high * 2 ** 32 + (low >>> 0);
    }
    return broken(`a number at byte ${at} does not end`);
  }

  function* fields(end: number, visit: (field: Field) => Walk | undefined): Walk {
    while (at < end) {
      if (chunkEnd - at < longestHead && chunkEnd < size) yield* fill(longestHead);
      if (++fieldCount > mostFields) broken(`it has more than ${mostFields} fields`);
      const start = at;
      const tag = varint();
      const [number, wireType] = [Math.floor(tag / 8), tag % 8];
      if (number < 1 || number > 2 ** 29) broken(`there is no field ${number} (byte ${start})`);
      let value = 0;
      let length = 0;
      if (wireType === 0) value = varint();
      else if (wireType === 1) length = 8;
      else if (wireType === 5) length = 4;
      else if (wireType === 2) length = varint();
      else broken(`there is no field of wire type ${wireType} (byte ${start})`);
      const stop = at + length;
      if (length < 0 || stop > end) {
        broken(`a field at byte ${start} ends at ${stop}, but what it is in ends at ${end}`);
      }
      if (stop > chunkEnd && length <= longestText) yield* fill(length);
      field.number = number;
      field.wireType = wireType;
      field.value = value;
      field.start = start;
      field.content = at;
      field.end = stop;
      const deeper = visit(field);
      if (deeper) yield* deeper;
      at = stop;
    }
    if (at !== end) broken(`a field ends at byte ${at}, but what it is in ends at ${end}`);
  }

  function content(what: string): Uint8Array {
    const length = field.end - field.content;
    if (length > longestText) broken(`${what} takes ${length} bytes (byte ${field.start})`);
    return chunk.subarray(field.content - chunkStart, field.end - chunkStart);
  }

  return {
    size,
    fields,
    text(what) {
      if (field.wireType !== 2) broken(`${what} is no text (byte ${field.start})`);
      const bytes = content(what);
      textBytes += bytes.length;
      if (textBytes > mostText) broken(`its names take more than ${mostText} bytes`);
      try {
        return decoder.decode(bytes);
      } catch {
        return broken(`${what} is not UTF-8 (byte ${field.start})`);
      }
    },
    bytes: () => content("a field").slice(),
    numbers(kind, each) {
      const { wireType, content: begin, end } = field;
      const size = kind === "float" ? 4 : 8;
      const one = kind === "varint" ? 0 : kind === "float" ? 5 : 1;
      if (wireType === 0 && one === 0) return each(field.value);
      if (wireType !== 2 && wireType !== one) {
        broken(`a field of numbers has wire type ${wireType} (byte ${field.start})`);
      }
      if (end > chunkEnd) broken(`a list of numbers takes ${end - begin} bytes (byte ${begin})`);
      at = begin;
      while (at < end) {
        if (one === 0) each(varint());
        else {
          if (at + size > end) broken(`a list of numbers ends inside of one (byte ${at})`);
          const place = at - chunkStart;
          each(kind === "float" ? view.getFloat32(place, true) : view.getFloat64(place, true));
          at += size;
        }
      }
      if (at > end) broken(`a list of numbers ends inside of one (byte ${end})`);
    },
    expect(wireType, what) {
      if (field.wireType === wireType) return;
      broken(`${what} has wire type ${field.wireType}, not ${wireType} (byte ${field.start})`);
    },
    keep(weight) {
      kept += weight;
      if (kept > mostKept) broken(`it holds more parts than are read (${mostKept})`);
    },
    broken,
    wanted,
    supply(offset, bytes) {
      if (bytes.length < wanted.length) {
        broken(`byte ${offset + bytes.length} cannot be read, although its size is ${size}`);
      }
      // A plain view: those of Node's Buffer are slow to cut.
      chunk = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      chunkStart = offset;
      chunkEnd = offset + bytes.length;
    },
  };
}

/** Walks through bytes in memory. */
export function walkBytes(bytes: Uint8Array, label: string, walk: (wire: Wire) => Walk): void {
  const wire = createWire(bytes.length, label);
  const walking = walk(wire);
  while (!walking.next().done) wire.supply(0, bytes);
}

const leastRead = 1 << 12;
const mostRead = 1 << 20;

/**
 * Walks through a file. What is stepped over is not read: reads begin small after each step, and
 * double as long as one follows the other.
 */
export async function walkRange(
  range: ByteRange,
  label: string,
  walk: (wire: Wire) => Walk,
  signal?: AbortSignal,
): Promise<void> {
  const wire = createWire(range.size, label);
  const walking = walk(wire);
  let [previousEnd, amount] = [0, leastRead];
  while (!walking.next().done) {
    signal?.throwIfAborted();
    const { offset, length } = wire.wanted;
    const follows = offset <= previousEnd && offset + length > previousEnd;
    amount = follows ? Math.min(2 * amount, mostRead) : leastRead;
    const bytes = await range.read(offset, Math.min(Math.max(amount, length), range.size - offset));
    wire.supply(offset, bytes);
    previousEnd = offset + bytes.length;
  }
}
