import { checkImage, type RgbaImage } from "@underpaint/core";
import type { SoftEdgeModel } from "../hints/by-model/soft-edge-model.js";
import { fitHint } from "../hints/fit-hint.js";
import { flag } from "../hints/options.js";
import { checkModel } from "./by-model.js";
import {
  checkControlOptions,
  type DrawnControl,
  drawnControl,
  type ModelControlOptions,
} from "./drawn-control.js";

/** Options of {@link softEdges}. */
export interface SoftEdgesOptions extends ModelControlOptions {
  /** Draws the edges of the picture; left out, the picture is a map of soft edges already. */
  readonly by?: SoftEdgeModel;
  /** Reduces the edges to three levels, as the annotators' "safe" does; with `by` alone. */
  readonly steps?: boolean;
}

/**
 * Steers by soft edges: those that a model finds (`by: await openSoftEdgeModel(…)`), or a map of
 * them, white on black.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for options that
 * are not allowed.
 */
export function softEdges(picture: RgbaImage, options: SoftEdgesOptions = {}): DrawnControl {
  checkControlOptions(options, "softEdges", ["by", "steps"]);
  const by = checkModel(options.by, "softEdges", "openSoftEdgeModel");
  const steps = flag(options.steps ?? false, "softEdges' steps");
  const { width, height } = checkImage(picture, "softEdges' picture");
  return drawnControl(
    {
      name: "softEdges",
      own: ["softedge", "lineart"],
      pictures: { picture },
      options: by ? { by: by.layout, steps } : {},
      size: { width, height },
      async draw(size, view, signal) {
        const fitted = fitHint(view(picture), size);
        if (!by) return fitted;
        const hint = await by.hint(fitted, { steps, ...(signal && { signal }) });
        return { ...hint, notices: [...fitted.notices, ...hint.notices] };
      },
    },
    options,
  );
}
