import { find } from "./dom.js";

/** What a picture begins from. */
export type Start = "words" | "drawing";

/** What is set for the next picture. */
export interface Settings {
  readonly prompt: string;
  readonly seed: number;
  readonly steps: number;
  readonly start: Start;
  /** 0 to 1. */
  readonly strength: number;
}

/** The form above the drawing. */
export interface SettingsForm {
  readonly settings: Settings;
  /** Whether to paint with every change. */
  readonly live: boolean;
  set(settings: Partial<Settings>): void;
  /** Whether there is a drawing to begin from. It is begun from as soon as there is one. */
  allowDrawing(there: boolean): void;
}

/** @param onChange called when the user has changed something that makes another picture. */
export function createSettings(onChange: () => void): SettingsForm {
  const prompt = find("prompt", HTMLInputElement);
  const seed = find("seed", HTMLInputElement);
  const steps = find("steps", HTMLInputElement);
  const strength = find("strength", HTMLInputElement);
  const live = find("live", HTMLInputElement);
  const starts = [...document.querySelectorAll<HTMLInputElement>('input[name="start"]')];

  const start = (): Start =>
    starts.find((input) => input.checked)?.value === "drawing" ? "drawing" : "words";

  function refresh(): void {
    find("strength-shown", HTMLOutputElement).value = `${strength.value} %`;
    strength.disabled = start() === "words";
    find("strength-setting", HTMLElement).classList.toggle("off", strength.disabled);
  }

  function set(settings: Partial<Settings>): void {
    if (settings.prompt !== undefined) prompt.value = settings.prompt;
    if (settings.seed !== undefined) seed.valueAsNumber = settings.seed;
    if (settings.steps !== undefined) steps.valueAsNumber = settings.steps;
    if (settings.strength !== undefined) strength.valueAsNumber = 100 * settings.strength;
    if (settings.start !== undefined) {
      for (const input of starts) input.checked = input.value === settings.start;
    }
    refresh();
  }

  function changed(): void {
    refresh();
    onChange();
  }
  for (const input of [prompt, seed, steps, strength]) input.addEventListener("input", changed);
  for (const input of [...starts, live]) input.addEventListener("change", changed);
  // What is out of range when the field is left is brought into it.
  for (const input of [seed, steps]) {
    input.addEventListener("change", () => {
      input.valueAsNumber = whole(input);
    });
  }
  find("dice", HTMLButtonElement).addEventListener("click", () => {
    set({ seed: Math.floor(Math.random() * 1_000_000) });
    onChange();
  });
  refresh();

  return {
    get settings() {
      return {
        prompt: prompt.value.trim(),
        seed: whole(seed),
        steps: whole(steps),
        start: start(),
        strength: strength.valueAsNumber / 100,
      };
    },
    get live() {
      return live.checked;
    },
    set,
    allowDrawing(there) {
      const [words, drawing] = starts;
      if (!words || !drawing || drawing.disabled !== there) return;
      drawing.disabled = !there;
      set({ start: there ? "drawing" : "words" });
    },
  };
}

/** The number in a field, brought into its range; what it began with where there is none. */
function whole(field: HTMLInputElement): number {
  const typed = field.valueAsNumber;
  const number = Number.isNaN(typed) ? Number(field.defaultValue) : Math.round(typed);
  return Math.min(Number(field.max), Math.max(Number(field.min), number));
}
