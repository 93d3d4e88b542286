import { nearest, UnderpaintError } from "../errors.js";
import type { ImageDigest } from "../image/digest.js";
import {
  type ControlRecipe,
  type PaintingRecipe,
  type PluginRecipe,
  type Recipe,
  seedFromJson,
  seedToJson,
} from "./recipe.js";

/** Where the parts of a recipe end. A request has narrower limits still. */
const limits = {
  promptCharacters: 100_000,
  nameCharacters: 4096,
  side: 65_536,
  count: 65_536,
  /** Of a plug-in's options: nested objects, and values in all. */
  optionDepth: 8,
  optionValues: 10_000,
  versions: 100,
  controls: 64,
  /** Of a control. */
  pictures: 64,
  blocks: 1024,
  weight: 1000,
} as const;

const recipeKeys = [
  "underpaint",
  "model",
  "prompt",
  "negativePrompt",
  "width",
  "height",
  "steps",
  "guidance",
  "scheduler",
  "seed",
  "count",
  "index",
  "strength",
  "image",
  "painting",
  "controls",
  "clipSkip",
  "versions",
] as const satisfies readonly (keyof Recipe)[];

/**
 * A recipe from a value that may come from anyone, such as the text of a picture that was found:
 * copied, every field checked. A field that is not known is refused rather than ignored, because
 * what it asks for would be missing from the picture without a word.
 *
 * @param value what `JSON.parse` gave.
 * @throws UnderpaintError `invalid-request`: the first thing that is wrong.
 */
export function parseRecipe(value: unknown): Recipe {
  const fields = record(value, "the recipe");
  const version = fields.underpaint;
  if (version !== 1) {
    throw wrong("recipe.underpaint", "is no version that this package reads", version, "1");
  }
  onlyKeys(fields, recipeKeys, "the recipe");
  const model = record(fields.model, "recipe.model");
  onlyKeys(model, ["id"], "recipe.model");
  return {
    underpaint: 1,
    model: { id: text(model.id, "recipe.model.id", limits.nameCharacters) },
    prompt: text(fields.prompt, "recipe.prompt", limits.promptCharacters),
    negativePrompt: text(fields.negativePrompt, "recipe.negativePrompt", limits.promptCharacters),
    width: whole(fields.width, "recipe.width", 1, limits.side),
    height: whole(fields.height, "recipe.height", 1, limits.side),
    steps: whole(fields.steps, "recipe.steps", 1, limits.count),
    guidance: plugin(fields.guidance, "recipe.guidance"),
    scheduler: plugin(fields.scheduler, "recipe.scheduler"),
    seed: seed(fields.seed),
    count: whole(fields.count, "recipe.count", 1, limits.count),
    ...optional("index", fields, (found, name) => whole(found, name, 0, limits.count)),
    ...optional("strength", fields, strength),
    ...optional("image", fields, image),
    ...optional("painting", fields, painting),
    ...optional("controls", fields, controls),
    ...optional("clipSkip", fields, (found, name) => whole(found, name, 0, limits.count)),
    versions: versions(fields.versions),
  };
}

function wrong(name: string, what: string, value: unknown, allowed?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what: `${name} ${what}`,
    value,
    ...(allowed === undefined ? {} : { allowed }),
  });
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(name, "is not an object", value);
  }
  return value as Fields;
}

