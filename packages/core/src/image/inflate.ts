/** The most that deflate can shrink data: 258 bytes in 2 bits. */
export const highestRatio = 1032;

/**
 * Decompresses zlib data (RFC 1950 and 1951) into a buffer of known size, and not a byte beyond
 * it: it stops as soon as the data does not fit, so a small file cannot make us allocate or compute
 * more than was agreed to. Linear in input and output; tables are at most 2 KiB, so that many short
 * blocks cost little more than a long one.
 *
 * fast-png inflates without a bound and takes truncated data for whole, hence this file.
 *
 * @param out receives the data.
 * @returns how many bytes of `out` were written, or undefined when the data does not fit.
 * @throws Error in words that go behind "compressed data that ", when it is broken or truncated,
 * or its checksum is wrong.
 */
export function inflateInto(out: Uint8Array, source: Uint8Array): number | undefined {
  if (source.length < 6) throw new Error("ends too early");
  const [method, flags] = [source[0]!, source[1]!];
  if ((method & 15) !== 8 || method >> 4 > 7 || (method * 256 + flags) % 31 || flags & 32) {
    throw new Error("does not begin as zlib data does");
  }
  const bits = new BitReader(source, 2);
  let length = 0;
  let last = false;
  while (!last) {
    last = bits.read(1) === 1;
    const type = bits.read(2);
    if (type === 0) length = copyStored(bits, out, length);
    else if (type === 1) length = inflateBlock(bits, out, length, fixedCodes);
    else if (type === 2) length = inflateBlock(bits, out, length, readCodes(bits));
    else throw new Error("has a block of an unknown kind");
    if (length === tooLong) return undefined;
  }
  bits.alignToByte();
  let checksum = 0;
  for (let i = 0; i < 4; i++) checksum = checksum * 256 + bits.read(8);
  if (checksum !== adler32(out, length)) throw new Error("does not match its checksum");
  return length;
}

/** Bits of a byte sequence, least significant first. */
class BitReader {
  private window = 0;
  private available = 0;

  constructor(
    private readonly source: Uint8Array,
    private offset: number,
  ) {}

  /** The next `count` bits, 0 to 16, as a number. */
  read(count: number): number {
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  /** The next `count` bits, without passing them; zeros behind the end. */
  peek(count: number): number {
    while (this.available < count) {
      // Past the end this ORs `undefined`, that is 0; skip() then refuses to use it.
      this.window |= this.source[this.offset++]! << this.available;
      this.available += 8;
    }
    return this.window & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.window >>>= count;
    this.available -= count;
    if (this.offset > this.source.length && this.position() > this.source.length) {
      throw new Error("ends too early");
    }
  }

  alignToByte(): void {
    this.skip(this.available & 7);
  }

  /** `count` bytes from a byte boundary on. */
  bytes(count: number): Uint8Array {
    const start = this.position();
    if (start + count > this.source.length) throw new Error("ends too early");
    this.window = 0;
    this.available = 0;
    this.offset = start + count;
    return this.source.subarray(start, start + count);
  }

  /** The byte that the next bit is in, or would be. */
  private position(): number {
    return this.offset - (this.available >> 3);
  }
}

/** In place of a length: the data does not fit. */
const tooLong = -1;

function copyStored(bits: BitReader, out: Uint8Array, length: number): number {
  bits.alignToByte();
  const count = bits.read(16);
  if ((bits.read(16) ^ count) !== 0xffff) throw new Error("has a stored block of no clear length");
  if (length + count > out.length) return tooLong;
  out.set(bits.bytes(count), length);
  return length + count;
}

const longestCode = 15;
const fastBits = 9;

/** A canonical prefix code: a table for short codes, and counts by length for the rest. */
interface PrefixCode {
  /** By the next 9 bits: symbol · 16 + length, or 0 where the code is longer, or there is none. */
  readonly fast: Uint16Array;
  /** How many codes there are of each length. */
  readonly counts: Uint16Array;
  /** The symbols in the order of their codes. */
  readonly symbols: Uint16Array;
}

/** RFC 1951, section 3.2.2. Refuses what zlib refuses: too many codes, or too few. */
function createCode(lengths: Uint8Array): PrefixCode {
  const counts = new Uint16Array(longestCode + 1);
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]!]!++;
  counts[0] = 0;
  const used = counts.reduce((sum, count) => sum + count, 0);
  const places = new Uint16Array(longestCode + 2);
  let code = 0;
  const next = new Uint16Array(longestCode + 2);
  let left = 1;
  for (let length = 1; length <= longestCode; length++) {
    left = 2 * left - counts[length]!;
    if (left < 0) throw new Error("has a code that cannot be");
    places[length + 1] = places[length]! + counts[length]!;
    next[length] = code;
    code = (code + counts[length]!) << 1;
  }
  // A single code of one bit is allowed, and none at all where nothing refers to it.
  if (left > 0 && !(used === 0 || (used === 1 && counts[1] === 1))) {
    throw new Error("has a code that is incomplete");
  }
  const symbols = new Uint16Array(used);
  const fast = new Uint16Array(1 << fastBits);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!;
    if (length === 0) continue;
    symbols[places[length]!++] = symbol;
    const bits = next[length]!++;
    if (length > fastBits) continue;
    for (let at = reverse(bits, length); at < fast.length; at += 1 << length) {
      fast[at] = symbol * 16 + length;
    }
  }
  return { fast, counts, symbols };
}

