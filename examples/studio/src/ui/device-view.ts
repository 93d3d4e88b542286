import { find } from "./dom.js";

/** What the page's bar tells of the device. */
export interface DeviceView {
  show(state: "loading" | "ready" | "failed", name: string, notes: readonly string[]): void;
}

export function createDeviceView(): DeviceView {
  const element = find("device", HTMLDetailsElement);
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && !element.contains(target)) element.open = false;
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    element.open = false;
    event.stopPropagation();
  });
  return {
    show(state, name, notes) {
      element.dataset.state = state;
      find("device-name", HTMLElement).textContent = name;
      find("device-notes", HTMLElement).replaceChildren(
        ...notes.map((note) => {
          const line = document.createElement("p");
          line.textContent = note;
          return line;
        }),
      );
    },
  };
}
