import { toTensor } from "../image/convert.js";
import type { RgbaImage } from "../image/image.js";
import { cropBack, cropImage, cropMask } from "../painting/crop-pixels.js";
import { newShare, repaintedArea } from "../painting/edge.js";
import { fillMasked } from "../painting/fill.js";
import { keepUnmasked, mixed } from "../painting/keep-unmasked.js";
import { inpaintingInput, latentMask, withoutMasked } from "../painting/latent-mask.js";
import { layOver, newPixels } from "../painting/layer.js";
import type { Scheduler } from "../sampling/contract.js";
import { linear } from "../tensor/linear.js";
import { batchEntry, type FloatTensor } from "../tensor/tensor.js";
import { encodePicture } from "./encode-picture.js";
import type { GenerationContext, GenerationPlan, PaintingPlan } from "./generate.js";
import { networkForm } from "./network-form.js";
import type { SeededNoise } from "./seeded-noise.js";

/** How the loop is told to paint: what it begins with, and what it sees of scheduler and network. */
export interface PaintingRun {
  /** The latents that the run begins with. */
  readonly latents: FloatTensor;
  readonly scheduler: Scheduler;
  /** What a network for inpainting takes beside picture k's latents; undefined for others. */
  readonly inpainting: ((picture: number) => FloatTensor) | undefined;
  /** An estimate of the clean latents as it will look in the picture. */
  shown(estimate: FloatTensor): FloatTensor;
  /** The result: the image with the new pixels, or the layer of them. */
  finish(made: RgbaImage): RgbaImage;
}

/**
 * Begins to paint. Random numbers are drawn in the order of diffusers' inpainting pipeline: the
 * picture's latents (where they are needed), the noise, the masked picture's latents.
 */
export async function beginPainting(
  plan: GenerationPlan,
  { painting, crop, image }: PaintingPlan,
  noise: SeededNoise,
  context: GenerationContext,
): Promise<PaintingRun> {
  const { request, schedule, begin, seeds } = plan;
  const { parts, stopwatch, signal } = context;
  const { mask, bounds, edge, fill, layer } = painting;
  const network = await stopwatch.time("load", () => parts.network(signal, networkForm(plan)));
  const area = repaintedArea(mask, bounds, edge);
  const seen = cropMask(area, crop);
  const pixels = toTensor(fillMasked(cropImage(image, crop), seen, fill));
  const dims = parts.latentDims(request.width, request.height);
  const scale = parts.latentScale;
  const fromNoise = request.strength === 1;

  const clean =
    network.inpaints && fromNoise
      ? undefined
      : await encodePicture(pixels, seeds.length, noise, context);
  const normals = noise.batch(dims);
  const { alpha, sigma } = schedule.levels[begin]!;
  const latents =
    fromNoise || !clean
      ? linear(schedule.initialNoiseScale, normals)
      : linear(alpha, clean, sigma, normals);
  const share = newShare(mask, bounds, area, edge);

  function finish(made: RgbaImage): RgbaImage {
    const news = newPixels(cropBack(made, crop), crop.source, share);
    return layer ? news : layOver(image, news);
  }

  if (network.inpaints) {
    const hard = latentMask(seen, scale, "hard");
    // What there is to warn of was said of the picture itself.
    const quiet = clean ? { ...context, warn: () => {} } : context;
    const masked = await encodePicture(withoutMasked(pixels, seen), seeds.length, noise, quiet);
    const inputs = seeds.map((_, k) => inpaintingInput(hard, batchEntry(masked, k)));
    return {
      latents,
      scheduler: plan.scheduler,
      inpainting: (picture) => inputs[picture]!,
      shown: (estimate) => estimate,
      finish,
    };
  }
  const soft = latentMask(seen, scale, edge.feather > 0 ? "soft" : "hard");
  return {
    latents,
    scheduler: keepUnmasked(plan.scheduler, { clean: clean!, noise: normals, mask: soft }),
    inpainting: undefined,
    shown: (estimate) => mixed(estimate, clean!, soft),
    finish,
  };
}
