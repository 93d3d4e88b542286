import { characterClass, letter, other, space } from "./character-classes.js";

const markers = ["<|startoftext|>", "<|endoftext|>"];
const contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

/**
 * Finds the words of a normalised text, which are tokenized each by itself: a contraction's end
 * ('s, 't, 're, 've, 'm, 'll, 'd), a run of letters, one digit, or a run of anything else that is
 * not white space. A combining mark counts as "anything else".
 *
 * Calls `visit` with the first unit and the end of each word, in order.
 */
export function forEachWord(text: string, visit: (start: number, end: number) => void): void {
  for (let start = 0; start < text.length; ) {
    const codePoint = text.codePointAt(start)!;
    const kind = characterClass(codePoint);
    let end = start + (codePoint > 0xffff ? 2 : 1);
    if (kind === letter) end = endOfRun(text, end, letter);
    else if (kind === other) {
      const fixed = fixedWord(text, start);
      // A written-out marker is kept from growing into the symbols after it, then split like text.
      if (fixed?.startsWith("<")) {
        visit(start, start + 2);
        visit(start + 2, start + fixed.length - 2);
        visit(start + fixed.length - 2, start + fixed.length);
        start += fixed.length;
        continue;
      }
      end = fixed === undefined ? endOfRun(text, end, other) : start + fixed.length;
    }
    if (kind !== space) visit(start, end);
    start = end;
  }
}

function fixedWord(text: string, start: number): string | undefined {
  const candidates = text[start] === "'" ? contractions : text[start] === "<" ? markers : [];
  return candidates.find((word) => text.startsWith(word, start));
}

function endOfRun(text: string, end: number, kind: typeof letter | typeof other): number {
  while (end < text.length) {
    const codePoint = text.codePointAt(end)!;
    if (characterClass(codePoint) !== kind) break;
    end += codePoint > 0xffff ? 2 : 1;
  }
  return end;
}
