import type { RgbaImage } from "@underpaint/web";
import type { Engine, Painted, Wish } from "../engine/engine.js";
import { createTurns, type Turn } from "./turns.js";

/** Told how one picture comes about. */
export interface Watcher {
  onStep?(step: number, steps: number): void;
  onPreview(picture: RgbaImage): void;
}

/** Told how a series of pictures comes about. */
export interface SeriesWatcher {
  onBegin(index: number): void;
  onPreview(index: number, picture: RgbaImage): void;
  onPainted(index: number, painted: Painted): void;
}

/** Paints one thing at a time: what is asked for last is what is painted. */
export interface Painter {
  /** What is under way. */
  readonly busy: "one" | "series" | undefined;
  /** @returns undefined where something else was asked for before it was done. */
  paint(wish: Wish, watcher: Watcher): Promise<Painted | undefined>;
  /**
   * Paints one picture after the other, so that each can be seen as soon as it is done.
   *
   * @returns whether all were painted.
   */
  paintSeries(wishes: readonly Wish[], watcher: SeriesWatcher): Promise<boolean>;
  /** Ends what is under way. */
  stop(): void;
}

/**
 * @param ready the engine, as soon as it is there.
 * @param onBusy called when work begins and when it has ended.
 */
export function createPainter(ready: () => Promise<Engine>, onBusy: () => void): Painter {
  const turns = createTurns();
  let busy: Painter["busy"];
  let painting: Engine | undefined;

  function be(now: Painter["busy"]): void {
    busy = now;
    onBusy();
  }

  /** Takes the turn, does the work, and tells of its end where nothing newer has begun. */
  async function during<T>(
    kind: "one" | "series",
    work: (turn: Turn, engine: Engine) => Promise<T>,
    left: T,
  ): Promise<T> {
    const turn = turns.take();
    // What is under way ends now, though the new work may have to wait for the model.
    painting?.stop();
    be(kind);
    try {
      painting = await ready();
      return turn() ? await work(turn, painting) : left;
    } catch (error) {
      // Work that nobody waits for any more has nothing to tell.
      if (turn()) throw error;
      return left;
    } finally {
      if (turn()) be(undefined);
    }
  }

  return {
    get busy() {
      return busy;
    },
    paint: (wish, watcher) =>
      during("one", (turn, engine) => paintWatched(engine, wish, turn, watcher), undefined),
    paintSeries: (wishes, watcher) =>
      during(
        "series",
        async (turn, engine) => {
          for (const [index, wish] of wishes.entries()) {
            watcher.onBegin(index);
            const painted = await paintWatched(engine, wish, turn, {
              onPreview: (picture) => watcher.onPreview(index, picture),
            });
            if (!painted) return false;
            watcher.onPainted(index, painted);
          }
          return true;
        },
        false,
      ),
    stop() {
      if (!busy) return;
      turns.take();
      painting?.stop();
      be(undefined);
    },
  };
}

/** Paints, and shows the previews that come before the picture: each takes a moment to be made. */
async function paintWatched(
  engine: Engine,
  wish: Wish,
  turn: Turn,
  { onStep, onPreview }: Watcher,
): Promise<Painted | undefined> {
  let done = false;
  const painted = await engine.paint(wish, ({ step, steps, preview }) => {
    onStep?.(step, steps);
    preview.then(
      (picture) => turn() && !done && onPreview(picture),
      // Where a preview fails the picture does too, and says so.
      () => {},
    );
  });
  done = true;
  return turn() ? painted : undefined;
}
