import type { Control, ControlMode } from "../control/contract.js";
import { UnderpaintError } from "../errors.js";
import { digestImage, type ImageDigest } from "../image/digest.js";
import type { RgbaImage } from "../image/image.js";
import { checkFill } from "../painting/fill.js";
import type { PaintingRequest } from "../painting/options.js";
import { parseRecipe } from "../recipe/parse-recipe.js";
import type { ControlRecipe, PaintingRecipe, Recipe } from "../recipe/recipe.js";
import type { ControlMaker } from "./registry.js";
import type { GenerateRequest } from "./request.js";
import type { PipelineWarning } from "./result.js";

/**
 * A recipe to make again, with what a recipe cannot hold: the picture that it began from, and what
 * watches the request. JSON as it was read will do.
 */
export type RecipeRequest = Omit<Recipe, "image" | "controls"> & {
  readonly image?: RgbaImage | ImageDigest;
  /** The controls themselves, in place of those of the recipe. */
  readonly controls?: readonly (ControlRecipe | Control)[];
  /** The pictures and masks of the recipe's controls, in any order: each is known by its digest. */
  readonly pictures?: readonly RgbaImage[];
  /** The mask of a recipe that painted. */
  readonly mask?: RgbaImage;
} & Pick<GenerateRequest, "onStep" | "signal">;

/** The controls of a recipe, made again; those that are given are taken as they are. */
async function controlsOf(
  recipes: readonly ControlRecipe[],
  pictures: readonly RgbaImage[],
  make: ControlMaker,
): Promise<readonly Control[]> {
  const known = new Map<string, RgbaImage>();
  for (const picture of pictures) known.set((await digestImage(picture)).sha256, picture);
  const find = ({ sha256, width, height }: ImageDigest, what: string): RgbaImage => {
    const found = known.get(sha256);
    if (found) return found;
    throw new UnderpaintError({
      code: "invalid-request",
      what: `the recipe was steered by a picture of ${width} × ${height}, ${what}, which is not in it`,
      remedy: "pass it along: generate({ ...recipe, pictures: [ … ] })",
    });
  };
  const made: Control[] = [];
  for (const { name, options, pictures: digests, weight, start, end, mode, mask } of recipes) {
    const found = Object.entries(digests).map(([role, digest]) => [
      role,
      find(digest, `the ${role} of ${name}`),
    ]);
    const control = await make(name, options, {
      pictures: Object.fromEntries(found) as Record<string, RgbaImage>,
      strength: {
        weight,
        start,
        end,
        // Checked with the other parts of the strength.
        mode: mode as ControlMode,
        ...(mask && { mask: find(mask, `the mask of ${name}`) }),
      },
    });
    made.push(control);
  }
  return made;
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
 * The request that a recipe means.
 *
 * @throws UnderpaintError `invalid-request` for a recipe that is not right, and for the wrong
 * picture or none where it began from one.
 */
export async function requestOfRecipe(
  asked: RecipeRequest,
  modelId: string,
  warn: (warning: PipelineWarning) => void,
  makeControl: ControlMaker,
): Promise<GenerateRequest> {
  const { onStep, signal, image, mask, controls: steering = [], pictures = [], ...rest } = asked;
  const picture = image && "data" in image ? image : undefined;
  const own = steering.filter(
    (control): control is Control => "start" in control && typeof control.start === "function",
  );
  const recipe = parseRecipe({
    ...rest,
    ...(image && !picture && { image }),
    ...(steering.length > own.length && { controls: steering }),
  });
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
  const controls =
    own.length > 0 ? own : await controlsOf(recipe.controls ?? [], pictures, makeControl);
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
    ...(controls.length > 0 && { controls }),
    ...(onStep && { onStep }),
    ...(signal && { signal }),
  };
}
