// Draws drawing.png, the sheet that main.mjs colours when it is given none: a fish in black lines on
// white, 512 × 512, as a pen would draw it.
//
//   node examples/colour-my-lines/draw.mjs
import { fileURLToPath } from "node:url";
import { savePng } from "@underpaint/node";

const size = 512;
const pen = 10;

/** Points along a cubic Bézier curve. */
function curve(...[[x0, y0], [x1, y1], [x2, y2], [x3, y3]]) {
  return Array.from({ length: 33 }, (_, i) => {
    const t = i / 32;
    const s = 1 - t;
    const [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
    return [a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3];
  });
}

function circle(x, y, radius) {
  return Array.from({ length: 41 }, (_, i) => {
    const angle = (i * Math.PI) / 20;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

const strokes = [
  // Back and belly.
  curve([44, 268], [110, 130], [280, 120], [372, 248]),
  curve([44, 268], [110, 396], [280, 404], [372, 280]),
  // Tail.
  curve([372, 248], [410, 214], [432, 190], [474, 168]),
  curve([474, 168], [448, 226], [448, 304], [474, 362]),
  curve([474, 362], [432, 340], [410, 316], [372, 280]),
  // Fins: on the back, at the belly, at the side.
  curve([170, 168], [190, 96], [270, 92], [292, 178]),
  curve([186, 368], [200, 424], [254, 426], [262, 362]),
  curve([212, 268], [252, 238], [286, 252], [290, 286]),
  curve([290, 286], [264, 306], [232, 300], [212, 268]),
  // Gill and mouth.
  curve([150, 196], [184, 236], [184, 304], [150, 344]),
  curve([44, 268], [66, 280], [80, 286], [96, 284]),
  circle(112, 236, 15),
];

const eye = { x: 112, y: 236, radius: 6 };

/** How far a point is from a stroke. */
function distance(px, py, points) {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < points.length; i++) {
    const [[ax, ay], [bx, by]] = [points[i - 1], points[i]];
    const [dx, dy] = [bx - ax, by - ay];
    const along = ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy);
    const t = Math.min(1, Math.max(0, along));
    least = Math.min(least, Math.hypot(px - ax - t * dx, py - ay - t * dy));
  }
  return least;
}

const data = new Uint8ClampedArray(4 * size * size).fill(255);
for (let y = 0; y < size; y++) {
  for (let x = 0; x < size; x++) {
    const [px, py] = [x + 0.5, y + 0.5];
    const line = Math.min(...strokes.map((stroke) => distance(px, py, stroke))) - pen / 2;
    const edge = Math.min(line, Math.hypot(px - eye.x, py - eye.y) - eye.radius);
    // Ink over half a pixel on either side of the edge.
    data.fill(
      255 * Math.min(1, Math.max(0, edge + 0.5)),
      4 * (y * size + x),
      4 * (y * size + x) + 3,
    );
  }
}

const file = fileURLToPath(new URL("drawing.png", import.meta.url));
await savePng(file, { width: size, height: size, data });
console.log(file);
