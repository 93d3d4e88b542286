import { type Glyph, glyphHeight, glyphOf } from "./font.js";

/** Pixels between glyphs, before scaling. */
const letterGap = 1;

/** Pixels between two lines of text, before scaling. */
const lineGap = 2;

/** Pixels from a line's top to the next one's. */
export const lineHeight = glyphHeight + lineGap;

/** The glyphs of a text: one for each character as a reader counts them, emoji sequences too. */
export function glyphsOf(text: string): Glyph[] {
  const segments = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text);
  return Array.from(segments, ({ segment }) => glyphOf(segment));
}

/** A text's width in pixels, before scaling. */
export function measure(text: string): number {
  const glyphs = glyphsOf(text);
  const widths = glyphs.reduce((sum, { width }) => sum + width + letterGap, 0);
  return Math.max(0, widths - letterGap);
}

/** The longest text that is looked at: far more than any label shows. */
const longestText = 1000;

/**
 * A text in lines of at most `width` pixels, parted at spaces, within words only where one is
 * wider than a line; what does not fit in `maxLines` is left out behind "…".
 */
export function wrap(text: string, width: number, maxLines: number): string[] {
  const words = text
    .slice(0, longestText)
    .trim()
    .split(/\s+/)
    .flatMap((word) => pieces(word, width));
  if (text.length > longestText) words.push("…");
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (measure(longer) <= width) {
      line = longer;
    } else if (lines.length + 1 === maxLines) {
      return [...lines, shorten(longer, width)];
    } else {
      lines.push(line);
      line = word;
    }
  }
  return line === "" ? lines : [...lines, line];
}

/** A word in pieces that each fit a line. */
function pieces(word: string, width: number): string[] {
  if (measure(word) <= width) return [word];
  const out = [""];
  for (const character of word) {
    const longer = out.at(-1)! + character;
    if (longer.length > 1 && measure(longer) > width) out.push(character);
    else out[out.length - 1] = longer;
  }
  return out;
}

/** As much of the text's beginning as fits with "…" behind it. */
function shorten(text: string, width: number): string {
  const characters = Array.from(text);
  while (characters.length > 0 && measure(`${characters.join("").trimEnd()}…`) > width) {
    characters.pop();
  }
  return `${characters.join("").trimEnd()}…`;
}

/** An opaque picture that is being drawn on. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Draws one line of text; `x` and `y` are its top left corner, `scale` a whole number. */
export function drawText(
  canvas: Canvas,
  text: string,
  x: number,
  y: number,
  { scale, grey }: { readonly scale: number; readonly grey: number },
): void {
  for (const { width, rows } of glyphsOf(text)) {
    rows.forEach((row, j) => {
      for (let i = 0; i < width; i++) {
        if (row[i] === "#") fill(canvas, x + i * scale, y + j * scale, scale, scale, grey);
      }
    });
    x += (width + letterGap) * scale;
  }
}

/** Fills a rectangle with a grey; what lies outside of the canvas is left out. */
export function fill(
  { width, height, data }: Canvas,
  x: number,
  y: number,
  columns: number,
  rows: number,
  grey: number,
): void {
  const right = Math.min(width, x + columns);
  for (let j = Math.max(0, y); j < Math.min(height, y + rows); j++) {
    for (let i = Math.max(0, x); i < right; i++)
      data.fill(grey, 4 * (j * width + i), 4 * (j * width + i) + 3);
  }
}

/** The height in pixels of so many lines of text, before scaling. */
export function textHeight(lines: number): number {
  return Math.max(0, lines * lineHeight - lineGap);
}
