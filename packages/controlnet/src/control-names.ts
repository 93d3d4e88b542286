/**
 * The names of the controls that {@link controlPlugins} makes again of their options, pictures and
 * strength.
 */
export const controlNames = [
  "controlnet",
  "t2i-adapter",
  "lineArt",
  "scribble",
  "cannyEdges",
  "softEdges",
  "depth",
  "pose",
  "perspective",
  "palette",
] as const;

/** One of {@link controlNames}. */
export type ControlName = (typeof controlNames)[number];
