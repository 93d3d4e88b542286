import type { Control, ControlStrength, RgbaImage } from "@underpaint/core";
import type { ControlName } from "../control-names.js";
import { invalid } from "../hints/options.js";
import type { NetworkKind } from "../networks/start.js";
import { cannyEdges } from "./canny-edges.js";
import { depth } from "./depth.js";
import { lineArt } from "./line-art.js";
import { palette } from "./palette.js";
import { perspective } from "./perspective.js";
import { pose } from "./pose.js";
import { scribble } from "./scribble.js";
import { softEdges } from "./soft-edges.js";

type Options = Readonly<Record<string, unknown>>;

/** Makes a control of what a recipe holds of it. */
export type DrawnMaker = (
  options: Options,
  pictures: Readonly<Record<string, RgbaImage>>,
  strength: ControlStrength,
) => Control;

/** The makers of all controls that draw their hints, by name: what `controlPlugins` makes them by. */
export const drawnMakers: Readonly<Record<Exclude<ControlName, NetworkKind>, DrawnMaker>> = {
  lineArt: ofPicture(lineArt),
  scribble: ofPicture(scribble),
  cannyEdges: ofPicture(cannyEdges),
  softEdges: ofPicture(softEdges),
  depth: ofPicture(depth),
  pose(options, { picture }, strength) {
    refuseModel("pose", options);
    const { figures, ...rest } = options;
    return pose((picture ?? figures) as never, { ...rest, ...strength } as never);
  },
  perspective: (options, _, strength) => perspective({ ...options, ...strength } as never),
  palette(options, { picture }, strength) {
    const { grid, colours, ...rest } = options;
    return palette((picture ?? grid ?? colours) as never, { ...rest, ...strength } as never);
  },
};

function ofPicture(make: (picture: RgbaImage, options: never) => Control): DrawnMaker {
  return (options, { picture }, strength) => {
    refuseModel(make.name, options);
    return make(picture!, { ...options, ...strength } as never);
  };
}

/** A model that drew a hint is not in a recipe. */
function refuseModel(name: string, { by }: Options): void {
  if (by === undefined) return;
  throw invalid({
    what: `the recipe's ${name} was drawn by a model, which is not in it`,
    value: by,
    remedy: "pass the controls themselves: generate({ ...recipe, controls: [ … ] })",
  });
}
