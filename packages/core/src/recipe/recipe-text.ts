import { UnderpaintError } from "../errors.js";
import { readPngText } from "../image/png-text.js";
import { formatParameters } from "./parameters.js";
import { parseRecipe } from "./parse-recipe.js";
import type { Recipe } from "./recipe.js";

/** The keyword of a recipe's JSON in a PNG. */
export const recipeKeyword = "underpaint";

/** The longest JSON that is read: room for both prompts in the worst escapes, and for the rest. */
const longestJson = 2 ** 21;

/**
 * The texts that go into a picture's file: the recipe, exactly, under {@link recipeKeyword}, and
 * "parameters" for other tools: `encodePng(image, { text: recipeText(recipe) })`.
 */
export function recipeText(recipe: Recipe): { underpaint: string; parameters: string } {
  return {
    // PNG texts end at NUL. JSON has escapes for it.
    parameters: parametersOfRecipe(recipe).replaceAll("\0", "\ufffd"),
    [recipeKeyword]: JSON.stringify(recipe),
  };
}

/**
 * The recipe in a PNG file, or undefined where there is none. No pixel is decoded.
 *
 * @throws UnderpaintError `invalid-image` for what is no PNG, or a broken one; `invalid-request`
 * for a recipe that {@link parseRecipe} refuses.
 */
export function readRecipe(png: Uint8Array | ArrayBuffer): Recipe | undefined {
  const json = readPngText(png).get(recipeKeyword);
  if (json === undefined) return undefined;
  if (json.length > longestJson) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the picture's recipe is too long",
      value: `${json.length} characters`,
      allowed: `${longestJson}`,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the picture's recipe is not JSON",
      value: json,
      cause,
    });
  }
  return parseRecipe(value);
}

/** What other tools call our schedulers; they know others by our names. */
const samplerNames: Readonly<Record<string, string>> = {
  ddim: "DDIM",
  euler: "Euler",
  "euler-ancestral": "Euler a",
  heun: "Heun",
  lms: "LMS",
  "dpmpp-2m": "DPM++ 2M",
  "dpmpp-2m-sde": "DPM++ 2M SDE",
  "dpmpp-3m-sde": "DPM++ 3M SDE",
  "dpmpp-sde": "DPM++ SDE",
  unipc: "UniPC",
  lcm: "LCM",
};

/** What other tools call the spacings of a scheduler's options; the rest is their default. */
const spacingNames: Readonly<Record<string, string>> = {
  karras: "Karras",
  exponential: "Exponential",
  beta: "Beta",
};

/** The settings in the order in which other tools write them. */
function parametersOfRecipe(recipe: Recipe): string {
  const { scheduler, guidance, clipSkip, strength } = recipe;
  const settings = new Map<string, string>();
  const add = (key: string, value: unknown) => {
    if (value !== undefined && value !== "") settings.set(key, String(value));
  };
  const spacing = (scheduler.options.spacing as { kind?: unknown } | null | undefined)?.kind;
  add("Steps", recipe.steps);
  add("Sampler", lookUp(samplerNames, scheduler.name) ?? scheduler.name);
  add("Schedule type", lookUp(spacingNames, spacing));
  add("CFG scale", guidance.options.scale);
  add("Seed", recipe.seed);
  add("Size", `${recipe.width}x${recipe.height}`);
  add("Model", recipe.model.id);
  add("Denoising strength", strength);
  // They count the layers that are used from the end, so that 1 leaves none out.
  add("Clip skip", clipSkip ? clipSkip + 1 : undefined);
  add("Version", ["underpaint", recipe.versions["@underpaint/core"]].filter(Boolean).join(" "));
  return formatParameters({ ...recipe, settings });
}

function lookUp(names: Readonly<Record<string, string>>, key: unknown): string | undefined {
  return typeof key === "string" && Object.hasOwn(names, key) ? names[key] : undefined;
}
