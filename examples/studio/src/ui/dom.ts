/**
 * The page's element of an id.
 *
 * @throws Error when the page has none, or one of another kind.
 */
export function find<T extends Element>(id: string, kind: abstract new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${kind.name} with the id ${id}`);
}

/**
 * Lets a button be pressed, or not. Unlike by `disabled`, one that has the focus keeps it, so that
 * whoever works by keyboard does not lose the place.
 */
export function enable(button: HTMLButtonElement, enabled: boolean): void {
  button.setAttribute("aria-disabled", String(!enabled));
}

/** Whether a button can be pressed: see {@link enable}. */
export function isEnabled(button: HTMLButtonElement): boolean {
  return button.getAttribute("aria-disabled") !== "true";
}

/** Calls `action` when a button is pressed that can be. */
export function onPress(button: HTMLButtonElement, action: () => void): void {
  button.addEventListener("click", () => isEnabled(button) && action());
}

/** Whether keys that are typed at an element are text, and belong to it. */
export function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLInputElement)) return false;
  return target.type === "text" || target.type === "number";
}
