import {
  type Control,
  type ControlStrength,
  type RgbaImage,
  UnderpaintError,
} from "@underpaint/core";
import { makeControl } from "./make-control.js";

/** What goes to a worker of a control: what it can be made again of there. */
export interface SentControl {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly pictures: Readonly<Record<string, RgbaImage>>;
  readonly strength: ControlStrength;
}

/** What a request's list of controls is replaced with where controls are to be made again. */
export type SentControls = readonly { readonly control?: SentControl; readonly asIs?: unknown }[];

/**
 * The controls of a request as they can be sent. What is no control, such as an entry of a recipe,
 * is sent as it is; undefined where none is a control.
 *
 * @throws UnderpaintError `invalid-request`, naming the control, for one that cannot be made again
 * in the worker.
 */
export async function controlsToSend(controls: unknown): Promise<SentControls | undefined> {
  if (!Array.isArray(controls) || !controls.some(isControl)) return undefined;
  const { controlNames } = await import("@underpaint/controlnet");
  return controls.map((given: unknown, index) =>
    isControl(given) ? { control: sent(given, index, controlNames) } : { asIs: given },
  );
}

/** The list that {@link controlsToSend} was given, its controls made again. */
export async function controlsSent(sent: SentControls): Promise<readonly unknown[]> {
  return Promise.all(
    sent.map(({ control, asIs }) => {
      if (!control) return asIs;
      const { name, options, pictures, strength } = control;
      return makeControl(name, options, { pictures, strength });
    }),
  );
}

function isControl(value: unknown): value is Control {
  if (typeof value !== "object" || value === null) return false;
  const { name, start } = value as Partial<Control>;
  return typeof name === "string" && typeof start === "function";
}

function sent(control: Control, index: number, known: readonly string[]): SentControl {
  const { name, options, pictures = {}, strength = {}, holds } = control;
  const cannot = `${name.slice(0, 60)} (controls[${index}]) cannot be sent to the worker`;
  if (!known.includes(name)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${cannot}: its functions stay in the page, and no control of that name is known there`,
      value: name,
      allowed: known.join(", "),
      remedy: "make the pipeline without worker for controls of your own",
    });
  }
  if (holds === "source") {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${cannot}: its model is a source, which has functions`,
      value: options.model,
      remedy:
        'give the model by its name (model: "hub:owner/name", or its address), or make the pipeline without worker',
    });
  }
  if (holds === "hint-model") {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${cannot}: its hint is drawn by a model that is in the page`,
      value: options.by,
      remedy:
        "draw the hint first, as in controlNet({ …, hint: await control.preview() }), or make the pipeline without worker",
    });
  }
  const inside = functionIn(options, "options");
  if (inside !== undefined) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${cannot}: ${inside} is a function`,
      remedy: "give plain values, and models by their names; or make the pipeline without worker",
    });
  }
  return { name, options, pictures, strength };
}

/** Options are as flat as JSON of a recipe; what is deeper is refused when it is sent. */
const deepest = 8;

/** Where a value holds a function. */
function functionIn(value: unknown, path: string, depth = 0): string | undefined {
  if (typeof value === "function") return path;
  if (typeof value !== "object" || value === null || depth === deepest) return undefined;
  for (const key of Object.keys(value)) {
    const found = functionIn((value as Record<string, unknown>)[key], `${path}.${key}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