function reverse(bits: number, count: number): number {
  let out = 0;
  for (let i = 0; i < count; i++) out |= ((bits >> i) & 1) << (count - 1 - i);
  return out;
}

function readSymbol(bits: BitReader, code: PrefixCode): number {
  const window = bits.peek(longestCode);
  const entry = code.fast[window & ((1 << fastBits) - 1)]!;
  if (entry !== 0) {
    bits.skip(entry & 15);
    return entry >> 4;
  }
  // Length by length: `value` is the code so far, `first` the first code of this length.
  let value = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= longestCode; length++) {
    value |= (window >> (length - 1)) & 1;
    const count = code.counts[length]!;
    if (value - first < count) {
      bits.skip(length);
      return code.symbols[index + value - first]!;
    }
    index += count;
    first = (first + count) << 1;
    value <<= 1;
  }
  throw new Error("has a code that stands for nothing");
}

/** The codes of literals and lengths, and of distances. */
type BlockCodes = readonly [literals: PrefixCode, distances: PrefixCode];

/** The codes of a block of the fixed kind: section 3.2.6. */
const fixedCodes: BlockCodes = [
  createCode(new Uint8Array(288).fill(8).fill(9, 144, 256).fill(7, 256, 280)),
  createCode(new Uint8Array(32).fill(5)),
];

/** The order of the lengths of the code of code lengths: section 3.2.7. */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function readCodes(bits: BitReader): BlockCodes {
  const literals = bits.read(5) + 257;
  const distances = bits.read(5) + 1;
  const described = bits.read(4) + 4;
  if (literals > 286 || distances > 30) throw new Error("has more codes than there can be");
  const small = new Uint8Array(19);
  for (let i = 0; i < described; i++) small[lengthOrder[i]!] = bits.read(3);
  const lengthCode = createCode(small);
  const lengths = new Uint8Array(literals + distances);
  for (let i = 0; i < lengths.length; ) {
    const symbol = readSymbol(bits, lengthCode);
    if (symbol < 16) {
      lengths[i++] = symbol;
      continue;
    }
    if (symbol === 16 && i === 0) throw new Error("repeats a code length before the first");
    const repeated = symbol === 16 ? lengths[i - 1]! : 0;
    const count = symbol === 18 ? bits.read(7) + 11 : bits.read(symbol === 16 ? 2 : 3) + 3;
    if (i + count > lengths.length) throw new Error("has more codes than it says");
    lengths.fill(repeated, i, i + count);
    i += count;
  }
  if (lengths[256] === 0) throw new Error("has a block without an end");
  return [createCode(lengths.subarray(0, literals)), createCode(lengths.subarray(literals))];
}

// Section 3.2.5: the least length (distance) of each code, and how many bits add to it.
const lengthExtra = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const distanceExtra = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const lengthBase = lengthExtra.map((_, i) => (i === 28 ? 258 : accumulate(lengthExtra, i, 3)));
const distanceBase = distanceExtra.map((_, i) => accumulate(distanceExtra, i, 1));

function accumulate(extra: readonly number[], end: number, start: number): number {
  return extra.slice(0, end).reduce((sum, bits) => sum + (1 << bits), start);
}

function inflateBlock(
  bits: BitReader,
  out: Uint8Array,
  length: number,
  [literalCode, distanceCode]: BlockCodes,
): number {
  for (;;) {
    const symbol = readSymbol(bits, literalCode);
    if (symbol === 256) return length;
    if (symbol < 256) {
      if (length === out.length) return tooLong;
      out[length++] = symbol;
      continue;
    }
    const lengthIndex = symbol - 257;
    if (lengthIndex >= lengthBase.length) throw new Error("has a code that stands for nothing");
    const end = length + lengthBase[lengthIndex]! + bits.read(lengthExtra[lengthIndex]!);
    const distanceIndex = readSymbol(bits, distanceCode);
    if (distanceIndex >= distanceBase.length) throw new Error("has a code that stands for nothing");
    const distance = distanceBase[distanceIndex]! + bits.read(distanceExtra[distanceIndex]!);
    if (distance > length) throw new Error("refers to bytes before its first");
    if (end > out.length) return tooLong;
    // Byte by byte: the copy may overlap itself.
    for (; length < end; length++) out[length] = out[length - distance]!;
  }
}

/** RFC 1950's checksum of the first `length` bytes. */
function adler32(data: Uint8Array, length: number): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < length; ) {
    // The most bytes whose sums stay below 2^32.
    const end = Math.min(length, i + 5552);
    for (; i < end; i++) {
      a += data[i]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}
