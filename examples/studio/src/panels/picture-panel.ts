import type { RgbaImage } from "@underpaint/web";
import type { Painted, Wish } from "../engine/engine.js";
import { remark } from "../engine/explain.js";
import { type Signed, savePicture } from "../files/save.js";
import type { Painter } from "../painting/painter.js";
import { announce } from "../ui/announce.js";
import { enable, find, isEnabled, onPress } from "../ui/dom.js";
import { createPictureView, type PictureView } from "../ui/picture-view.js";

/** The large picture, and what can be done with it. */
export interface PicturePanel {
  readonly view: PictureView;
  /** The picture that is shown, once it is done. */
  readonly picture: Signed | undefined;
  /**
   * Paints one picture.
   *
   * @param waiting what is said until there is a first step.
   * @param onSeen called when there is something to see.
   * @returns whether it was done before anything else was asked for.
   */
  paint(wish: Wish, waiting: string, onSeen: () => void): Promise<boolean>;
  show(picture: Signed & Partial<Painted>, note?: string): void;
  /** Nothing more comes of what was being painted: the picture before is shown again. */
  stopped(): void;
  save(): void;
}

/** @param onPaintOver called with the picture that the user wants to paint over. */
export function createPicturePanel(
  painter: Painter,
  onPaintOver: (picture: RgbaImage) => void,
): PicturePanel {
  const view = createPictureView();
  const buttons = ["save", "paint-over"].map((id) => find(id, HTMLButtonElement));
  let picture: Signed | undefined;

  /** What is shown is the picture, and no preview: it can be saved, and painted over. */
  function settle(settled: boolean): void {
    for (const button of buttons) enable(button, settled && picture !== undefined);
  }

  const panel: PicturePanel = {
    view,
    get picture() {
      return picture;
    },
    async paint(wish, waiting, onSeen) {
      view.waiting(waiting);
      settle(false);
      const painted = await painter.paint(wish, {
        onStep: view.step,
        onPreview(preview) {
          view.preview(preview);
          onSeen();
        },
      });
      if (!painted) return false;
      panel.show(painted);
      return true;
    },
    show(shown, note) {
      picture = shown;
      const time = shown.seconds === undefined ? "" : ` · ${shown.seconds.toFixed(1)} s`;
      view.done(shown.image, captionOf(shown) + time, note ?? remark(shown.warnings ?? []));
      settle(true);
    },
    stopped() {
      view.stopped(picture?.image);
      settle(true);
    },
    save() {
      if (!picture || !isEnabled(buttons[0]!)) return;
      announce(`Saved as ${savePicture(picture)}, with its recipe.`);
    },
  };
  onPress(buttons[0]!, panel.save);
  onPress(buttons[1]!, () => picture && onPaintOver(picture.image));
  return panel;
}

/** A picture in a few words. */
export function captionOf({ recipe: { prompt, seed, steps } }: Signed): string {
  return `${prompt || "no words"} · seed ${seed} · ${steps} ${steps === 1 ? "step" : "steps"}`;
}
