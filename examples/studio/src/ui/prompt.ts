import { colours, fetchThings, ideas, styles } from "../engine/words.js";
import { find } from "./dom.js";

/** Suggestions that are listed at a time. */
const mostSuggestions = 24;

/** Completes the word that is being typed to one that the model knows. */
export async function completeWords(): Promise<void> {
  const prompt = find("prompt", HTMLInputElement);
  const list = find("words", HTMLDataListElement);
  const things = await fetchThings();
  const known = [...things, ...colours, ...styles];
  if (things.length > 0) {
    find("prompt-help", HTMLElement).textContent =
      `The model knows ${things.length} things, in ten colours.`;
  }

  prompt.addEventListener("input", () => {
    // Lists match the whole text, so each suggestion is all that was typed with its end completed.
    const [, before = "", word = ""] = /^(.*?)([a-z]*)$/i.exec(prompt.value) ?? [];
    const typed = word.toLowerCase();
    const found = typed ? known.filter((entry) => entry.startsWith(typed)) : [];
    list.replaceChildren(
      ...found.slice(0, mostSuggestions).map((entry) => {
        const option = document.createElement("option");
        option.value = before + entry;
        return option;
      }),
    );
  });
}

/** Prompts to try, as buttons. */
export function offerIdeas(onPick: (prompt: string) => void): void {
  const row = find("ideas", HTMLElement);
  const renew = (): void => row.replaceChildren(...ideas(8).map((idea) => chip(idea, onPick)));
  find("more-ideas", HTMLButtonElement).addEventListener("click", renew);
  renew();
}

function chip(prompt: string, onPick: (prompt: string) => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chip";
  button.textContent = prompt;
  button.addEventListener("click", () => onPick(prompt));
  return button;
}
