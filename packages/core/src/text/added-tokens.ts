import { normalizeText } from "./normalize.js";
import type { AddedToken } from "./special-tokens.js";

/** Part of a text: a token that was found in it, or what lies between such tokens. */
export interface TextPart {
  readonly start: number;
  readonly end: number;
  /** The token's id; undefined for text. */
  readonly id: number | undefined;
}

/** Cuts a text at the added tokens that are in it. The parts cover the text, in order. */
export type AddedTokenFinder = (text: string) => Iterable<TextPart>;

// What Rust's regular expressions take for \w, which the reference looks for around a token.
const wordBefore = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const wordAfter = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const whiteSpace = /\p{White_Space}+/gu;

/**
 * A finder of tokens, which are all to be found in written text, or all in normalised text. Where
 * several begin at one place, the longest is found.
 */
export function addedTokenFinder(tokens: readonly AddedToken[]): AddedTokenFinder {
  if (tokens.length === 0) return (text) => [{ start: 0, end: text.length, id: undefined }];
  // Normalised text keeps its white space (see normalizeText), which the reference collapses.
  const contents = new Map(
    tokens.map((token) => {
      const { content, normalized } = token;
      return [normalized ? collapse(normalizeText(content).text) : content, token];
    }),
  );
  const pattern = new RegExp(
    [...contents]
      .sort(([a], [b]) => b.length - a.length)
      .map(([content, { normalized }]) => {
        const escaped = content.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
        return normalized ? escaped.replaceAll(" ", whiteSpace.source) : escaped;
      })
      .join("|"),
    "gu",
  );
  return function* (text) {
    let from = 0;
    for (const match of text.matchAll(pattern)) {
      const [found] = match;
      const end = match.index + found.length;
      const token = contents.get(found) ?? contents.get(collapse(found))!;
      if (token.singleWord && isInsideWord(text, match.index, end)) continue;
      if (from < match.index) yield { start: from, end: match.index, id: undefined };
      yield { start: match.index, end, id: token.id };
      from = end;
    }
    if (from < text.length) yield { start: from, end: text.length, id: undefined };
  };
}

function collapse(text: string): string {
  return text.replace(whiteSpace, " ");
}

function isInsideWord(text: string, start: number, end: number): boolean {
  // Two units hold any one character.
  return (
    wordBefore.test(text.slice(Math.max(0, start - 2), start)) ||
    wordAfter.test(text.slice(end, end + 2))
  );
}
