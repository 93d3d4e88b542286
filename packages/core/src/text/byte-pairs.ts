/** The merges of a byte-pair vocabulary, by the ids of the two symbols that are merged. */
export interface MergeTable {
  /** {@link pairKey} of two symbols → the merge's rank; a lower rank is merged first. */
  readonly ranks: { get(pair: number): number | undefined };
  /** The id of the symbol that the merge of each rank makes. */
  readonly merged: Int32Array;
}

/** Ids and ranks are below this, so that a pair and a queue's entry are exact in a double. */
export const largestVocabulary = 2 ** 20;

/** One number for two symbols next to each other. */
export function pairKey(left: number, right: number): number {
  return left * largestVocabulary + right;
}

/** Room to merge words of up to `capacity` symbols in; used by one word at a time. */
export interface MergeWorkspace {
  /** The symbols of the word; {@link mergeWord} leaves those of the result here. */
  readonly symbols: Int32Array;
  /** How many of the word's symbols each symbol of the result spans. */
  readonly spans: Int32Array;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  readonly queue: Float64Array;
}

export function mergeWorkspace(capacity: number): MergeWorkspace {
  return {
    symbols: new Int32Array(capacity),
    spans: new Int32Array(capacity),
    next: new Int32Array(capacity),
    previous: new Int32Array(capacity),
    // Each of the fewer than `capacity` merges takes one entry out and puts at most two in.
    queue: new Float64Array(3 * capacity),
  };
}

const none = -1;
const positions = 2 ** 32;

/**
 * Merges the first `count` symbols of the workspace in place: always the pair of lowest rank, the
 * leftmost of equals, until no pair has a merge (byte-pair encoding: Sennrich, Haddow and Birch
 * 2016, "Neural Machine Translation of Rare Words with Subword Units"). Returns how many symbols
 * are left.
 *
 * A linked list and a heap keep a word of n symbols at O(n·log n).
 */
export function mergeWord(table: MergeTable, workspace: MergeWorkspace, count: number): number {
  const { symbols, spans, next, previous, queue } = workspace;
  const { ranks, merged } = table;
  let queued = 0;
  const push = (position: number) => {
    const right = next[position]!;
    if (right === none) return;
    const rank = ranks.get(pairKey(symbols[position]!, symbols[right]!));
    if (rank === undefined) return;
    queued = heapPush(queue, queued, rank * positions + position);
  };
  for (let i = 0; i < count; i++) {
    spans[i] = 1;
    previous[i] = i - 1;
    next[i] = i + 1 < count ? i + 1 : none;
  }
  for (let i = 0; i < count; i++) push(i);
  while (queued > 0) {
    const top = queue[0]!;
    queued = heapPop(queue, queued);
    const rank = Math.floor(top / positions);
    const left = top - rank * positions;
    const right = next[left]!;
    // The entry may tell of a pair that an earlier merge has taken apart.
    if (spans[left] === 0 || right === none) continue;
    if (ranks.get(pairKey(symbols[left]!, symbols[right]!)) !== rank) continue;
    symbols[left] = merged[rank]!;
    spans[left] = spans[left]! + spans[right]!;
    spans[right] = 0;
    const after = next[right]!;
    next[left] = after;
    if (after !== none) previous[after] = left;
    if (previous[left] !== none) push(previous[left]!);
    push(left);
  }
  let kept = 0;
  for (let i = 0; i !== none && count > 0; i = next[i]!) {
    symbols[kept] = symbols[i]!;
    spans[kept++] = spans[i]!;
  }
  return kept;
}

function heapPush(heap: Float64Array, size: number, value: number): number {
  let at = size;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = value;
  return size + 1;
}

function heapPop(heap: Float64Array, size: number): number {
  const rest = size - 1;
  const value = heap[rest]!;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= rest) break;
    if (child + 1 < rest && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
  return rest;
}
