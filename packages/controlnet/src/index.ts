// The public API of @underpaint/controlnet: every export by name.

// controls of recipes, made again
export { type ControlName, controlNames } from "./control-names.js";
export { controlPlugins } from "./control-plugins.js";
// controls that draw their hints
export { type CannyEdgesOptions, cannyEdges } from "./controls/canny-edges.js";
export { type DepthOptions, depth } from "./controls/depth.js";
export type { DrawnControl, ModelControlOptions } from "./controls/drawn-control.js";
export { type LineArtOptions, lineArt } from "./controls/line-art.js";
export { type PaletteOptions, palette } from "./controls/palette.js";
export { type PerspectiveOptions, perspective } from "./controls/perspective.js";
export { type PoseControlOptions, pose } from "./controls/pose.js";
export { type ScribbleOptions, scribble } from "./controls/scribble.js";
export { type SoftEdgesOptions, softEdges } from "./controls/soft-edges.js";
// hints by models of the user's own
export type { DepthLayout } from "./hints/by-model/depth-layouts.js";
export {
  type DepthModel,
  type DepthModelOptions,
  openDepthModel,
} from "./hints/by-model/depth-model.js";
export type { HintModelOptions } from "./hints/by-model/hint-graph.js";
export {
  openPoseModel,
  type PoseBox,
  type PoseHintOptions,
  type PoseModel,
  type PoseModelOptions,
  type PoseOptions,
} from "./hints/by-model/pose-model.js";
export {
  openSoftEdgeModel,
  type SoftEdgeLayout,
  type SoftEdgeModel,
  type SoftEdgeModelOptions,
} from "./hints/by-model/soft-edge-model.js";
// edges and lines of a picture
export { type CannyOptions, canny } from "./hints/canny.js";
// depth
export { type DepthMapOptions, type DepthValues, depthMap } from "./hints/depth-map.js";
// sizes
export { type FitOptions, fitHint } from "./hints/fit-hint.js";
// what a hint is
export { type Hint, maxHintPixels, maxHintSide } from "./hints/hint.js";
// drawn sheets
export { lineArtSheet, type SheetOptions } from "./hints/line-art-sheet.js";
export { type LineArtStandardOptions, lineArtStandard } from "./hints/line-art-standard.js";
export type { LineSegment } from "./hints/lines/detect-lines.js";
// palettes
export type { Colour } from "./hints/palette/colour.js";
export { type MatchColoursOptions, matchColours } from "./hints/palette/match-colours.js";
export { type MeanPaletteOptions, meanPalette } from "./hints/palette/mean-palette.js";
export { type PictureColoursOptions, pictureColours } from "./hints/palette/picture-colours.js";
export { type PicturePaletteOptions, picturePalette } from "./hints/palette/picture-palette.js";
export {
  type Swatch,
  type SwatchPaletteOptions,
  swatchPalette,
} from "./hints/palette/swatch-palette.js";
export { cooler, warmer } from "./hints/palette/warmth.js";
// perspective
export {
  type PerspectiveGridOptions,
  perspectiveGrid,
  type VanishingPoint,
} from "./hints/perspective-grid.js";
// poses
export { cocoJoints, type ScoredPoint, skeletonFromCoco } from "./hints/pose/coco.js";
export {
  type BodyJoint,
  bodyJoints,
  type FacePoint,
  facePoints,
  type HandJoint,
  handJoints,
} from "./hints/pose/joints.js";
export { type PoseFigureOptions, poseFigure } from "./hints/pose/pose-figure.js";
export {
  type PosePreset,
  type PresetPoseOptions,
  posePresets,
  presetPose,
} from "./hints/pose/presets.js";
export type { Joints, PosePoint, Skeleton } from "./hints/pose/skeleton.js";
export { scribbleSheet } from "./hints/scribble-sheet.js";
export {
  type ScribbleSoftEdgesOptions,
  scribbleSoftEdges,
} from "./hints/scribble-soft-edges.js";
export type { SheetPolarity } from "./hints/sheet.js";
export { findLines, type StraightLinesOptions, straightLines } from "./hints/straight-lines.js";
export { type XdogOptions, xdog } from "./hints/xdog.js";
// networks that steer by a hint
export { controlNet, type NetworkControlOptions, t2iAdapter } from "./networks/control-net.js";
export { type NetworkKind, type NetworkOptions, startNetwork } from "./networks/start.js";
