import type { RgbaImage } from "@underpaint/web";
import { find } from "./dom.js";
import { blank, show } from "./show.js";

/** The grid of variations. */
export interface VariationsView {
  /** Empties the grid for pictures of these seeds. */
  begin(seeds: readonly number[]): void;
  working(index: number): void;
  preview(index: number, picture: RgbaImage): void;
  done(index: number, picture: RgbaImage): void;
  /** No more pictures come. */
  end(): void;
  /** Takes the mark off the one that was picked. */
  unpick(): void;
}

interface Cell {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly label: HTMLElement;
}

/**
 * A list of pictures of which one can be picked. One of them at a time is reached by Tab, and the
 * arrows go to the others (WAI-ARIA: roving tabindex).
 *
 * @param onPick called with the place of a picture that is done.
 */
export function createVariationsView(
  count: number,
  onPick: (index: number) => void,
): VariationsView {
  const grid = find("grid", HTMLElement);
  const cells = Array.from({ length: count }, () => createCell());
  grid.append(...cells.map(({ element }) => element));
  let seeds: readonly number[] = [];
  let current = 0;

  function state(index: number, name: "empty" | "waiting" | "working" | "done"): void {
    const cell = cells[index]!;
    cell.element.dataset.state = name;
    const seed = seeds[index];
    const what = seed === undefined ? "empty" : `seed ${seed}, ${name}`;
    cell.element.setAttribute("aria-label", `Variation ${index + 1}, ${what}`);
    cell.element.setAttribute("aria-disabled", String(name !== "done"));
    cell.label.textContent = seed === undefined ? "" : String(seed);
  }

  function reach(index: number): void {
    cells[current]!.element.tabIndex = -1;
    current = index;
    cells[current]!.element.tabIndex = 0;
  }

  function pick(index: number): void {
    if (cells[index]!.element.dataset.state !== "done") return;
    for (const [at, { element }] of cells.entries()) {
      element.setAttribute("aria-selected", String(at === index));
    }
    onPick(index);
  }

  /** Where a key leads from a place; undefined for other keys. */
  function target(key: string): number | undefined {
    const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    const to: Readonly<Record<string, number>> = {
      ArrowLeft: current - 1,
      ArrowRight: current + 1,
      ArrowUp: current - columns,
      ArrowDown: current + columns,
      Home: 0,
      End: count - 1,
    };
    return to[key];
  }

  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = target(event.key);
    if (to !== undefined) {
      if (to >= 0 && to < count) {
        reach(to);
        cells[to]!.element.focus();
      }
    } else if (event.key === "Enter" || event.key === " ") {
      pick(current);
    } else {
      return;
    }
    event.preventDefault();
  });
  for (const [index, { element }] of cells.entries()) {
    element.addEventListener("click", () => {
      reach(index);
      pick(index);
    });
    element.addEventListener("focus", () => reach(index));
  }

  const view: VariationsView = {
    begin(wanted) {
      seeds = wanted;
      view.unpick();
      for (const [index, { canvas }] of cells.entries()) {
        blank(canvas);
        state(index, "waiting");
      }
      grid.setAttribute("aria-busy", "true");
    },
    working: (index) => state(index, "working"),
    preview: (index, picture) => show(cells[index]!.canvas, picture),
    done(index, picture) {
      show(cells[index]!.canvas, picture);
      state(index, "done");
    },
    end() {
      for (const [index, { element, canvas }] of cells.entries()) {
        if (element.dataset.state === "done") continue;
        blank(canvas);
        state(index, "empty");
      }
      grid.setAttribute("aria-busy", "false");
    },
    unpick() {
      for (const { element } of cells) element.setAttribute("aria-selected", "false");
    },
  };
  for (const index of cells.keys()) state(index, "empty");
  reach(0);
  return view;
}

function createCell(): Cell {
  const element = document.createElement("div");
  element.className = "cell";
  element.tabIndex = -1;
  element.setAttribute("role", "option");
  element.setAttribute("aria-selected", "false");
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  const label = document.createElement("span");
  label.className = "cell-label";
  label.setAttribute("aria-hidden", "true");
  element.append(canvas, label);
  return { element, canvas, label };
}
