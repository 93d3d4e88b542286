import { createImage, type RgbaImage, resize } from "@underpaint/web";

/**
 * What a drawing looks like to the model: ink over a picture, if there is one, over white paper.
 * Where there is no ink the picture is what it was, to the digit.
 */
export function flatten(
  ink: RgbaImage,
  underlay: RgbaImage | undefined,
  size: { readonly width: number; readonly height: number },
): RgbaImage {
  const { width, height } = size;
  const below = underlay && resize(underlay, width, height);
  const above = resize(ink, width, height, { filter: "area" });
  const out = createImage(width, height);
  for (let i = 0; i < out.data.length; i += 4) {
    const alpha = above.data[i + 3]! / 255;
    const shown = below ? below.data[i + 3]! / 255 : 0;
    for (let j = i; j < i + 3; j++) {
      const ground = 255 + (below ? (below.data[j]! - 255) * shown : 0);
      out.data[j] = ground + (above.data[j]! - ground) * alpha;
    }
    out.data[i + 3] = 255;
  }
  return out;
}
