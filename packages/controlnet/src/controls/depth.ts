import { checkImage, createImage, type RgbaImage } from "@underpaint/core";
import type { DepthModel } from "../hints/by-model/depth-model.js";
import { type DepthMapOptions, type DepthValues, depthMap } from "../hints/depth-map.js";
import { fitHint } from "../hints/fit-hint.js";
import { checkModel } from "./by-model.js";
import { chained } from "./chained.js";
import {
  checkControlOptions,
  type DrawnControl,
  drawnControl,
  type ModelControlOptions,
} from "./drawn-control.js";

/** Options of {@link depth}. */
export interface DepthOptions extends ModelControlOptions, DepthMapOptions {
  /** Finds the depth of the picture; left out, the picture is a depth map already. */
  readonly by?: DepthModel;
}

/**
 * Steers by depth, near is white: what a model finds (`by: await openDepthModel(…)`), or a map that
 * was rendered ({@link depthMap}: `near: "low"` inverts it).
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for options that
 * are not allowed.
 */
export function depth(map: RgbaImage | DepthValues, options: DepthOptions = {}): DrawnControl {
  checkControlOptions(options, "depth", ["by", "near", "stretch"]);
  const by = checkModel(options.by, "depth", "openDepthModel");
  const { near, stretch } = options;
  const reading = {
    ...(near !== undefined && { near }),
    ...(stretch !== undefined && { stretch }),
  };
  // What is wrong with them is said now.
  depthMap(createImage(1, 1), reading);
  const isValues = (map as { data?: unknown } | null)?.data instanceof Float32Array;
  // Values become a picture at once: they are no picture that a recipe could tell.
  const picture = isValues ? depthMap(map, reading) : checkImage(map, "depth's map");
  const isDrawn = isValues || by !== undefined;
  return drawnControl(
    {
      name: "depth",
      own: ["depth"],
      pictures: { picture },
      // Of values the picture is what was read of them: reading it once more would invert it back.
      options: isValues ? {} : { ...reading, ...(by && { by: by.layout }) },
      size: { width: picture.width, height: picture.height },
      async draw(size, view, signal) {
        const fitted = fitHint(view(picture), size);
        if (!isDrawn) return chained(fitted, (seen) => depthMap(seen, reading));
        if (!by) return fitted;
        const hint = await by.hint(fitted, signal && { signal });
        return { ...hint, notices: [...fitted.notices, ...hint.notices] };
      },
    },
    options,
  );
}
