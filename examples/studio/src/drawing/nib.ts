import { find } from "../ui/dom.js";

/** A ring that shows where the pen is and how large it draws. */
export interface Nib {
  /** In pixels of the canvas. */
  show(x: number, y: number, size: number, down: boolean): void;
  hide(): void;
}

export function createNib(canvasSize: number): Nib {
  const ring = find("nib", HTMLElement);
  return {
    show(x, y, size, down) {
      const percent = (pixels: number): string => `${(100 * pixels) / canvasSize}%`;
      ring.hidden = false;
      ring.classList.toggle("down", down);
      ring.style.left = percent(x);
      ring.style.top = percent(y);
      ring.style.width = percent(size);
    },
    hide() {
      ring.hidden = true;
    },
  };
}
