import type { RgbaImage } from "../image/image.js";

/** Where a control acts, 0 to 1 for each pixel. */
export interface ControlMask {
  /**
   * The mask at another size, each place the mean of the pixels that it covers, by area.
   *
   * @returns `height` · `width` values, row by row. Not to be written to.
   */
  at(height: number, width: number): Float32Array;
}

/** The mask that a picture means: 1 where it is white, 0 where it is black or transparent. */
export function controlMask({ width, height, data }: RgbaImage): ControlMask {
  const levels = new Float32Array(width * height);
  for (let i = 0; i < levels.length; i++) {
    const [red, green, blue, alpha] = [
      data[4 * i]!,
      data[4 * i + 1]!,
      data[4 * i + 2]!,
      data[4 * i + 3]!,
    ];
    // ITU-R 601's shares, which sum to 1: grey levels stay what they are.
    levels[i] = ((0.299 * red + 0.587 * green + 0.114 * blue) * alpha) / (255 * 255);
  }
  const sizes = new Map<string, Float32Array>();
  return {
    at(toHeight, toWidth) {
      const key = `${toHeight}×${toWidth}`;
      let found = sizes.get(key);
      if (!found) {
        const rows = means(levels, height, width, toHeight, width, 1);
        found = means(rows, width, 1, toWidth, toHeight, width);
        sizes.set(key, found);
      }
      return found;
    },
  };
}

/**
 * Lines of `from` values, shortened to `to` by the mean over the area that each new value covers.
 * Element i of line l is at i · step + l · lineStep.
 */
function means(
  values: Float32Array,
  from: number,
  step: number,
  to: number,
  lines: number,
  between: number,
): Float32Array {
  const out = new Float32Array(to * lines);
  // Along rows the new lines are shorter; along columns they are as far apart as before.
  const [outStep, outBetween] = step === 1 ? [1, to] : [step, between];
  for (let place = 0; place < to; place++) {
    const [begin, end] = [(place * from) / to, ((place + 1) * from) / to];
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      for (let i = Math.floor(begin); i < end; i++) {
        const share = Math.min(i + 1, end) - Math.max(i, begin);
        sum += share * values[i * step + line * between]!;
      }
      out[place * outStep + line * outBetween] = sum / (end - begin);
    }
  }
  return out;
}
