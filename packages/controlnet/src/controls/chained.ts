import { type Hint, hintOf } from "../hints/hint.js";

/** A hint made of a hint: the notices of both. */
export function chained(first: Hint, next: (hint: Hint) => Hint): Hint {
  const { width, height, data, notices } = next(first);
  return hintOf(width, height, data, [...first.notices, ...notices]);
}
