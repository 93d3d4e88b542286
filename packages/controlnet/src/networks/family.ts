import type { ControlRun, TensorSpec } from "@underpaint/core";
import { invalid } from "../hints/options.js";

/** The families of models that are told apart, by the width of their text states. */
const byWidth: Readonly<Record<number, string>> = {
  768: "Stable Diffusion 1",
  1024: "Stable Diffusion 2",
  2048: "Stable Diffusion XL",
};

const names = {
  "stable-diffusion": "Stable Diffusion",
  "stable-diffusion-xl": "Stable Diffusion XL",
  "stable-diffusion-3": "Stable Diffusion 3",
  flux: "Flux",
  unknown: "an unknown family",
} as const;

/**
 * Throws where a control was trained for another family of models than it is to steer, by its
 * graph's inputs.
 *
 * @param textWidth the width of the text states that the graph takes, where it says so.
 */
export function checkFamily(
  label: string,
  inputs: readonly TensorSpec[],
  textWidth: number | undefined,
  { model }: ControlRun,
): void {
  const has = (...wanted: string[]): boolean => inputs.some(({ name }) => wanted.includes(name));
  const isXl = has("text_embeds", "time_ids");
  const own = has("img_ids", "txt_ids")
    ? names.flux
    : has("pooled_projections", "hidden_states")
      ? names["stable-diffusion-3"]
      : isXl
        ? names["stable-diffusion-xl"]
        : textWidth !== undefined
          ? (byWidth[textWidth] ?? `a model with text states of width ${textWidth}`)
          : undefined;
  if (own === undefined) return;
  const isSameFamily = isXl
    ? model.family === "stable-diffusion-xl"
    : !has("img_ids", "txt_ids", "pooled_projections", "hidden_states") &&
      (model.textWidth === undefined || textWidth === undefined || model.textWidth === textWidth);
  if (isSameFamily) return;
  const target =
    model.family === "stable-diffusion" && model.textWidth !== undefined
      ? (byWidth[model.textWidth] ?? `a model with text states of width ${model.textWidth}`)
      : names[model.family];
  throw invalid({
    code: "model-unsupported",
    what: `${label} is a control for ${own}, and ${model.id} is ${target}`,
    remedy: `use a control that was trained for ${target}`,
  });
}
