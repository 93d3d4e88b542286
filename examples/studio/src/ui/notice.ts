import type { Explanation } from "../engine/explain.js";
import { find } from "./dom.js";

/** The message above everything, for what went wrong. */
export interface Notice {
  show(explanation: Explanation): void;
  hide(): void;
}

/** @param onAgain called when the user asks for the model to be opened again. */
export function createNotice(onAgain: () => void): Notice {
  const element = find("notice", HTMLElement);
  const again = find("notice-again", HTMLButtonElement);
  const hide = (): void => {
    element.hidden = true;
  };
  find("notice-close", HTMLButtonElement).addEventListener("click", hide);
  again.addEventListener("click", () => {
    hide();
    onAgain();
  });
  return {
    show({ title, text, ended }) {
      find("notice-title", HTMLElement).textContent = title;
      find("notice-text", HTMLElement).textContent = text;
      again.hidden = !ended;
      element.hidden = false;
    },
    hide,
  };
}
