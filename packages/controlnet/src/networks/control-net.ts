import {
  type Control,
  type ControlStrength,
  checkImage,
  checkStrength,
  type ModelSource,
  type RgbaImage,
} from "@underpaint/core";
import { fitHint } from "../hints/fit-hint.js";
import { checkKeys, invalid } from "../hints/options.js";
import { type NetworkKind, startNetwork } from "./start.js";

/** Options of {@link controlNet} and {@link t2iAdapter}. */
export interface NetworkControlOptions extends ControlStrength {
  /**
   * The network: a source, or its name as the platform's `createPipeline` takes it: a folder,
   * `"hub:owner/name"`, an address.
   */
  readonly model?: ModelSource | string;
  /** In place of `model`, a control that the pipeline's model brings along, by its name. */
  readonly own?: string;
  /** The graph's path inside `model`: "canny/model.onnx"; where it mostly is when left out. */
  readonly file?: string;
  /**
   * What the network sees: a picture drawn as it was trained on (white lines on black, near is
   * white). Resized to the picture's size where it has another, and said.
   */
  readonly hint: RgbaImage;
}

/**
 * Steers by a ControlNet (Zhang et al., Adding Conditional Control to Text-to-Image Diffusion
 * Models, arXiv 2302.05543): a network that sees what the UNet sees and the hint besides, in every
 * step, and adds to what the UNet's decoder takes in.
 *
 * @throws UnderpaintError `invalid-request` for options that are not allowed, `invalid-image` for a
 * hint that is no picture.
 */
export function controlNet(options: NetworkControlOptions): Control {
  return networkControl("controlnet", options);
}

/**
 * Steers by a T2I-Adapter (Mou et al., T2I-Adapter: Learning Adapters to Dig out More Controllable
 * Ability for Text-to-Image Diffusion Models, arXiv 2302.08453): a small network that sees the hint
 * alone, is run once, and adds to the UNet's encoder.
 *
 * @throws UnderpaintError as {@link controlNet}.
 */
export function t2iAdapter(options: NetworkControlOptions): Control {
  return networkControl("t2i-adapter", options);
}

function networkControl(kind: NetworkKind, options: NetworkControlOptions): Control {
  const keys = ["model", "own", "file", "hint", "weight", "start", "end", "mask", "mode"];
  checkKeys(options, kind, keys);
  const { model, own, file, hint, ...strength } = options;
  if ((model === undefined) === (own === undefined)) {
    throw invalid({
      what: `${kind} needs a model, or the name of a control of the pipeline's own model`,
      value: own,
      remedy: 'pass model: "hub:owner/name", or own: "lineart", not both',
    });
  }
  for (const [key, value] of Object.entries({ own, file })) {
    if (value === undefined || (typeof value === "string" && value !== "")) continue;
    throw invalid({ what: `${kind}'s ${key} is no name`, value });
  }
  const isModel = typeof model === "string" || typeof model?.open === "function";
  if (model !== undefined && !isModel) {
    throw invalid({ what: `${kind}'s model is neither a name nor a source`, value: model });
  }
  checkImage(hint, `${kind}'s hint`);
  checkStrength(strength, kind);
  return {
    name: kind,
    options: {
      ...(model !== undefined && { model: typeof model === "string" ? model : model.id }),
      ...(own !== undefined && { own }),
      ...(file !== undefined && { file }),
    },
    pictures: { hint },
    strength,
    givesFeatures: kind === "t2i-adapter",
    ...(typeof model === "object" && { holds: "source" as const }),
    preview: async (size = { width: hint.width, height: hint.height }) => fitHint(hint, size),
    start: (run) =>
      startNetwork(
        {
          name: kind,
          kind,
          hint,
          ...(model !== undefined && { model }),
          ...(own !== undefined && { own: [own] }),
          ...(file !== undefined && { file }),
        },
        run,
      ),
  };
}
