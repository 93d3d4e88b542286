import { checkImage, maxImagePixels, type RgbaImage } from "@underpaint/core";
import { shrinkByArea } from "./filters/resize-area.js";
import { areaTaps, lanczosTaps, resample } from "./filters/resize-taps.js";
import { roundHalfEven } from "./filters/round.js";
import { onWhite } from "./flatten.js";
import { checkDrawnSize, colourHint, type Hint } from "./hint.js";
import { checkKeys, invalid, wholeIn } from "./options.js";

/** How large {@link fitHint} makes a picture: by its shorter side, or outright. */
export type FitOptions =
  | {
      /** Pixels that the shorter side gets, 64 to 4096; both sides become multiples of 64. */
      readonly resolution?: number;
    }
  | {
      /** Pixels, 1 to 8192; both must be given. */
      readonly width: number;
      readonly height: number;
    };

/**
 * A picture brought to a size that networks take, as the annotators do it (controlnet_aux,
 * `resize_image`): the shorter side becomes `resolution` (512 when left out), each side is rounded
 * to a multiple of 64, half to the even one, and the picture is stretched to that: by Lanczos over
 * 8 × 8 pixels where it gets larger, by area where it gets smaller, the same to the pixel as
 * OpenCV's. Transparent parts are laid on white first. The hint's notices say when the size changed.
 *
 * With `width` and `height` the size is exactly that: what to do with a hint that was made for
 * another size than the picture to come.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, or one so long and thin that it
 * would become larger than is allowed; `invalid-request` for options that are not allowed.
 */
export function fitHint(image: RgbaImage, options: FitOptions = {}): Hint {
  checkKeys(options, "fitHint", ["resolution", "width", "height"]);
  const { width, height } = checkImage(image, "fitHint's picture");
  const [newWidth, newHeight] = newSize(width, height, options);
  const rgb = onWhite(image);
  if (newWidth === width && newHeight === height) return colourHint(width, height, rgb);
  const notice = `resized from ${width} × ${height} to ${newWidth} × ${newHeight}`;
  const grows = isLarger(width, height, newWidth, newHeight, options);
  const fitted = grows
    ? resample(rgb, width, height, lanczosTaps(width, newWidth), lanczosTaps(height, newHeight), 3)
    : shrink(rgb, width, height, newWidth, newHeight);
  return colourHint(newWidth, newHeight, fitted, [notice]);
}

function newSize(width: number, height: number, options: FitOptions): [number, number] {
  if ("width" in options || "height" in options) {
    const sizes = options as { width?: number; height?: number; resolution?: number };
    if (sizes.resolution !== undefined) {
      throw invalid({
        what: "fitHint is given both a resolution and a size",
        remedy: "leave one of them out",
      });
    }
    checkDrawnSize(sizes.width, sizes.height, "fitHint");
    return [sizes.width!, sizes.height!];
  }
  const { resolution = 512 } = options as { resolution?: number };
  wholeIn(resolution, "fitHint's resolution", 64, 4096);
  const factor = resolution / Math.min(width, height);
  const side = (old: number) => roundHalfEven((old * factor) / 64) * 64;
  const sides: [number, number] = [side(width), side(height)];
  if (sides[0] * sides[1] > maxImagePixels) {
    throw invalid({
      code: "invalid-image",
      what: "fitHint's picture is too long and thin for that resolution",
      value: `${width} × ${height}, which would become ${sides[0]} × ${sides[1]}`,
      allowed: `${maxImagePixels} pixels`,
      remedy: "crop it, or give width and height",
    });
  }
  return sides;
}

function isLarger(
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
  options: FitOptions,
): boolean {
  // By the factor asked for, as the annotators decide, not by what rounding to 64 made of it.
  if ("width" in options) return newWidth * newHeight > width * height;
  return ((options as { resolution?: number }).resolution ?? 512) > Math.min(width, height);
}

/** By area; where rounding to 64 makes one side larger, OpenCV takes two taps both ways. */
function shrink(
  rgb: Uint8Array,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
): Uint8Array {
  if (newWidth <= width && newHeight <= height) {
    return shrinkByArea(rgb, width, height, newWidth, newHeight, 3);
  }
  return resample(rgb, width, height, areaTaps(width, newWidth), areaTaps(height, newHeight), 3);
}
