import { find } from "./dom.js";

/** Has screen readers say something, when they come to it. */
export function announce(text: string): void {
  const announcer = find("announcer", HTMLElement);
  // The same text twice would be no change, and so not be said.
  announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text;
}
