import {
  type Control,
  type ControlRun,
  type ControlStrength,
  checkStrength,
  type ModelSource,
  type RgbaImage,
} from "@underpaint/core";
import type { Hint } from "../hints/hint.js";
import { checkKeys, invalid, oneOf } from "../hints/options.js";
import { type NetworkKind, startNetwork } from "../networks/start.js";

/** What every control that draws its own hint takes: how strongly, when and where, and by which model. */
export interface ModelControlOptions extends ControlStrength {
  /**
   * The ControlNet or adapter: a folder, `"hub:owner/name"` or an address as `createPipeline` takes
   * them, or a source; the pipeline's own model's control when left out.
   */
  readonly model?: string | ModelSource;
  /** What `model` is; a ControlNet when left out, save for palettes. */
  readonly kind?: NetworkKind;
}

/** A control whose hint is drawn for the size of the picture. */
export interface DrawnControl extends Control {
  /** The pictures that it was made with, by role. */
  readonly pictures: Readonly<Record<string, RgbaImage>>;
  readonly strength: ControlStrength;
  /**
   * The hint exactly as the network will see it in a picture of this size, with what there is to say
   * about how it was made ("looks black on white: inverted").
   *
   * @param size pixels; the hint's own when left out.
   */
  preview(size?: { readonly width: number; readonly height: number }): Promise<Hint>;
}

/** The keys that every control's options may have. */
export const modelControlKeys = [
  "weight",
  "start",
  "end",
  "mask",
  "mode",
  "model",
  "kind",
] as const;

const kinds = ["controlnet", "t2i-adapter"] as const;

/** How a kind of control draws its hint. */
export interface Drawing {
  readonly name: string;
  /** The model's own controls that understand the hint, the best first. */
  readonly own: readonly string[];
  readonly pictures: Readonly<Record<string, RgbaImage>>;
  /** The options of the drawing itself, plain JSON. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The size of a preview that names none. */
  readonly size: { readonly width: number; readonly height: number };
  /** What a `model` is where its kind is not told. */
  readonly kind?: NetworkKind;
  /**
   * Draws the hint.
   *
   * @param view what the network sees of a picture that lies over the result.
   */
  draw(
    size: { readonly width: number; readonly height: number },
    view: (picture: RgbaImage) => RgbaImage,
    signal?: AbortSignal,
  ): Hint | Promise<Hint>;
}

/** Checks a control's options: those of every control, and `own` of its own. */
export function checkControlOptions(
  options: ModelControlOptions,
  name: string,
  own: readonly string[],
): void {
  checkKeys(options, name, [...own, ...modelControlKeys]);
  checkStrength(options, name);
  const { model, kind } = options;
  const isModel =
    model === undefined ||
    (typeof model === "string" && model.trim() !== "") ||
    (typeof model === "object" && model !== null && typeof model.open === "function");
  if (!isModel) {
    throw invalid({
      what: `${name}'s model is neither the name of one nor a source`,
      value: model,
      remedy: "leave it out for the pipeline's own control",
    });
  }
  if (kind !== undefined) oneOf(kind, `${name}'s kind`, kinds);
}

/** A control over a drawing. Its options must have been checked. */
export function drawnControl(drawing: Drawing, options: ModelControlOptions): DrawnControl {
  const { name, own, pictures, size } = drawing;
  const { model, kind = model === undefined ? undefined : drawing.kind } = options;
  return {
    name,
    options: {
      ...drawing.options,
      ...(model !== undefined && { model: typeof model === "string" ? model : model.id }),
      ...(kind && { kind }),
    },
    pictures,
    strength: strengthOf(options),
    ...(kind === "t2i-adapter" && { givesFeatures: true }),
    ...(typeof model === "object" && { holds: "source" as const }),
    ...(drawing.options.by !== undefined && { holds: "hint-model" as const }),
    preview: async (wanted = size) => drawing.draw(wanted, (picture) => picture),
    async start(run) {
      const { width, height, signal } = run;
      signal?.throwIfAborted();
      const hint = await drawing.draw({ width, height }, (picture) => run.view(picture), signal);
      for (const notice of hint.notices) warn(run, name, notice);
      // Drawn for what the network sees: not to be cropped once more.
      return startNetwork({ name, own, model, kind, hint }, { ...run, view: (seen) => seen });
    },
  };
}

function strengthOf({ weight, start, end, mask, mode }: ControlStrength): ControlStrength {
  return {
    ...(weight !== undefined && { weight }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    ...(mask && { mask }),
    ...(mode && { mode }),
  };
}

function warn(run: ControlRun, name: string, notice: string): void {
  const code = /inverted/.test(notice)
    ? "hint-inverted"
    : /^resized/.test(notice)
      ? "hint-resized"
      : "control-note";
  run.warn({ code, message: `${name}: ${notice}.` });
}
