import type { ControlStrength } from "@underpaint/core";
import {
  type ControlCheckOptions,
  controlChecks,
  fakeAdapter,
  fakeControlNet,
} from "@underpaint/testing";
import { describe, it } from "vitest";
import { noisePicture } from "../hints/fakes/source-picture.js";
import { presetPose } from "../hints/pose/presets.js";
import { controlNet, t2iAdapter } from "../networks/control-net.js";
import { cannyEdges } from "./canny-edges.js";
import { depth } from "./depth.js";
import { lineArt } from "./line-art.js";
import { palette } from "./palette.js";
import { perspective } from "./perspective.js";
import { pose } from "./pose.js";
import { scribble } from "./scribble.js";
import { softEdges } from "./soft-edges.js";

const picture = noisePicture(70, 50, 3);
const square = noisePicture(64, 64, 4);
const skeleton = presetPose("waving", { width: 64, height: 64, hands: true });
const wrong = { strentgh: 1 } as never;
const colours = ["#e4572e", "#29335c", { colour: "#f3a712", share: 3 }] as const;

const ownControls = {
  model: { controls: { lineart: "a", palette: "b", depth: "c", openpose: "d" } },
};
const net = (): ControlCheckOptions => ({ openGraph: fakeControlNet().openGraph, ...ownControls });
const adapter = (): ControlCheckOptions => ({ openGraph: fakeAdapter().openGraph });

type Case = readonly [
  name: string,
  make: (strength: ControlStrength) => ReturnType<typeof controlNet>,
  options: ControlCheckOptions,
];

describe.each<Case>([
  [
    "lineArt",
    (s) => lineArt(picture, s),
    { ...net(), refuses: [() => lineArt(picture, { from: "file" as never })] },
  ],
  ["lineArt of a picture", (s) => lineArt(square, { from: "picture", ...s }), net()],
  [
    "scribble",
    (s) => scribble(picture, s),
    { ...net(), refuses: [() => scribble(picture, wrong), () => scribble("a.png" as never)] },
  ],
  ["scribble of a picture", (s) => scribble(picture, { from: "picture", ...s }), net()],
  [
    "cannyEdges",
    (s) => cannyEdges(picture, { low: 50, ...s }),
    { ...net(), refuses: [() => cannyEdges(picture, { low: 9, high: 2 })] },
  ],
  [
    "softEdges",
    (s) => softEdges(picture, s),
    { ...net(), refuses: [() => softEdges(picture, { by: {} as never })] },
  ],
  [
    "depth",
    (s) => depth(picture, { near: "low", ...s }),
    { ...net(), refuses: [() => depth(picture, { near: "left" as never })] },
  ],
  [
    "depth of numbers",
    (s) =>
      depth({ width: 8, height: 4, data: Float32Array.from({ length: 32 }, (_, i) => i * i) }, s),
    net(),
  ],
  [
    "pose",
    (s) => pose(skeleton, s),
    { ...net(), refuses: [() => pose(picture), () => pose({ body: { knee: [0, 0] } } as never)] },
  ],
  [
    "perspective",
    (s) => perspective({ horizon: 0.4, vanishingPoints: [{ x: 0.3 }, { x: 2 }], ...s }),
    { ...net(), refuses: [() => perspective({ horizon: 0, vanishingPoints: [] })] },
  ],
  [
    "palette of a picture",
    (s) => palette(picture, { warmth: 0.3, ...s }),
    { ...net(), refuses: [() => palette(picture, { warmth: 2 }), () => palette(["greenish"])] },
  ],
  ["palette without places", (s) => palette(picture, { ordered: false, count: 3, ...s }), net()],
  [
    "palette of rows",
    (s) =>
      palette(
        [
          ["red", "lime"],
          [[0, 0, 9], "tan"],
        ],
        s,
      ),
    net(),
  ],
  ["palette of swatches", (s) => palette(colours, { model: "hub:a/b", ...s }), adapter()],
  ["palette by an adapter", (s) => palette(square, { model: "hub:a/b", ...s }), adapter()],
  [
    "controlNet",
    (s) => controlNet({ model: "hub:a/b", hint: picture, ...s }),
    { ...net(), refuses: [() => controlNet({ hint: picture })] },
  ],
  [
    "t2iAdapter",
    (s) => t2iAdapter({ model: "hub:a/b", hint: picture, ...s }),
    { ...adapter(), refuses: [() => t2iAdapter({ model: "", hint: 3 } as never)] },
  ],
])("%s", (_, make, options) => {
  for (const check of controlChecks(make, options)) it(check.name, check.run);
});
