import type { Painted, Wish } from "../engine/engine.js";
import type { Painter } from "../painting/painter.js";
import { announce } from "../ui/announce.js";
import { createVariationsView } from "../ui/variations-view.js";

/** Variations that are painted at a time. */
const count = 12;

/** Pictures of one wish, by seeds from its own on, to pick from. */
export interface VariationsPanel {
  /** @returns whether all were painted before anything else was asked for. */
  paint(wish: Wish): Promise<boolean>;
  /** Says that no more pictures come. */
  end(): void;
  /** Takes the mark off the one that was picked. */
  unpick(): void;
}

/** @param onPick called with the picture that the user picks. */
export function createVariationsPanel(
  painter: Painter,
  onPick: (picked: Painted) => void,
): VariationsPanel {
  let pictures: (Painted | undefined)[] = [];
  const view = createVariationsView(count, (index) => {
    const picked = pictures[index];
    if (!picked) return;
    onPick(picked);
    announce(`Picked variation ${index + 1}, seed ${picked.recipe.seed}.`);
  });

  return {
    async paint(wish) {
      const wishes = Array.from({ length: count }, (_, k) => ({ ...wish, seed: wish.seed + k }));
      pictures = [];
      view.begin(wishes.map(({ seed }) => seed));
      announce("Painting twelve variations.");
      const all = await painter.paintSeries(wishes, {
        onBegin: view.working,
        onPreview: view.preview,
        onPainted(index, painted) {
          pictures[index] = painted;
          view.done(index, painted.image);
        },
      });
      if (!all) return false;
      view.end();
      announce("All twelve variations are there.");
      return true;
    },
    end: view.end,
    unpick: view.unpick,
  };
}
