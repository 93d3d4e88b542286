import type { Scheduler } from "../sampling/contract.js";
import { type FloatTensor, zeros } from "../tensor/tensor.js";

/** What {@link keepUnmasked} keeps. */
export interface Kept {
  /** The picture's clean latents, [n, channels, height, width]. */
  readonly clean: FloatTensor;
  /** The noise that the run begins with, of the same shape. */
  readonly noise: FloatTensor;
  /** [1, 1, height, width], 0 = kept, 1 = made anew. */
  readonly mask: FloatTensor;
}

/**
 * A scheduler whose every step puts the picture's latents back where the mask is 0, as noisy as the
 * next step expects them, and after the last one clean: how a network that knows nothing of masks
 * paints into a picture. Lugmayr et al., RePaint, arXiv 2201.09865, equation 8, with one noise
 * throughout, as diffusers' StableDiffusionInpaintPipeline does.
 */
export function keepUnmasked(scheduler: Scheduler, { clean, noise, mask }: Kept): Scheduler {
  return {
    ...scheduler,
    start(run) {
      const step = scheduler.start(run);
      const { levels } = run.schedule;
      return async (latents, index) => {
        const made = await step(latents, index);
        const next = index + 1;
        // The reference's last latents are the clean ones, even where a schedule ends before.
        if (next === levels.length - 1) return mixed(made, clean, mask);
        const { alpha, sigma } = levels[next]!;
        return mixed(made, clean, mask, alpha, noise, sigma);
      };
    },
  };
}

/** mask · made + (1 − mask) · (alpha · kept + sigma · noise), the mask shared by all channels. */
export function mixed(
  made: FloatTensor,
  kept: FloatTensor,
  mask: FloatTensor,
  alpha = 1,
  noise: FloatTensor = kept,
  sigma = 0,
): FloatTensor {
  const out = zeros("float32", made.dims);
  const plane = mask.data.length;
  for (let start = 0; start < out.data.length; start += plane) {
    for (let i = 0; i < plane; i++) {
      const share = mask.data[i]!;
      const at = start + i;
      // What is wholly new or wholly kept is not touched by an infinity or NaN of the other.
      out.data[at] =
        share === 1
          ? made.data[at]!
          : (share === 0 ? 0 : share * made.data[at]!) +
            (1 - share) * (alpha * kept.data[at]! + (sigma && sigma * noise.data[at]!));
    }
  }
  return out;
}
