import {
  convert,
  floatTensor,
  type RgbaImage,
  type Tensor,
  type TensorSpec,
} from "@underpaint/core";
import { onWhite } from "../hints/flatten.js";
import { fixed } from "./control-graph.js";

/**
 * A hint as a control's graph takes it: [entries, 3, height, width] of 0 to 1, in its element type;
 * one channel, by ITU-R 601's shares, where the graph takes but one. Transparent parts lie on white.
 */
export function hintTensor(hint: RgbaImage, spec: TensorSpec, entries: number): Tensor {
  const { width, height } = hint;
  const rgb = onWhite(hint);
  const plane = width * height;
  const channels = fixed(spec, 1) === 1 ? 1 : 3;
  const size = channels * plane;
  const data = new Float32Array(entries * size);
  for (let i = 0; i < plane; i++) {
    const [red, green, blue] = [rgb[3 * i]!, rgb[3 * i + 1]!, rgb[3 * i + 2]!];
    if (channels === 1) {
      // Rounded to a whole level, as Pillow's "L" is.
      data[i] = Math.round((299 * red + 587 * green + 114 * blue) / 1000) / 255;
      continue;
    }
    data[i] = red / 255;
    data[plane + i] = green / 255;
    data[2 * plane + i] = blue / 255;
  }
  for (let entry = 1; entry < entries; entry++) data.copyWithin(entry * size, 0, size);
  return convert(
    floatTensor([entries, channels, height, width], data),
    spec.type === "float16" ? "float16" : "float32",
  );
}
