import type { ImageDigest } from "../image/digest.js";

/** A scheduler or a guidance as data: what it is called and its factory's options. */
export interface PluginRecipe {
  readonly name: string;
  /** Plain JSON. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The model that a recipe was made with. */
export interface RecipeModel {
  /** Its source's id, such as "hub:owner/name@revision". Replaying a recipe never fetches it. */
  readonly id: string;
}

/** A control as data. Its pictures are not in the recipe: by these digests they can be told. */
export interface ControlRecipe extends PluginRecipe {
  /** What it was drawn from, by role: "hint". */
  readonly pictures: Readonly<Record<string, ImageDigest>>;
  /** A number, or one for each block. */
  readonly weight: number | readonly number[];
  /** 0 to 1, shares of the steps. */
  readonly start: number;
  readonly end: number;
  readonly mode: string;
  readonly mask?: ImageDigest;
}

/** How a picture was painted into: see {@link GenerateRequest} for what each of it is. */
export interface PaintingRecipe {
  /** The mask, which is not in the recipe: by this it can be told. */
  readonly mask: ImageDigest;
  readonly source: "luminance" | "alpha";
  /** Pixels of the image. */
  readonly grow: number;
  /** Pixels of the image. */
  readonly feather: number;
  /** Pixels of the image. */
  readonly blend: number;
  /** Whether the edge lies outside of the mask. */
  readonly spill: boolean;
  /** Pixels around the mask that the network saw; the whole image where it is left out. */
  readonly padding?: number;
  readonly fill: string;
  /** Whether the new pixels alone were returned. */
  readonly layer?: boolean;
}

/**
 * All that is needed to make pictures again: plain JSON, so that it can be stored, sent and read
 * by other programs. Every field changes the pictures, except where it says otherwise.
 */
export interface Recipe {
  /** The format's version. */
  readonly underpaint: 1;
  readonly model: RecipeModel;
  readonly prompt: string;
  readonly negativePrompt: string;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly steps: number;
  readonly guidance: PluginRecipe;
  readonly scheduler: PluginRecipe;
  /** The first picture's, picture k having seed + k; above 2^53 − 1 as a string of digits. */
  readonly seed: number | string;
  /** Pictures, 1 or more. */
  readonly count: number;
  /**
   * Which picture of its request it was, from 0, where the recipe is of one picture alone. Changes
   * nothing: `seed` is that picture's own.
   */
  readonly index?: number;
  /** 0 to 1: how much of `image` was made anew. */
  readonly strength?: number;
  /** The picture that it began from, which is not in the recipe: by this it can be told. */
  readonly image?: ImageDigest;
  /** Set where `image` was painted into. */
  readonly painting?: PaintingRecipe;
  /** What steered it, in the order of the request; left out where nothing did. */
  readonly controls?: readonly ControlRecipe[];
  /** Layers left out at the text encoder's end, as diffusers counts; none where it is left out. */
  readonly clipSkip?: number;
  /** What made the pictures, by package. Changes nothing, but tells why a replay may differ. */
  readonly versions: Readonly<Record<string, string>>;
}

/** One above the largest seed. */
const seedCount = 1n << 64n;

/** A seed as a recipe has it: exact in JSON. */
export function seedToJson(seed: number | bigint): number | string {
  return seed <= Number.MAX_SAFE_INTEGER ? Number(seed) : seed.toString();
}

/** The seed that {@link seedToJson} wrote, a bigint where a number would not be exact. */
export function seedFromJson(seed: number | string): number | bigint {
  const exact = BigInt(seed);
  return exact <= Number.MAX_SAFE_INTEGER ? Number(exact) : exact;
}

/** The recipe of picture `index` of a request alone: what goes into its file. */
export function recipeOfPicture(recipe: Recipe, index: number): Recipe {
  const seed = (BigInt(recipe.seed) + BigInt(index)) % seedCount;
  return { ...recipe, seed: seedToJson(seed), count: 1, index };
}
