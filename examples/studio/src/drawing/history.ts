/** States to go back to, and forward again. */
export interface History<T> {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** A new state; what was undone before is forgotten. */
  push(state: T): void;
  /** The state before; the same where there is none. */
  undo(): T;
  /** The state that was undone last; the same where there is none. */
  redo(): T;
}

/** A history of at most `limit` states: each may be as large as a drawing. */
export function createHistory<T>(first: T, limit = 40): History<T> {
  let states = [first];
  let at = 0;
  return {
    get canUndo() {
      return at > 0;
    },
    get canRedo() {
      return at < states.length - 1;
    },
    push(state) {
      states = [...states.slice(0, at + 1), state].slice(-limit);
      at = states.length - 1;
    },
    undo() {
      at = Math.max(0, at - 1);
      return states[at]!;
    },
    redo() {
      at = Math.min(states.length - 1, at + 1);
      return states[at]!;
    },
  };
}