function onlyKeys(fields: Fields, known: readonly string[], name: string): void {
  for (const key of Object.keys(fields)) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${name} has a field that this version does not know`,
      value: key,
      allowed: known.join(", "),
      remedy: meant ? `did you mean ${meant}?` : "update underpaint, or take the field out",
    });
  }
}

function optional<K extends string, T>(
  key: K,
  fields: Fields,
  read: (value: unknown, name: string) => T,
): { readonly [key in K]?: T } {
  if (fields[key] === undefined) return {};
  return { [key]: read(fields[key], `recipe.${key}`) } as { [key in K]: T };
}

function text(value: unknown, name: string, most: number): string {
  if (typeof value !== "string") throw wrong(name, "is not a string", value);
  if (value.length > most) throw wrong(name, "is too long", value, `${most} characters`);
  return value;
}

function whole(value: unknown, name: string, low: number, high: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high) {
    throw wrong(name, "is out of range", value, `a whole number from ${low} to ${high}`);
  }
  return value;
}

function strength(value: unknown, name: string): number {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
    throw wrong(name, "is out of range", value, "0 to 1");
  }
  return value;
}

function seed(value: unknown): number | string {
  const allowed =
    "0 to 9007199254740991, or a string of digits up to 18446744073709551615 above that";
  const digits = typeof value === "string" && /^\d{1,20}$/.test(value);
  const exact = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  if (!digits && !exact) throw wrong("recipe.seed", "is no seed", value, allowed);
  const found = seedFromJson(value as number | string);
  if (found >= 1n << 64n) throw wrong("recipe.seed", "is too large", value, allowed);
  return seedToJson(found);
}

function image(value: unknown, name: string): ImageDigest {
  const fields = record(value, name);
  onlyKeys(fields, ["sha256", "width", "height"], name);
  const { sha256 } = fields;
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw wrong(`${name}.sha256`, "is no digest", sha256, "64 lower-case hexadecimal digits");
  }
  return {
    sha256,
    width: whole(fields.width, `${name}.width`, 1, 2 ** 26),
    height: whole(fields.height, `${name}.height`, 1, 2 ** 26),
  };
}

const paintingKeys = [
  "mask",
  "source",
  "grow",
  "feather",
  "blend",
  "spill",
  "padding",
  "fill",
  "layer",
] as const satisfies readonly (keyof PaintingRecipe)[];

function painting(value: unknown, name: string): PaintingRecipe {
  const fields = record(value, name);
  onlyKeys(fields, paintingKeys, name);
  const { source, spill, padding, layer } = fields;
  const pixels = (key: "grow" | "feather" | "blend" | "padding"): number =>
    whole(fields[key], `${name}.${key}`, 0, limits.side);
  if (source !== "luminance" && source !== "alpha") {
    throw wrong(`${name}.source`, "is not known", source, "luminance, alpha");
  }
  if (typeof spill !== "boolean") throw wrong(`${name}.spill`, "is not true or false", spill);
  if (layer !== undefined && typeof layer !== "boolean") {
    throw wrong(`${name}.layer`, "is not true or false", layer);
  }
  return {
    mask: image(fields.mask, `${name}.mask`),
    source,
    grow: pixels("grow"),
    feather: pixels("feather"),
    blend: pixels("blend"),
    spill,
    ...(padding !== undefined && { padding: pixels("padding") }),
    fill: text(fields.fill, `${name}.fill`, limits.nameCharacters),
    ...(layer !== undefined && { layer }),
  };
}

const controlKeys = [
  "name",
  "options",
  "pictures",
  "weight",
  "start",
  "end",
  "mode",
  "mask",
] as const satisfies readonly (keyof ControlRecipe)[];

function controls(value: unknown, name: string): readonly ControlRecipe[] {
  if (!Array.isArray(value) || value.length > limits.controls) {
    throw wrong(name, "is no list of controls", value, `up to ${limits.controls}`);
  }
  return value.map((entry: unknown, index) => control(entry, `${name}[${index}]`));
}

function control(value: unknown, name: string): ControlRecipe {
  const { pictures, weight, start, end, mode, mask, ...rest } = record(value, name);
  onlyKeys(record(value, name), controlKeys, name);
  const entries = Object.entries(record(pictures, `${name}.pictures`));
  if (entries.length > limits.pictures) {
    throw wrong(`${name}.pictures`, "has too many entries", entries.length, `${limits.pictures}`);
  }
  const factor = (found: unknown): number => {
    if (typeof found === "number" && Math.abs(found) <= limits.weight) return found;
    throw wrong(`${name}.weight`, "is out of range", found, `up to ${limits.weight}`);
  };
  if (Array.isArray(weight) && weight.length > limits.blocks) {
    throw wrong(`${name}.weight`, "has too many numbers", weight.length, `${limits.blocks}`);
  }
  return {
    ...plugin(rest, name),
    pictures: Object.fromEntries(
      entries.map(([role, digest]) => [
        text(role, `a name in ${name}.pictures`, limits.nameCharacters),
        image(digest, `${name}.pictures.${role.slice(0, 40)}`),
      ]),
    ),
    weight: Array.isArray(weight) ? weight.map(factor) : factor(weight),
    start: strength(start, `${name}.start`),
    end: strength(end, `${name}.end`),
    mode: text(mode, `${name}.mode`, limits.nameCharacters),
    ...(mask !== undefined && { mask: image(mask, `${name}.mask`) }),
  };
}

function versions(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(record(value, "recipe.versions"));
  if (entries.length > limits.versions) {
    throw wrong("recipe.versions", "has too many entries", entries.length, `${limits.versions}`);
  }
  return Object.fromEntries(
    entries.map(([key, found]) => [
      text(key, "a name in recipe.versions", limits.nameCharacters),
      text(found, `recipe.versions.${key.slice(0, 40)}`, limits.nameCharacters),
    ]),
  );
}

function plugin(value: unknown, name: string): PluginRecipe {
  const fields = record(value, name);
  onlyKeys(fields, ["name", "options"], name);
  let left: number = limits.optionValues;
  const options = record(fields.options, `${name}.options`);
  return {
    name: text(fields.name, `${name}.name`, limits.nameCharacters),
    options: copyJson(options, `${name}.options`, limits.optionDepth) as Fields,
  };

  function copyJson(found: unknown, at: string, depth: number): unknown {
    if (left-- <= 0) {
      throw wrong(`${name}.options`, "are too many", undefined, `${limits.optionValues} values`);
    }
    if (found === null || typeof found === "boolean") return found;
    if (typeof found === "string") return text(found, at, limits.nameCharacters);
    if (typeof found === "number" && Number.isFinite(found)) return found;
    if (typeof found !== "object") throw wrong(at, "is no JSON value", found);
    if (depth === 0) throw wrong(`${name}.options`, "are nested too deeply", undefined);
    if (Array.isArray(found)) {
      return Array.from(found, (entry, i) => copyJson(entry, `${at}[${i}]`, depth - 1));
    }
    // fromEntries defines properties, so that a key "__proto__" stays a mere key.
    return Object.fromEntries(
      Object.entries(found).map(([key, entry]) => [
        text(key, `a name in ${name}.options`, limits.nameCharacters),
        copyJson(entry, `${at}.${key.slice(0, 40)}`, depth - 1),
      ]),
    );
  }
}
