/** Whether a piece of work is still the one that is wanted. */
export type Turn = () => boolean;

/** One thing is done at a time: whoever takes a turn ends the one before. */
export interface Turns {
  take(): Turn;
}

export function createTurns(): Turns {
  let newest = 0;
  return {
    take() {
      newest++;
      const mine = newest;
      return () => mine === newest;
    },
  };
}
