import { invalidPng } from "./png-chunks.js";

/** The header of a PNG file, once it is known to be sound. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** 0 grey, 2 colour, 3 palette, 4 grey with alpha, 6 colour with alpha. */
  readonly colourType: number;
  readonly interlaced: boolean;
}

/** What a palette or a transparent colour adds to the samples. */
export interface PngColours {
  /** Three bytes a colour. */
  readonly palette: Uint8Array | undefined;
  /** tRNS: an alpha for each of the palette's first colours, or two bytes a sample of one colour. */
  readonly transparency: Uint8Array | undefined;
}

const channelsByType: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** A sub-picture that is stored on its own: every `stepX`th pixel of every `stepY`th row. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  /** Pixels a row, rows, and bytes a row without the filter's. */
  readonly width: number;
  readonly height: number;
  readonly rowBytes: number;
}

/** Adam7: PNG specification, third edition, section 8.1. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function passesOf(header: PngHeader): Pass[] {
  const bits = bitsPerPixel(header);
  return (header.interlaced ? adam7 : ([[0, 0, 1, 1]] as const))
    .map(([x, y, stepX, stepY]) => {
      const width = Math.ceil((header.width - x) / stepX);
      const height = Math.ceil((header.height - y) / stepY);
      return { x, y, stepX, stepY, width, height, rowBytes: Math.ceil((width * bits) / 8) };
    })
    .filter(({ width, height }) => width > 0 && height > 0);
}

function bitsPerPixel({ depth, colourType }: PngHeader): number {
  return depth * channelsByType[colourType]!;
}

/** How many bytes the decompressed pixel data has. */
export function rawLength(header: PngHeader): number {
  return passesOf(header).reduce((sum, pass) => sum + pass.height * (1 + pass.rowBytes), 0);
}

/**
 * Straight 8-bit RGBA from decompressed pixel data, which is overwritten. 16-bit samples are
 * rounded (section 12.4 of the specification), smaller ones spread over 0 to 255.
 *
 * @throws UnderpaintError `invalid-image` for an unknown row filter, or a colour that the palette
 * lacks.
 */
export function decodePixels(
  header: PngHeader,
  raw: Uint8Array,
  colours: PngColours,
): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(4 * header.width * header.height);
  const writeRow = rowWriter(header, colours, out);
  const bytesPerPixel = Math.max(1, bitsPerPixel(header) / 8);
  let offset = 0;
  for (const { x, y, stepX, stepY, width, height, rowBytes } of passesOf(header)) {
    let previous = new Uint8Array(rowBytes);
    for (let line = 0; line < height; line++, offset += 1 + rowBytes) {
      const row = raw.subarray(offset + 1, offset + 1 + rowBytes) as Uint8Array<ArrayBuffer>;
      unfilter(raw[offset]!, row, previous, bytesPerPixel);
      writeRow(row, width, 4 * ((y + line * stepY) * header.width + x), 4 * stepX);
      previous = row;
    }
  }
  return out;
}

/** Undoes a row's filter in place: PNG specification, third edition, section 9.2. */
function unfilter(kind: number, row: Uint8Array, above: Uint8Array, step: number): void {
  const count = row.length;
  switch (kind) {
    case 0:
      return;
    case 1:
      for (let i = step; i < count; i++) row[i]! += row[i - step]!;
      return;
    case 2:
      for (let i = 0; i < count; i++) row[i]! += above[i]!;
      return;
    case 3:
      for (let i = 0; i < count; i++) {
        const left = i < step ? 0 : row[i - step]!;
        row[i]! += (left + above[i]!) >> 1;
      }
      return;
    case 4:
      for (let i = 0; i < count; i++) {
        const left = i < step ? 0 : row[i - step]!;
        const corner = i < step ? 0 : above[i - step]!;
        row[i]! += paeth(left, above[i]!, corner);
      }
      return;
    default:
      throw invalidPng("has a row with an unknown filter", kind);
  }
}

/** Of left, above and the corner between them the one that is nearest to left + above − corner. */
function paeth(left: number, above: number, corner: number): number {
  const fromLeft = Math.abs(above - corner);
  const fromAbove = Math.abs(left - corner);
  const fromCorner = Math.abs(left + above - 2 * corner);
  if (fromLeft <= fromAbove && fromLeft <= fromCorner) return left;
  return fromAbove <= fromCorner ? above : corner;
}

/** Writes `count` pixels of a row to `out`, from `at` on, `step` apart. */
type RowWriter = (row: Uint8Array, count: number, at: number, step: number) => void;

function rowWriter(header: PngHeader, colours: PngColours, out: Uint8ClampedArray): RowWriter {
  const { depth, colourType } = header;
  if (colourType === 3) return tableWriter(depth, paletteTable(colours), out);
  if (colourType === 0 && depth <= 8) {
    return tableWriter(depth, greyTable(depth, colours.transparency), out);
  }
  return sampleWriter(channelsByType[colourType]!, depth / 8, colours.transparency, out);
}

function paletteTable({ palette, transparency }: PngColours): Uint8Array {
  const table = new Uint8Array((palette!.length / 3) * 4);
  for (let i = 0; 3 * i < palette!.length; i++) {
    table.set(palette!.subarray(3 * i, 3 * i + 3), 4 * i);
    table[4 * i + 3] = transparency?.[i] ?? 255;
  }
  return table;
}

function greyTable(depth: number, transparency: Uint8Array | undefined): Uint8Array {
  const top = 2 ** depth - 1;
  const clear = transparency ? transparency[1]! & top : -1;
  const table = new Uint8Array(4 * (top + 1));
  for (let level = 0; level <= top; level++) {
    table.fill((255 / top) * level, 4 * level, 4 * level + 3);
    table[4 * level + 3] = level === clear ? 0 : 255;
  }
  return table;
}

/** One sample a pixel, of 1 to 8 bits, that is looked up. */
function tableWriter(depth: number, table: Uint8Array, out: Uint8ClampedArray): RowWriter {
  const mask = 2 ** depth - 1;
  return (row, count, at, step) => {
    for (let i = 0; i < count; i++, at += step) {
      const bit = i * depth;
      const entry = 4 * ((row[bit >> 3]! >> (8 - depth - (bit & 7))) & mask);
      if (entry >= table.length) throw invalidPng("uses a colour beyond its palette", entry / 4);
      out[at] = table[entry]!;
      out[at + 1] = table[entry + 1]!;
      out[at + 2] = table[entry + 2]!;
      out[at + 3] = table[entry + 3]!;
    }
  };
}

/** One to four samples a pixel, of one or two bytes. */
function sampleWriter(
  channels: number,
  bytes: number,
  transparency: Uint8Array | undefined,
  out: Uint8ClampedArray,
): RowWriter {
  const [green, blue] = channels < 3 ? [0, 0] : [bytes, 2 * bytes];
  const hasAlpha = channels === 2 || channels === 4;
  const alpha = (channels - 1) * bytes;
  // The transparent colour's bytes, as they stand in a row.
  const clear = transparency?.filter((_, i) => bytes === 2 || i % 2 === 1);
  return (row, count, at, step) => {
    const level = (i: number) =>
      bytes === 1 ? row[i]! : Math.round((row[i]! * 256 + row[i + 1]!) / 257);
    for (let i = 0; i < count; i++, at += step) {
      const from = i * channels * bytes;
      out[at] = level(from);
      out[at + 1] = level(from + green);
      out[at + 2] = level(from + blue);
      if (hasAlpha) out[at + 3] = level(from + alpha);
      else out[at + 3] = clear?.every((byte, k) => row[from + k] === byte) ? 0 : 255;
    }
  };
}
