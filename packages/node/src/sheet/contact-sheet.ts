import {
  checkImage,
  createImage,
  maxImagePixels,
  type RgbaImage,
  resize,
  UnderpaintError,
} from "@underpaint/core";
import { type Canvas, drawText, fill, lineHeight, measure, textHeight, wrap } from "./text.js";

/** A picture of a contact sheet and what to write under it. */
export interface ContactSheetCell {
  readonly image: RgbaImage;
  /** Up to two lines are shown. Characters beyond printable ASCII are shown as boxes. */
  readonly label: string;
}

/** Options of {@link contactSheet}. */
export interface ContactSheetOptions {
  /** Pictures in a row. */
  readonly columns: number;
  /**
   * How much larger, or smaller, the pictures are shown, above 0 and up to 64; 1 when left out.
   * Whole numbers repeat pixels, so that each can be seen; others resample with lanczos.
   */
  readonly scale?: number;
  /** Written above the pictures, in larger letters. */
  readonly title?: string;
}

const white = 255;
const frameGrey = 214;
const titleGrey = 17;
const labelGrey = 51;

/** Pixels at the sheet's edges, between cells and between rows, with letters at their own size. */
const margin = 12;
const gap = 10;
const rowGap = 14;
/** Between a picture and its label. */
const labelGap = 4;
const titleGap = 10;

/** Lines that a label and a title may have. */
const labelLines = 2;

/** Cells narrower than this are widened, so that a label has room. */
const narrowestCell = 96;

/** From this width on a cell is so large that letters at their own size look lost. */
const wideCell = 256;

/**
 * One picture of many: rows of pictures on white, each with its label below, laid on white where
 * they are transparent. Made without a canvas; deterministic to the byte.
 *
 * @throws UnderpaintError `invalid-request` for no cells, columns or a scale out of range, a label
 * that is no string, or a sheet of more than {@link maxImagePixels}; `invalid-image` for a cell
 * without a picture.
 */
export function contactSheet(
  cells: readonly ContactSheetCell[],
  options: ContactSheetOptions,
): RgbaImage {
  check(cells, options);
  const layout = layOut(cells, options);
  const { width, height, unit, cellWidth } = layout;
  if (!(width * height <= maxImagePixels)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the contact sheet would be too large",
      value: `${width} × ${height}`,
      allowed: `${maxImagePixels} pixels`,
      remedy: "use fewer cells or a smaller scale",
    });
  }
  const sheet = createImage(width, height, new Uint8ClampedArray(4 * width * height).fill(white));
  const titleStyle = { scale: unit + 1, grey: titleGrey };
  layout.title.forEach((line, i) => {
    drawText(sheet, line, margin * unit, margin * unit + i * lineHeight * (unit + 1), titleStyle);
  });
  cells.forEach(({ image }, i) => {
    const { left, x, y, size, label, labelY } = layout.cells[i]!;
    fill(sheet, x - 1, y - 1, size.width + 2, size.height + 2, frameGrey);
    drawImage(sheet, scaled(image, size), x, y);
    label.forEach((line, k) => {
      const indent = (cellWidth - measure(line) * unit) >> 1;
      const style = { scale: unit, grey: labelGrey };
      drawText(sheet, line, left + indent, labelY + k * lineHeight * unit, style);
    });
  });
  return sheet;
}

function check(cells: readonly ContactSheetCell[], options: ContactSheetOptions): void {
  const { columns, scale = 1, title = "" } = options;
  if (!Array.isArray(cells) || cells.length === 0) {
    throw wrong("a contact sheet has no cells", cells, "a list of { image, label }");
  }
  if (!Number.isInteger(columns) || columns < 1 || columns > 1000) {
    throw wrong("columns is out of range", columns, "a whole number from 1 to 1000");
  }
  if (typeof scale !== "number" || !(scale > 0 && scale <= 64)) {
    throw wrong("scale is out of range", scale, "above 0, up to 64");
  }
  if (typeof title !== "string") throw wrong("title is not a string", title);
  cells.forEach((cell, i) => {
    checkImage(cell?.image, `cell ${i}'s image`);
    if (typeof cell.label !== "string")
      throw wrong(`cell ${i}'s label is not a string`, cell.label);
  });
}

function wrong(what: string, value: unknown, allowed?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what,
    value,
    ...(allowed === undefined ? {} : { allowed }),
  });
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface PlacedCell {
  /** Where the cell begins, which may be wider than its picture. */
  readonly left: number;
  /** The picture's top left corner. */
  readonly x: number;
  readonly y: number;
  readonly size: Size;
  readonly label: readonly string[];
  readonly labelY: number;
}

interface Layout extends Size {
  /** How large one pixel of a letter is; a title's is larger by one. */
  readonly unit: number;
  readonly cellWidth: number;
  readonly title: readonly string[];
  readonly cells: readonly PlacedCell[];
}

/** Columns are as wide as the widest picture, rows as high as their highest; pictures centred. */
function layOut(cells: readonly ContactSheetCell[], options: ContactSheetOptions): Layout {
  const { scale = 1, title = "" } = options;
  const columns = Math.min(options.columns, cells.length);
  const sizes = cells.map(({ image }) => ({
    width: Math.max(1, Math.round(image.width * scale)),
    height: Math.max(1, Math.round(image.height * scale)),
  }));
  const widest = sizes.reduce((most, { width }) => Math.max(most, width), narrowestCell);
  const unit = widest >= wideCell ? 2 : 1;
  const width = (2 * margin + (columns - 1) * gap) * unit + columns * widest;
  const titleWidth = Math.floor((width - 2 * margin * unit) / (unit + 1));
  const titleLines = wrap(title, titleWidth, labelLines);
  const labels = cells.map(({ label }) => wrap(label, Math.floor(widest / unit), labelLines));
  const placed: PlacedCell[] = [];
  let top = margin * unit;
  if (titleLines.length > 0) top += textHeight(titleLines.length) * (unit + 1) + titleGap * unit;
  for (let first = 0; first < cells.length; first += columns) {
    const row = sizes.slice(first, first + columns);
    const highest = Math.max(...row.map(({ height }) => height));
    const lines = Math.max(...labels.slice(first, first + columns).map(({ length }) => length));
    row.forEach((size, i) => {
      const left = margin * unit + i * (widest + gap * unit);
      placed.push({
        left,
        x: left + ((widest - size.width) >> 1),
        y: top + ((highest - size.height) >> 1),
        size,
        label: labels[first + i]!,
        labelY: top + highest + labelGap * unit,
      });
    });
    top += highest + (lines > 0 ? labelGap + textHeight(lines) : 0) * unit + rowGap * unit;
  }
  const height = top + (margin - rowGap) * unit;
  return { width, height, unit, cellWidth: widest, title: titleLines, cells: placed };
}

function scaled(image: RgbaImage, { width, height }: Size): RgbaImage {
  const whole = width % image.width === 0 && height % image.height === 0;
  return resize(image, width, height, { filter: whole ? "nearest" : "lanczos" });
}

/** Lays a picture on the sheet, on white where it is transparent. */
function drawImage(sheet: Canvas, image: RgbaImage, x: number, y: number): void {
  for (let row = 0; row < image.height; row++) {
    let to = 4 * ((y + row) * sheet.width + x);
    for (let i = row * image.width; i < (row + 1) * image.width; i++, to += 4) {
      const alpha = image.data[4 * i + 3]!;
      for (let channel = 0; channel < 3; channel++) {
        const sample = image.data[4 * i + channel]!;
        sheet.data[to + channel] = (sample * alpha + white * (255 - alpha)) / 255;
      }
    }
  }
}
