/** Paints with every change of a drawing. */
export interface Live {
  /** Something has changed. */
  changed(): void;
}

/**
 * Paints anew with every change, the newest winning, but no faster than something can be seen:
 * what is being painted is replaced when its first preview is there. Else a pen that does not rest
 * would let nothing come about.
 *
 * @param paint paints what is there now, and calls `seen` at the first preview.
 */
export function createLive(paint: (seen: () => void) => Promise<void>): Live {
  let changes = false;
  let running = 0;
  let visible = true;

  async function start(): Promise<void> {
    changes = false;
    visible = false;
    running++;
    await paint(seen).catch(() => {});
    running--;
    if (running === 0) {
      visible = true;
      if (changes) void start();
    }
  }

  function seen(): void {
    visible = true;
    if (changes) void start();
  }

  return {
    changed() {
      changes = true;
      if (visible) void start();
    },
  };
}
