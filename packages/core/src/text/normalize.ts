/** A text as the tokenizer sees it, with the way back to the text it was made from. */
export interface NormalizedText {
  readonly text: string;
  /**
   * Where UTF-16 unit `i` of `text` comes from: units `starts[i]` to `ends[i]` of the original.
   * Left out where unit `i` simply is the original's unit `i`.
   */
  readonly starts?: Int32Array;
  readonly ends?: Int32Array;
}

interface Change {
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

// Below this no character is a combining mark, and none is changed by NFC.
const firstMark = 0x300;
const mark = /^\p{M}$/u;

// The reference composes and orders by Unicode 9. These characters gained compositions or combining
// classes since, up to Unicode 17. Kept from their neighbours, they stay as they are in the
// reference, and on engines that are older than they are.
const newerRanges =
  "7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1add 1ae0-1aeb 1df6-1dfa a82c 105d2 105da " +
  "10d24-10d27 10d69-10d6d 10eab-10eac 10efa-10efb 10efd-10eff 10f46-10f50 10f82-10f85 11070 " +
  "1133b 11382-113c9 113ce-113d0 1145e 11839-1183a 11935 1193d-1193e 11943 119e0 11a34 11a47 " +
  "11a99 11d42 11d44-11d45 11d97 11f41-11f42 1611e-16129 1612f 16d63-16d6a 16ff0-16ff1 1e08f " +
  "1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1e6e3 1e6e6 1e6ee-1e6ef 1e6f5";
const newer = new RegExp(`[${newerRanges.replace(/[^ -]+/g, "\\u{$&}").replaceAll(" ", "")}]`, "u");

/**
 * NFC, then lower case, as the reference's normaliser has them. White space is left as it is,
 * since words are split at it and it is dropped.
 *
 * Lower case is taken character by character: every Σ becomes σ, at a word's end too, and İ becomes
 * i with a dot above. A lone surrogate becomes U+FFFD, which is what it is when encoded as UTF-8.
 *
 * Takes linear time for whatever text, but for the n·log n of sorting combining marks.
 */
export function normalizeText(original: string): NormalizedText {
  const source = original.replace(/\p{Cs}/gu, "\ufffd");
  const parts: string[] = [];
  const changes: Change[] = [];
  let kept = 0;
  for (let start = 0; start < source.length; ) {
    const end = endOfCluster(source, start);
    if (end > start + 1 || source.charCodeAt(start) >= firstMark || source[start] === "İ") {
      const cluster = source.slice(start, end);
      const composed = compose(cluster);
      if (composed !== cluster || cluster.includes("İ")) {
        const lowered = lowerCase(composed);
        parts.push(lowerCase(source.slice(kept, start)), lowered);
        changes.push({ start, end, length: lowered.length });
        kept = end;
      }
    }
    start = end;
  }
  if (changes.length === 0) return { text: lowerCase(source) };
  parts.push(lowerCase(source.slice(kept)));
  return { text: parts.join(""), ...alignment(source.length, changes) };
}

/** The end of what NFC may join to the character at `start`: the marks and jamo that follow it. */
function endOfCluster(text: string, start: number): number {
  const first = text.codePointAt(start)!;
  let end = start + width(first);
  if (first >= firstMark && newer.test(String.fromCodePoint(first))) return end;
  while (end < text.length) {
    const codePoint = text.codePointAt(end)!;
    if (codePoint < firstMark || !joins(codePoint)) break;
    end += width(codePoint);
  }
  return end;
}

/** Whether a character may compose with, or be reordered with, the one before it. */
function joins(codePoint: number): boolean {
  const character = String.fromCodePoint(codePoint);
  const isJamo = codePoint >= 0x1160 && codePoint <= 0x11ff; // Hangul's medials and finals
  return isJamo || (mark.test(character) && !newer.test(character));
}

function width(codePoint: number): 1 | 2 {
  return codePoint > 0xffff ? 2 : 1;
}

// The one character whose lower case depends on its neighbours, in an engine's toLowerCase, is Σ.
function lowerCase(text: string): string {
  return text.replaceAll("Σ", "σ").toLowerCase();
}

// Engines put combining marks in order by insertion, which takes quadratic time where a character
// carries many in the wrong order; up to here that is quick.
const longestClusterAsIs = 64;

function compose(cluster: string): string {
  const ordered = cluster.length > longestClusterAsIs ? orderMarks(cluster) : cluster;
  return ordered.normalize("NFC");
}

/** The cluster decomposed and in canonical order (UAX #15), so that normalising only composes. */
function orderMarks(cluster: string): string {
  const decompositions = new Map<string, string[]>();
  const out: string[] = [];
  let run: string[] = [];
  const flush = () => {
    const ranks = combiningRanks(new Set(run));
    run.sort((a, b) => ranks.get(a)! - ranks.get(b)!);
    for (const character of run) out.push(character);
    run = [];
  };
  const combining = new Map<string, boolean>();
  for (const character of cluster) {
    let decomposed = decompositions.get(character);
    if (!decomposed) {
      decomposed = [...character.normalize("NFD")];
      decompositions.set(character, decomposed);
      for (const each of decomposed) combining.set(each, isReordered(each));
    }
    for (const each of decomposed) {
      if (combining.get(each)) run.push(each);
      else {
        if (run.length > 0) flush();
        out.push(each);
      }
    }
  }
  if (run.length > 0) flush();
  return out.join("");
}

/** Whether `second` moves before `first` in canonical order: its combining class is lower. */
function swaps(first: string, second: string): boolean {
  return (first + second).normalize("NFD") !== first + second;
}

/** Whether a character's combining class is not 0, told by U+0334 (class 1) and U+0345 (240). */
function isReordered(character: string): boolean {
  return swaps(character, "\u0334") || swaps("\u0345", character);
}

/** The order of combining classes, which engines do not tell but act on, for some marks. */
function combiningRanks(marks: ReadonlySet<string>): Map<string, number> {
  const sorted = [...marks].sort((a, b) => (swaps(b, a) ? -1 : swaps(a, b) ? 1 : 0));
  const ranks = new Map<string, number>();
  let rank = 0;
  for (const [index, character] of sorted.entries()) {
    if (index > 0 && swaps(character, sorted[index - 1]!)) rank++;
    ranks.set(character, rank);
  }
  return ranks;
}

/** Each changed cluster's units come from the whole cluster; all others from themselves. */
function alignment(
  originalLength: number,
  changes: readonly Change[],
): { starts: Int32Array; ends: Int32Array } {
  const growth = changes.reduce((sum, { start, end, length }) => sum + length - (end - start), 0);
  const starts = new Int32Array(originalLength + growth);
  const ends = new Int32Array(originalLength + growth);
  let at = 0;
  let from = 0;
  const keepUntil = (stop: number) => {
    for (; from < stop; from++, at++) {
      starts[at] = from;
      ends[at] = from + 1;
    }
  };
  for (const { start, end, length } of changes) {
    keepUntil(start);
    starts.fill(start, at, at + length);
    ends.fill(end, at, at + length);
    at += length;
    from = end;
  }
  keepUntil(originalLength);
  return { starts, ends };
}
