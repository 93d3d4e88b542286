import type { RgbaImage } from "@underpaint/web";
import { blank, showEnlarged } from "../ui/show.js";
import { flatten } from "./flatten.js";
import { createHistory } from "./history.js";
import { beginStroke, type PenPoint, type Stroke, type Tool } from "./stroke.js";

/** What can be gone back to: pixels are not shared with the canvas. */
interface BoardState {
  /** Undefined for none. */
  readonly ink: ImageData | undefined;
  readonly underlay: RgbaImage | undefined;
}

/** A sheet of paper: ink, and a picture that may lie under it. */
export interface Board {
  /** Pixels each way, of the ink. */
  readonly size: number;
  readonly isEmpty: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  begin(tool: Tool, point: PenPoint): void;
  move(point: PenPoint): void;
  end(): void;
  undo(): void;
  redo(): void;
  clear(): void;
  /** Puts a picture on the paper, in place of all that is there. */
  lay(picture: RgbaImage): void;
  /** What is on the paper, at a size. */
  picture(size: { readonly width: number; readonly height: number }): RgbaImage;
}

/** @param onChange called whenever what is on the paper has changed. */
export function createBoard(
  inkCanvas: HTMLCanvasElement,
  underlayCanvas: HTMLCanvasElement,
  onChange: () => void,
): Board {
  const context = inkCanvas.getContext("2d", { willReadFrequently: true })!;
  const { width, height } = inkCanvas;
  let now: BoardState = { ink: undefined, underlay: undefined };
  let stroke: Stroke | undefined;
  const history = createHistory(now);

  const readInk = (): ImageData => context.getImageData(0, 0, width, height);

  function draw(state: BoardState): void {
    now = state;
    if (state.ink) context.putImageData(state.ink, 0, 0);
    else blank(inkCanvas);
    if (state.underlay) showEnlarged(underlayCanvas, state.underlay);
    else blank(underlayCanvas);
    onChange();
  }

  function replace(state: BoardState): void {
    history.push(state);
    draw(state);
  }

  return {
    size: width,
    get isEmpty() {
      return !stroke && !now.ink && !now.underlay;
    },
    get canUndo() {
      return history.canUndo;
    },
    get canRedo() {
      return history.canRedo;
    },
    begin(tool, point) {
      stroke = beginStroke(context, tool, point);
      onChange();
    },
    move(point) {
      if (!stroke) return;
      stroke.to(point);
      onChange();
    },
    end() {
      if (!stroke) return;
      stroke = undefined;
      now = { ...now, ink: readInk() };
      history.push(now);
      onChange();
    },
    undo: () => !stroke && draw(history.undo()),
    redo: () => !stroke && draw(history.redo()),
    clear: () => !stroke && replace({ ink: undefined, underlay: undefined }),
    lay: (underlay) => replace({ ink: undefined, underlay }),
    picture: (size) => flatten(readInk(), now.underlay, size),
  };
}
