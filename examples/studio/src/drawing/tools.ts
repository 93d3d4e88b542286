import { find } from "../ui/dom.js";
import type { Tool } from "./stroke.js";

/** The colours to draw with, by name: those that the model knows, and what goes with them. */
const swatches: readonly (readonly [name: string, colour: string])[] = [
  ["Black", "#26221f"],
  ["Gray", "#9aa0a6"],
  ["White", "#ffffff"],
  ["Red", "#e5342b"],
  ["Orange", "#f6871f"],
  ["Yellow", "#ffcf33"],
  ["Green", "#43a63f"],
  ["Dark green", "#1f6b3a"],
  ["Sky blue", "#4fb4f2"],
  ["Blue", "#2563c9"],
  ["Purple", "#8b46c7"],
  ["Pink", "#f277b6"],
  ["Sand", "#f3d5a6"],
  ["Brown", "#8a5230"],
];

/** The controls beside the drawing. */
export interface Tools {
  /** What is chosen. */
  readonly tool: Tool;
  choose(kind: Tool["kind"]): void;
  /** Makes the tool larger, or smaller where `steps` is negative. */
  grow(steps: number): void;
}

export function createTools(): Tools {
  const size = find("size", HTMLInputElement);
  const kinds = [...document.querySelectorAll<HTMLInputElement>('input[name="tool"]')];
  const field = find("swatches", HTMLFieldSetElement);
  const colours = swatches.map(([name, colour], index) => {
    const input = swatch(name, colour);
    input.checked = index === 0;
    return input;
  });
  field.append(...colours);

  const chosen = (): Tool => ({
    kind: kinds.find((input) => input.checked)?.value === "eraser" ? "eraser" : "brush",
    size: size.valueAsNumber,
    colour: colours.find((input) => input.checked)?.value ?? swatches[0]![1],
  });

  function choose(kind: Tool["kind"]): void {
    for (const input of kinds) input.checked = input.value === kind;
  }

  // Whoever takes a colour wants to draw with it.
  field.addEventListener("change", () => choose("brush"));

  return {
    get tool() {
      return chosen();
    },
    choose,
    grow(steps) {
      if (steps > 0) size.stepUp(steps);
      else size.stepDown(-steps);
    },
  };
}

function swatch(name: string, colour: string): HTMLInputElement {
  const input = document.createElement("input");
  input.type = "radio";
  input.name = "colour";
  input.value = colour;
  input.title = name;
  input.setAttribute("aria-label", name);
  // Set by script, which the page's policy allows where it forbids the attribute.
  input.style.setProperty("--colour", colour);
  return input;
}
