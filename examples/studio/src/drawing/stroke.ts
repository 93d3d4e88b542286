/** Where a pen is, in pixels of the canvas, and how firmly it is pressed: 0 to 1. */
export interface PenPoint {
  readonly x: number;
  readonly y: number;
  readonly pressure: number;
}

/** What a stroke is drawn with. */
export interface Tool {
  readonly kind: "brush" | "eraser";
  /** Pixels across, at full pressure. */
  readonly size: number;
  /** A CSS colour. */
  readonly colour: string;
}

/** A stroke that is being drawn. */
export interface Stroke {
  to(point: PenPoint): void;
}

/**
 * Begins a stroke: a dot, and then a smooth line through the middles between the points that come,
 * so that the few points of a fast pen do not make corners.
 */
export function beginStroke(
  context: CanvasRenderingContext2D,
  tool: Tool,
  start: PenPoint,
): Stroke {
  let last = start;
  let middle = start;

  function segment(from: PenPoint, through: PenPoint, to: PenPoint): void {
    context.save();
    context.globalCompositeOperation = tool.kind === "eraser" ? "destination-out" : "source-over";
    context.strokeStyle = tool.colour;
    context.lineCap = "round";
    context.lineWidth = tool.size * (0.25 + 0.75 * through.pressure);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.quadraticCurveTo(through.x, through.y, to.x, to.y);
    context.stroke();
    context.restore();
  }

  segment(start, start, start);
  return {
    to(point) {
      const next = {
        x: (last.x + point.x) / 2,
        y: (last.y + point.y) / 2,
        pressure: (last.pressure + point.pressure) / 2,
      };
      segment(middle, last, next);
      // On to the point itself, which the next segment covers: a line does not lag behind its pen.
      segment(next, next, point);
      middle = next;
      last = point;
    },
  };
}
