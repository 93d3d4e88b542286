import { type Canvas, fillSpan, type Ink } from "./canvas.js";
import { drawFineLine, drawLine, unit } from "./line.js";

/**
 * A filled convex polygon with its outline, the same to the pixel as OpenCV's `fillConvexPoly`.
 *
 * @param points x and y of each corner in turn; whole pixels, or units of 1/65536 if `fine`.
 */
export function fillConvexPolygon(
  canvas: Canvas,
  points: ArrayLike<number>,
  colour: Ink,
  fine = false,
): void {
  const count = points.length / 2;
  const x = (i: number) => points[2 * i]!;
  const y = (i: number) => points[2 * i + 1]!;
  const row = fine
    ? (value: number) => Math.floor((value + unit / 2) / unit)
    : (value: number) => value;
  const draw = fine ? drawFineLine : drawLine;
  let top = 0;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0, before = count - 1; i < count; before = i++) {
    draw(canvas, x(before), y(before), x(i), y(i), colour);
    if (y(i) < y(top)) top = i;
    least = Math.min(least, x(i));
    most = Math.max(most, x(i));
  }
  let bottom = top;
  for (let i = 0; i < count; i++) if (y(i) > y(bottom)) bottom = i;
  const lastRow = Math.min(row(y(bottom)), canvas.height - 1);
  const outside = row(most) < 0 || row(least) >= canvas.width || lastRow < 0;
  if (count < 3 || outside || row(y(top)) >= canvas.height) return;
  fillInside(canvas, { count, x, y, row, scale: fine ? 1 : unit }, top, lastRow, colour);
}

interface Corners {
  readonly count: number;
  x(i: number): number;
  y(i: number): number;
  /** The row that a height lies in. */
  row(y: number): number;
  /** What makes an x one in units of 1/65536. */
  readonly scale: number;
}

/** One of the two chains of edges that run down from the top corner. */
interface Chain {
  corner: number;
  /** 1 or count − 1: which way round it goes. */
  readonly step: number;
  x: number;
  slope: number;
  lastRow: number;
}

function fillInside(
  canvas: Canvas,
  corners: Corners,
  top: number,
  lastRow: number,
  colour: Ink,
): void {
  const firstRow = corners.row(corners.y(top));
  const chain = (step: number): Chain => ({
    corner: top,
    step,
    x: -unit,
    slope: 0,
    lastRow: firstRow,
  });
  const chains = [chain(1), chain(corners.count - 1)] as const;
  let edges = corners.count;
  for (let y = firstRow; y <= lastRow; y++) {
    for (const side of chains) {
      if (y < side.lastRow) continue;
      edges = nextEdge(side, corners, y, edges);
    }
    if (edges < 0) return;
    const left = Math.min(chains[0].x, chains[1].x);
    const right = Math.max(chains[0].x, chains[1].x);
    const from = Math.floor((left + unit / 2) / unit);
    fillSpan(canvas, from, Math.floor((right + unit / 2) / unit), y, colour);
    chains[0].x += chains[0].slope;
    chains[1].x += chains[1].slope;
  }
}

/** Walks on to the next edge that ends below row `y`; gives the number of edges left, or −1. */
function nextEdge(side: Chain, corners: Corners, y: number, edges: number): number {
  let from = side.corner;
  let to = (from + side.step) % corners.count;
  while (edges-- > 0) {
    const end = corners.row(corners.y(to));
    if (end > y) {
      const start = corners.x(from) * corners.scale;
      const rows = end - y;
      const width = corners.x(to) * corners.scale - start;
      side.lastRow = end;
      side.slope = Math.trunc((width * 2 + rows) / (2 * rows));
      side.x = start;
      side.corner = to;
      return edges;
    }
    from = to;
    to = (to + side.step) % corners.count;
  }
  return edges;
}
