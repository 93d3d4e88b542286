/** A sample laid on white by its alpha, rounded to 8 bits; what networks see of transparency. */
export function onWhite(sample: number, alpha: number): number {
  return alpha === 255 ? sample : Math.round((sample * alpha + 255 * (255 - alpha)) / 255);
}
