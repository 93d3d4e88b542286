import { UnderpaintError } from "../errors.js";
import { digestImage, type ImageDigest } from "../image/digest.js";
import type { RgbaImage } from "../image/image.js";
import { checkFill } from "../painting/fill.js";
import type { Painting, PaintingRequest } from "../painting/options.js";
import { parseRecipe } from "../recipe/parse-recipe.js";
import { type PaintingRecipe, type Recipe, seedToJson } from "../recipe/recipe.js";
import { version } from "../version.js";
import type { GenerationPlan } from "./generate.js";
import type { GenerateRequest } from "./request.js";
import type { PipelineWarning } from "./result.js";

/**
 * A recipe to make again, with what a recipe cannot hold: the picture that it began from, and what
 * watches the request. JSON as it was read will do.
 */
export type RecipeRequest = Omit<Recipe, "image"> & {
  readonly image?: RgbaImage | ImageDigest;
  /** The mask of a recipe that painted. */
  readonly mask?: RgbaImage;
} & Pick<GenerateRequest, "onStep" | "signal">;

/** Whether a request is a recipe. */
function isRecipe(asked: GenerateRequest | RecipeRequest): asked is RecipeRequest {
  return typeof asked === "object" && asked !== null && "underpaint" in asked;
}

/** The recipe of a plan: what makes its pictures again. */
export async function recipeOfPlan(
  { request, scheduler, guidance }: GenerationPlan,
  modelId: string,
): Promise<Recipe> {
  const { prompt, negativePrompt, width, height, steps, seed, count, clipSkip, image } = request;
  const { painting } = request;
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

/** The part of a request that a recipe's painting means. */
function paintingRequest(
  { source, grow, feather, blend, spill, padding, fill, layer }: PaintingRecipe,
  mask: RgbaImage | undefined,
): PaintingRequest {
  if (!mask) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the recipe painted by a mask, which is not in it",
      remedy: "pass it along: generate({ ...recipe, image, mask })",
    });
  }
  return {
    mask,
    maskSource: source,
    maskEdge: { grow, feather, blend, spill },
    onlyMasked: padding === undefined ? false : { padding },
    fill: checkFill(fill),
    ...(layer && { layer }),
  };
}

/**
 * The request that a recipe means; a request that is none is returned as it is.
 *
 * @throws UnderpaintError `invalid-request` for a recipe that is not right, and for the wrong
 * picture or none where it began from one.
 */
export async function requestOfRecipe(
  asked: GenerateRequest | RecipeRequest,
  modelId: string,
  warn: (warning: PipelineWarning) => void,
): Promise<GenerateRequest> {
  if (!isRecipe(asked)) return asked;
  const { onStep, signal, image, mask, ...rest } = asked;
  const picture = image && "data" in image ? image : undefined;
  const recipe = parseRecipe({ ...rest, ...(image && !picture && { image }) });
  if (recipe.strength !== undefined && !picture) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the recipe began from a picture, which is not in it",
      remedy: "pass it along: generate({ ...recipe, image })",
    });
  }
  if (recipe.model.id !== modelId) {
    warn({
      code: "recipe-model",
      message: `the recipe was made with ${recipe.model.id}; ${modelId} makes another picture of it.`,
    });
  }
  const { prompt, negativePrompt, width, height, steps, guidance, scheduler, seed, count } = recipe;
  return {
    prompt,
    negativePrompt,
    width,
    height,
    steps,
    guidance,
    scheduler,
    seed: String(seed),
    count,
    ...(recipe.clipSkip !== undefined && { clipSkip: recipe.clipSkip }),
    ...(picture && { image: picture, strength: recipe.strength ?? 0.8 }),
    ...(recipe.painting && paintingRequest(recipe.painting, mask)),
    ...(onStep && { onStep }),
    ...(signal && { signal }),
  };
}
