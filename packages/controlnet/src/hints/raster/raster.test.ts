import { describe, expect, it } from "vitest";
import fixtures from "../../../../../fixtures/hints/raster.json" with { type: "json" };
import { difference, none, rgbOf, unpack } from "../fakes/source-picture.js";
import { type Canvas, canvasHint, createCanvas, ink } from "./canvas.js";
import { drawLine } from "./line.js";
import { drawThickLine, fillDisc, fillEllipse } from "./shapes.js";

type Draw = (canvas: Canvas, shape: readonly number[], colour: number) => void;

const draw: Readonly<Record<string, Draw>> = {
  line: (canvas, [x1, y1, x2, y2], colour) => drawLine(canvas, x1!, y1!, x2!, y2!, colour),
  thick: (canvas, [x1, y1, x2, y2], colour) => drawThickLine(canvas, x1!, y1!, x2!, y2!, colour),
  disc: (canvas, [x, y, radius], colour) => fillDisc(canvas, x!, y!, radius!, colour),
  ellipse: (canvas, [x, y, along, across, angle], colour) =>
    fillEllipse(canvas, x!, y!, along!, across!, angle!, colour),
};

describe("drawing", () => {
  it.each(fixtures.cases)("equals OpenCV in every pixel: $kind on $width × $height", (fixture) => {
    const { kind, width, height, shapes, rgb } = fixture;
    const canvas = createCanvas(width, height);
    shapes.forEach((shape, i) => {
      draw[kind]!(canvas, shape, ink(((i * 37) % 255) + 1, i % 256, 200));
    });
    expect(difference(rgbOf(canvasHint(canvas)), unpack(rgb))).toEqual(none);
  });
});
