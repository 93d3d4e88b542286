import type { Board } from "./board.js";
import type { Nib } from "./nib.js";
import type { PenPoint } from "./stroke.js";
import type { Tools } from "./tools.js";

/** A pen's eraser end, in `PointerEvent.buttons`. */
const eraserEnd = 32;

/** Lets mouse, finger and pen draw. */
export function drawByPointer(
  canvas: HTMLCanvasElement,
  board: Board,
  tools: Tools,
  nib: Nib,
): void {
  let drawing: number | undefined;

  function pointOf(event: PointerEvent): PenPoint {
    const box = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * canvas.width,
      y: ((event.clientY - box.top) / box.height) * canvas.height,
      // A mouse tells 0.5 and most fingers 0: pens alone know how firmly they are pressed.
      pressure: event.pointerType === "pen" ? event.pressure : 1,
    };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (drawing !== undefined || (event.button !== 0 && !(event.buttons & eraserEnd))) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    drawing = event.pointerId;
    const { tool } = tools;
    board.begin(event.buttons & eraserEnd ? { ...tool, kind: "eraser" } : tool, pointOf(event));
  });

  canvas.addEventListener("pointermove", (event) => {
    const { x, y } = pointOf(event);
    if (event.pointerType !== "touch") nib.show(x, y, tools.tool.size, drawing !== undefined);
    if (event.pointerId !== drawing) return;
    // A pen reports more often than the page is drawn: the points between come along.
    const events = event.getCoalescedEvents();
    for (const part of events.length > 0 ? events : [event]) board.move(pointOf(part));
  });

  function end(event: PointerEvent): void {
    if (event.pointerId !== drawing) return;
    drawing = undefined;
    board.end();
  }
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => nib.hide());
}
