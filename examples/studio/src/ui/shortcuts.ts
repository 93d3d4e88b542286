import { find, takesText } from "./dom.js";

/** What keys do anywhere on the page. */
export interface Shortcuts {
  paint(): void;
  stop(): void;
  undo(): void;
  redo(): void;
  save(): void;
  open(): void;
}

export function listenToKeys(actions: Shortcuts): void {
  const keys = find("keys", HTMLDialogElement);
  find("show-keys", HTMLButtonElement).addEventListener("click", () => keys.showModal());

  /** What a key with Ctrl (or Command) does. */
  function withControl(event: KeyboardEvent): (() => void) | undefined {
    const key = event.key.toLowerCase();
    if (key === "enter") return actions.paint;
    if (key === "s") return actions.save;
    if (key === "o") return actions.open;
    // Texts have an undo of their own.
    if (takesText(event.target)) return undefined;
    if (key === "z") return event.shiftKey ? actions.redo : actions.undo;
    if (key === "y") return actions.redo;
    return undefined;
  }

  document.addEventListener("keydown", (event) => {
    if (keys.open || event.altKey || event.isComposing) return;
    const control = event.ctrlKey || event.metaKey;
    const action = control ? withControl(event) : event.key === "Escape" ? actions.stop : undefined;
    if (!action) return;
    event.preventDefault();
    action();
  });
}
