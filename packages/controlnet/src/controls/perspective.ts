import { type PerspectiveGridOptions, perspectiveGrid } from "../hints/perspective-grid.js";
import {
  checkControlOptions,
  type DrawnControl,
  drawnControl,
  type ModelControlOptions,
} from "./drawn-control.js";

/** Options of {@link perspective}: a grid that is drawn at whatever size the picture has. */
export interface PerspectiveOptions
  extends ModelControlOptions,
    Omit<PerspectiveGridOptions, "width" | "height"> {}

/**
 * Steers by a perspective grid ({@link perspectiveGrid}): a horizon and one to three vanishing
 * points, as shares of the picture.
 *
 * @throws UnderpaintError `invalid-request` for no vanishing point or more than three, and options
 * that are not allowed.
 */
export function perspective(options: PerspectiveOptions): DrawnControl {
  checkControlOptions(options, "perspective", [
    "horizon",
    "vanishingPoints",
    "density",
    "drawHorizon",
  ]);
  const { horizon, vanishingPoints, density, drawHorizon } = options;
  const grid = {
    horizon,
    vanishingPoints,
    ...(density !== undefined && { density }),
    ...(drawHorizon !== undefined && { drawHorizon }),
  };
  // What is wrong with it is said now.
  perspectiveGrid({ ...grid, width: 8, height: 8 });
  return drawnControl(
    {
      name: "perspective",
      own: ["mlsd", "lineart"],
      pictures: {},
      options: grid,
      size: { width: 512, height: 512 },
      draw: (size) => perspectiveGrid({ ...grid, ...size }),
    },
    options,
  );
}
