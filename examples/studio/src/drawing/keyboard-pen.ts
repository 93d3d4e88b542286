import { announce } from "../ui/announce.js";
import type { Board } from "./board.js";
import type { Nib } from "./nib.js";
import type { Tools } from "./tools.js";

const directions: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Pixels that an arrow moves the pen by, and with Shift. */
const strides = [16, 64] as const;

/** Lets the keyboard draw: arrows move a pen, which Space puts down and lifts. */
export function drawByKeyboard(
  canvas: HTMLCanvasElement,
  board: Board,
  tools: Tools,
  nib: Nib,
): void {
  let x = board.size / 2;
  let y = board.size / 2;
  let down = false;

  const point = () => ({ x, y, pressure: 1 });
  const showNib = (): void => nib.show(x, y, tools.tool.size, down);

  function lift(): void {
    if (!down) return;
    down = false;
    board.end();
  }

  function move([dx, dy]: readonly [number, number], stride: number): void {
    x = Math.min(board.size, Math.max(0, x + dx * stride));
    y = Math.min(board.size, Math.max(0, y + dy * stride));
    if (down) board.move(point());
  }

  function press(event: KeyboardEvent): boolean {
    const direction = directions[event.key];
    if (direction) {
      move(direction, strides[event.shiftKey ? 1 : 0]);
    } else if (event.key === " ") {
      if (event.repeat) return true;
      if (down) lift();
      else {
        down = true;
        board.begin(tools.tool, point());
      }
      announce(`Pen ${down ? "down" : "up"} at ${x}, ${y}`);
    } else if (event.key === "b" || event.key === "e") {
      tools.choose(event.key === "b" ? "brush" : "eraser");
    } else if (event.key === "[" || event.key === "]") {
      tools.grow(event.key === "[" ? -2 : 2);
    } else {
      return false;
    }
    return true;
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !press(event)) return;
    event.preventDefault();
    showNib();
  });
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) showNib();
  });
  canvas.addEventListener("blur", () => {
    lift();
    nib.hide();
  });
  // A pen of either kind draws one stroke at a time.
  canvas.addEventListener("pointerdown", lift, { capture: true });
}
