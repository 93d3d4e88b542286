import { describe, expect, it } from "vitest";
import { glyphHeight, glyphOf } from "./font.js";
import { drawText, glyphsOf, measure, wrap } from "./text.js";

const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

describe("the font", () => {
  it("has a well-formed glyph of its own for every printable character", () => {
    const box = glyphOf("□").rows.join("\n");
    const seen = new Map<string, string>();
    for (const character of [...ascii, "…", "□"]) {
      const { width, rows } = glyphOf(character);
      expect(rows, character).toHaveLength(glyphHeight);
      for (const row of rows) expect(row, character).toMatch(/^[#.]+$/);
      for (const row of rows) expect(row, character).toHaveLength(width);
      const drawn = rows.join("\n");
      expect(seen.get(drawn), `${character} looks like another`).toBeUndefined();
      seen.set(drawn, character);
      if (character !== "□") expect(drawn).not.toBe(box);
    }
    expect(seen.size).toBe(97);
  });

  it("has digits of one width, other glyphs without empty edges, and one baseline", () => {
    for (const digit of "0123456789") expect(glyphOf(digit).width).toBe(4);
    for (const character of ascii.slice(1)) {
      const { width, rows } = glyphOf(character);
      for (const column of /\d/.test(character) ? [] : [0, width - 1]) {
        expect(
          rows.some((row) => row[column] === "#"),
          character,
        ).toBe(true);
      }
      if (/[A-Za-z0-9]/.test(character)) expect(rows[6], character).toContain("#");
      if (/[A-Z0-9bdfhkl]/.test(character)) expect(rows[7], character).not.toContain("#");
    }
  });

  it("shows everything else as one box a character, sequences of emoji too", () => {
    const box = glyphOf("□");
    expect(glyphsOf("猫\u{1f468}\u200d\u{1f469}\u200d\u{1f467}é\u0301\n")).toEqual([
      box,
      box,
      box,
      box,
    ]);
  });
});

describe("wrap", () => {
  it("parts at spaces, and fills lines", () => {
    expect(wrap("one two three", measure("one two"), 3)).toEqual(["one two", "three"]);
    expect(wrap("  one\n two\t", measure("one two"), 3)).toEqual(["one two"]);
    expect(wrap("", 50, 2)).toEqual([]);
    expect(wrap(" \n ", 50, 2)).toEqual([]);
  });

  it("shortens what does not fit", () => {
    const [line, ...rest] = wrap("a red apple on a table", measure("a red app"), 1);
    expect(rest).toEqual([]);
    expect(line).toMatch(/^a red ap?p?…$/);
    expect(wrap("one two three", measure("three"), 2)).toEqual(["one", "two…"]);
  });

  it("parts words that are wider than a line", () => {
    const lines = wrap("abcdefghijkl", measure("abcd"), 9);
    expect(lines.join("")).toBe("abcdefghijkl");
    expect(lines.length).toBeGreaterThan(1);
  });

  it("keeps every line within the width, whatever the text", () => {
    const texts = [
      ascii.join(""),
      "猫 ".repeat(50),
      "W".repeat(300),
      "a b ".repeat(400),
      "x".repeat(1e6),
    ];
    for (const text of texts) {
      for (const width of [12, 30, 77, 200]) {
        const lines = wrap(text, width, 2);
        expect(lines.length).toBeLessThanOrEqual(2);
        for (const line of lines) expect(measure(line)).toBeLessThanOrEqual(width);
      }
    }
  });
});

describe("drawText", () => {
  const draw = (text: string, x: number, y: number, scale: number) => {
    const [width, height] = [24, 20];
    const canvas = { width, height, data: new Uint8ClampedArray(4 * width * height).fill(255) };
    drawText(canvas, text, x, y, { scale, grey: 0 });
    return Array.from({ length: height }, (_, j) =>
      Array.from({ length: width }, (_, i) =>
        canvas.data[4 * (j * width + i)] === 0 ? "#" : ".",
      ).join(""),
    );
  };

  it("sets each pixel of each glyph, at any scale", () => {
    const once = draw("Ag", 1, 1, 1);
    expect(once.slice(1, 10).map((row) => row.slice(1, 11))).toEqual(
      glyphOf("A").rows.map((row, j) => `${row}.${glyphOf("g").rows[j]}`),
    );
    const twice = draw("Ag", 1, 1, 2);
    expect(twice.slice(1, 19).map((row) => row.slice(1, 21))).toEqual(
      once.slice(1, 10).flatMap((row) => {
        const wide = [...row.slice(1, 11)].map((pixel) => pixel + pixel).join("");
        return [wide, wide];
      }),
    );
  });

  it("leaves out what lies outside", () => {
    expect(draw("AAAAAAAA", -3, -2, 1).join("")).toMatch(/#/);
    expect(draw("AAAA", 18, 15, 2)).toHaveLength(20);
    expect(draw("A", 30, 30, 1).join("")).not.toMatch(/#/);
  });
});
