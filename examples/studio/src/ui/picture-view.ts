import type { RgbaImage } from "@underpaint/web";
import { find } from "./dom.js";
import { showEnlarged } from "./show.js";

/** The large picture. */
export interface PictureView {
  /** The model is on its way: `share` of it, from 0 to 1, is there. */
  loading(text: string, share: number): void;
  /** Something is being painted and nothing of it can be seen yet. */
  waiting(text: string): void;
  /** A step is done. */
  step(step: number, steps: number): void;
  /** What it is becoming. */
  preview(picture: RgbaImage): void;
  /** It is done. */
  done(picture: RgbaImage, caption: string, remark?: string): void;
  /** Nothing more comes of what was under way; `before` is shown in its place. */
  stopped(before: RgbaImage | undefined): void;
  /** The model is there. */
  ready(): void;
}

/** What is to be seen; the styles know it by the attribute `data-state`. */
type State = "empty" | "loading" | "working" | "done" | "stopped";

export function createPictureView(): PictureView {
  const section = find("picture", HTMLElement);
  const canvas = find("picture-canvas", HTMLCanvasElement);
  const bar = find("picture-progress", HTMLProgressElement);
  const text = find("picture-text", HTMLElement);
  const caption = find("caption", HTMLElement);
  const progress = find("picture-progress-text", HTMLElement);
  let last = "";

  function be(state: State, said: string, share = 0): void {
    section.dataset.state = state;
    progress.textContent = said;
    bar.value = share;
  }

  function tell(line: string, remark = ""): void {
    caption.replaceChildren(line);
    if (!remark) return;
    const note = document.createElement("span");
    note.className = "remark";
    note.textContent = remark;
    caption.append(note);
  }

  return {
    loading(said, share) {
      if (section.dataset.state === "working") bar.value = share;
      else be("loading", said, share);
    },
    waiting(said) {
      be("working", said);
      last = "";
    },
    step(step, steps) {
      last = `step ${step} of ${steps}`;
      be("working", `Step ${step} of ${steps}`, step / steps);
    },
    preview(picture) {
      showEnlarged(canvas, picture);
      canvas.classList.add("preview");
      canvas.setAttribute("aria-label", "A preview of the picture");
      text.hidden = true;
    },
    done(picture, line, remark) {
      showEnlarged(canvas, picture);
      canvas.classList.remove("preview");
      canvas.setAttribute("aria-label", line);
      text.hidden = true;
      tell(line, remark);
      be("done", "");
    },
    stopped(before) {
      if (section.dataset.state !== "working" && section.dataset.state !== "loading") return;
      if (before) {
        showEnlarged(canvas, before);
        canvas.classList.remove("preview");
      }
      be("stopped", last ? `Stopped at ${last}` : "Stopped");
    },
    ready() {
      if (section.dataset.state === "loading") be(text.hidden ? "done" : "empty", "");
    },
  };
}
