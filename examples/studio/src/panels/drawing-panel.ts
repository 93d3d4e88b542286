import { type Board, createBoard } from "../drawing/board.js";
import { drawByKeyboard } from "../drawing/keyboard-pen.js";
import { createNib } from "../drawing/nib.js";
import { drawByPointer } from "../drawing/pointer.js";
import { createTools } from "../drawing/tools.js";
import { enable, find, onPress } from "../ui/dom.js";

/** The drawing, with its tools: by pointer and by keyboard. */
export function createDrawingPanel(onChange: (board: Board) => void): Board {
  const ink = find("ink", HTMLCanvasElement);
  const [undo, redo, clear] = ["undo", "redo", "clear"].map((id) => find(id, HTMLButtonElement));
  const board = createBoard(ink, find("underlay", HTMLCanvasElement), () => {
    find("paper-empty", HTMLElement).hidden = !board.isEmpty;
    enable(undo!, board.canUndo);
    enable(redo!, board.canRedo);
    enable(clear!, !board.isEmpty);
    onChange(board);
  });
  const nib = createNib(board.size);
  const tools = createTools();
  drawByPointer(ink, board, tools, nib);
  drawByKeyboard(ink, board, tools, nib);
  onPress(undo!, board.undo);
  onPress(redo!, board.redo);
  onPress(clear!, board.clear);
  return board;
}
