import { describe, expect, test } from "vitest";
import { byteText, printable, shortened, timeText } from "./printable.js";
import { createProgress } from "./progress.js";

const eraseLine = "\x1b[2K";
const eraseRest = "\x1b[K";

/** What a terminal of one line shows after each write. */
function terminal(columns: number, isTTY = true) {
  const lines = [""];
  let column = 0;
  return {
    isTTY,
    columns,
    lines,
    write(text: string) {
      // Each control becomes a part of its own.
      const parts = [eraseLine, eraseRest, "\r", "\n"].reduce(
        (pieces, control) =>
          pieces.flatMap((piece) =>
            piece.split(control).flatMap((rest, index) => (index > 0 ? [control, rest] : [rest])),
          ),
        [text],
      );
      for (const part of parts) {
        const last = lines.length - 1;
        if (part === "\r") column = 0;
        else if (part === "\n") {
          lines.push("");
          column = 0;
        } else if (part === eraseLine) lines[last] = "";
        else if (part === eraseRest) lines[last] = lines[last]!.slice(0, column);
        else {
          lines[last] =
            lines[last]!.slice(0, column) + part + lines[last]!.slice(column + part.length);
          column += part.length;
        }
      }
    },
  };
}

function clock() {
  let time = 0;
  return { now: () => time, pass: (milliseconds: number) => (time += milliseconds) };
}

describe("createProgress", () => {
  test("draws one line with steps and time, and leaves what was done", () => {
    const screen = terminal(80);
    const { now, pass } = clock();
    const progress = createProgress(screen, { now, unicode: false });
    progress.begin("a red apple");
    pass(1000);
    progress.step(1, 4);
    expect(screen.lines).toEqual([
      "a red apple  ########----------------------  1/4 steps  1.0 s, 3.0 s left",
    ]);
    pass(10);
    progress.step(2, 4);
    expect(screen.lines[0]).toContain("1/4");
    pass(1990);
    progress.step(3, 4);
    progress.line("note: something");
    pass(1000);
    progress.step(4, 4);
    progress.end();
    expect(screen.lines).toEqual(["note: something", "a red apple  4 steps in 4.0 s", ""]);
  });

  test("never writes beyond the line's end", () => {
    const screen = terminal(30);
    const progress = createProgress(screen, { unicode: true });
    progress.begin("a very long prompt that goes on and on");
    progress.step(1, 20);
    expect(screen.lines[0]!.length).toBeLessThan(30);
    const narrow = terminal(8);
    const tiny = createProgress(narrow, { unicode: true });
    tiny.load({ loadedBytes: 5, totalBytes: 10 });
    expect(narrow.lines[0]!.length).toBeLessThan(8);
  });

  test("where there is no terminal, only what was done", () => {
    const log = terminal(80, false);
    const { now, pass } = clock();
    const progress = createProgress(log, { now });
    progress.load({ loadedBytes: 5, totalBytes: 10 });
    progress.begin("a red apple");
    for (let step = 1; step <= 4; step++) {
      pass(4000);
      progress.step(step, 4);
    }
    progress.end();
    progress.end();
    expect(log.lines).toEqual(["a red apple  4 steps in 0:16", ""]);
  });

  test("what a prompt holds cannot steer the terminal", () => {
    const written: string[] = [];
    const progress = createProgress({ write: (text) => written.push(text) });
    progress.begin("\x1b[31mred\x07\u202e");
    progress.step(1, 1);
    progress.line("\x1b]0;title\x07");
    progress.end();
    for (const control of ["\x07", "\x1b", "\u202e"]) {
      expect(written.join("")).not.toContain(control);
    }
  });
});

test("figures read well", () => {
  expect([999, 1000, 1536, 99_950, 999_499, 999_500, 1.7e9, 2e15].map(byteText)).toEqual([
    "999 B",
    "1.0 kB",
    "1.5 kB",
    "100.0 kB",
    "999 kB",
    "1.0 MB",
    "1.7 GB",
    "2000 TB",
  ]);
  expect([0, 9_940, 9_950, 61_400, 3_601_000].map(timeText)).toEqual([
    "0.0 s",
    "9.9 s",
    "0:10",
    "1:01",
    "1:00:01",
  ]);
  expect(shortened("abcdef", 4)).toBe("abc…");
  expect(shortened("🍎🍎", 2)).toBe("🍎🍎");
  expect(printable("a\nb\u0000c\u202ed")).toBe("a\ufffdb\ufffdc\ufffdd");
});
