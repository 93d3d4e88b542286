import { describe, expect, it } from "vitest";
import { type MergeTable, mergeWord, mergeWorkspace, pairKey } from "./byte-pairs.js";

/** Merges given as [left, right, made], the first first. */
function tableOf(merges: readonly (readonly [number, number, number])[]): MergeTable {
  return {
    ranks: new Map(merges.map(([left, right], rank) => [pairKey(left, right), rank])),
    merged: Int32Array.from(merges, ([, , made]) => made),
  };
}

function merge(table: MergeTable, word: readonly number[]) {
  const workspace = mergeWorkspace(word.length);
  workspace.symbols.set(word);
  const count = mergeWord(table, workspace, word.length);
  return {
    symbols: [...workspace.symbols.subarray(0, count)],
    spans: [...workspace.spans.subarray(0, count)],
  };
}

/** The algorithm as its paper tells it: look through the whole word for each merge. */
function mergeSlowly({ ranks, merged }: MergeTable, word: readonly number[]): number[] {
  const symbols = [...word];
  for (;;) {
    let best: { at: number; rank: number } | undefined;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const rank = ranks.get(pairKey(symbols[at]!, symbols[at + 1]!));
      if (rank !== undefined && (best === undefined || rank < best.rank)) best = { at, rank };
    }
    if (!best) return symbols;
    symbols.splice(best.at, 2, merged[best.rank]!);
  }
}

// 0 and 1 are letters; every other symbol is made of two.
const chain = tableOf([
  [0, 0, 2],
  [0, 1, 3],
  [2, 2, 4],
  [3, 2, 5],
  [4, 4, 6],
  [1, 3, 7],
  [6, 6, 8],
  [7, 5, 9],
]);

describe("mergeWord", () => {
  it("merges the lowest rank first, and of equals the leftmost", () => {
    expect(merge(chain, [0, 0, 0])).toEqual({ symbols: [2, 0], spans: [2, 1] });
    // 1010100 → 10101 2 → 1 3 3 2 → 1 3 5 → 7 5 → 9
    expect(merge(chain, [1, 0, 1, 0, 1, 0, 0])).toEqual({ symbols: [9], spans: [7] });
  });

  it("has nothing to do in words of one symbol or none", () => {
    expect(merge(chain, [1])).toEqual({ symbols: [1], spans: [1] });
    expect(merge(chain, [])).toEqual({ symbols: [], spans: [] });
  });

  it("agrees with the plain algorithm on every word of 12 letters", () => {
    for (let bits = 0; bits < 2 ** 12; bits++) {
      const word = Array.from({ length: 12 }, (_, i) => (bits >> i) & 1);
      const { symbols, spans } = merge(chain, word);
      expect(symbols).toEqual(mergeSlowly(chain, word));
      expect(spans.reduce((sum, span) => sum + span, 0)).toBe(12);
    }
  });

  it("looks up a number of pairs that grows with the word, not with its square", () => {
    const lookups = (length: number): number => {
      let count = 0;
      const counted: MergeTable = {
        merged: chain.merged,
        ranks: {
          get(pair) {
            count++;
            return chain.ranks.get(pair);
          },
        },
      };
      merge(
        counted,
        Array.from({ length }, (_, i) => (i % 7 === 3 ? 1 : 0)),
      );
      return count;
    };
    const [half, whole] = [lookups(50_000), lookups(100_000)];
    expect(whole / half).toBeCloseTo(2, 2);
    // Each symbol is looked up with its right neighbour at first, and at most three pairs for each
    // merge: the one that is merged, and those to the left and right of what it made.
    expect(whole).toBeLessThan(6 * 100_000);
  });
});
