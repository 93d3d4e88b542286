import { nearest, UnderpaintError } from "../errors.js";
import { createImage, type RgbaImage } from "../image/image.js";
import { distancesInside } from "./distance.js";
import type { Mask } from "./mask.js";
import { onWhite } from "./on-white.js";
import { flowIn } from "./push-pull.js";

/**
 * What the network begins with where it repaints; of effect where `strength` is below 1.
 *
 * - `original`: what is there.
 * - `blur`: the colours around, flowing in softly from all sides.
 * - `border`: at each place the nearest colour that is kept.
 * - `neutral`: grey.
 */
export type FillMode = (typeof fillModes)[number];

/** All {@link FillMode}s. */
export const fillModes = ["original", "blur", "border", "neutral"] as const;

/** @throws UnderpaintError `invalid-request` for what is no fill. */
export function checkFill(value: unknown, allowed: readonly FillMode[] = fillModes): FillMode {
  const found = allowed.find((mode) => mode === value);
  if (found) return found;
  const meant = typeof value === "string" ? nearest(value, allowed) : undefined;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "there is no fill of that name",
    value,
    allowed: allowed.join(", "),
    ...(meant && { remedy: `did you mean ${meant}?` }),
  });
}

const grey = [128, 128, 128] as const;

/** From here on a pixel of a mask counts as repainted. */
export const halfMask = 128;

/**
 * The picture with other content where the mask is {@link halfMask} or more, opaque there. A
 * picture that is masked wholly has no colours to take, and becomes grey.
 */
export function fillMasked(image: RgbaImage, mask: Mask, fill: FillMode): RgbaImage {
  if (fill === "original") return image;
  const { width, height } = image;
  const hole = Uint8Array.from(mask.data, (value) => (value >= halfMask ? 255 : 0));
  const colourAt = colours(image, hole, fill);
  const out = createImage(width, height, image.data.slice());
  for (let i = 0; i < hole.length; i++) {
    if (hole[i] === 0) continue;
    const [red, green, blue] = colourAt(i);
    out.data[4 * i] = red;
    out.data[4 * i + 1] = green;
    out.data[4 * i + 2] = blue;
    out.data[4 * i + 3] = 255;
  }
  return out;
}

type Colour = readonly [number, number, number];

function colours(
  { width, height, data }: RgbaImage,
  hole: Uint8Array,
  fill: Exclude<FillMode, "original">,
): (index: number) => Colour {
  if (fill === "neutral" || !hole.includes(0)) return () => grey;
  const flat = (i: number): Colour => {
    const alpha = data[4 * i + 3]!;
    return [
      onWhite(data[4 * i]!, alpha),
      onWhite(data[4 * i + 1]!, alpha),
      onWhite(data[4 * i + 2]!, alpha),
    ];
  };
  if (fill === "border") {
    const nearestKept = distancesInside({ width, height, data: hole }).nearest;
    return (i) => flat(nearestKept[i]!);
  }
  const known = new Float32Array(4 * hole.length);
  for (let i = 0; i < hole.length; i++) if (hole[i] === 0) known.set([...flat(i), 1], 4 * i);
  const filled = flowIn(known, width, height);
  return (i) => [filled[4 * i]!, filled[4 * i + 1]!, filled[4 * i + 2]!];
}
