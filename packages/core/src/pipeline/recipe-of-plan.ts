import type { PlannedControl } from "../control/steering.js";
import { digestImage, type ImageDigest } from "../image/digest.js";
import type { Painting } from "../painting/options.js";
import {
  type ControlRecipe,
  type PaintingRecipe,
  type Recipe,
  seedToJson,
} from "../recipe/recipe.js";
import { version } from "../version.js";
import type { GenerationPlan } from "./generate.js";

/** The recipe of a plan: what makes its pictures again. */
export async function recipeOfPlan(
  { request, scheduler, guidance }: GenerationPlan,
  modelId: string,
): Promise<Recipe> {
  const { prompt, negativePrompt, width, height, steps, seed, count, clipSkip, image } = request;
  const { painting, controls } = request;
  return {
    underpaint: 1,
    model: { id: modelId },
    prompt,
    negativePrompt,
    width,
    height,
    steps,
    guidance: { name: guidance.name, options: guidance.options },
    scheduler: { name: scheduler.name, options: scheduler.options },
    seed: seedToJson(seed),
    count,
    ...(image && { strength: request.strength, image: await digestImage(image) }),
    ...(painting && { painting: await paintingRecipe(painting) }),
    ...(controls.length > 0 && { controls: await Promise.all(controls.map(controlRecipe)) }),
    ...(clipSkip > 0 && { clipSkip }),
    versions: { "@underpaint/core": version },
  };
}

async function paintingRecipe(painting: Painting): Promise<PaintingRecipe> {
  const { given, source, edge, padding, fill, layer } = painting;
  return {
    mask: await digestImage(given),
    source,
    ...edge,
    ...(padding !== undefined && { padding }),
    fill,
    ...(layer && { layer }),
  };
}

async function controlRecipe({
  control: { name, options, pictures = {} },
  strength: { weight, start, end, mode, mask },
}: PlannedControl): Promise<ControlRecipe> {
  const digests: [string, ImageDigest][] = [];
  for (const [role, picture] of Object.entries(pictures)) {
    digests.push([role, await digestImage(picture)]);
  }
  return {
    name,
    options,
    pictures: Object.fromEntries(digests),
    weight,
    start,
    end,
    mode,
    ...(mask && { mask: await digestImage(mask) }),
  };
}
