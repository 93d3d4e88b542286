import { UnderpaintError } from "../errors.js";
import { isObject, type JsonObject } from "./json.js";

/** Which architecture a model has, and with it how its graphs are called. */
export type ModelFamily =
  /** Stable Diffusion 1 and 2, SD-Turbo, and the latent consistency models made of them. */
  "stable-diffusion" | "stable-diffusion-xl" | "stable-diffusion-3" | "flux" | "unknown";

/** What `model_index.json` says. */
export interface ModelIndex {
  /** diffusers' name of the pipeline: "StableDiffusionPipeline"; "" where the file has none. */
  readonly className: string;
  readonly family: ModelFamily;
  /** The folders that it names, except those that it says are left out (`[null, null]`). */
  readonly folders: readonly string[];
  readonly defaults: ModelDefaults;
  /**
   * Folders of controls that come along, by name (`_underpaint_controls`): each holds a graph as
   * components do.
   */
  readonly controls: Readonly<Record<string, string>>;
}

/** What a model was made for: its own wish, which no other tool writes or reads. */
export interface ModelDefaults {
  /** `_underpaint_steps`, 1 to 1000. */
  readonly steps?: number;
  /** `_underpaint_guidance_scale`, 0 to 1000. */
  readonly guidanceScale?: number;
  /**
   * `_underpaint_size_multiple`: pixels whose multiples the pictures' sides must be, where the network
   * takes fewer sizes than the VAE; a multiple of the VAE's scale.
   */
  readonly sizeMultiple?: number;
}

const file = "model_index.json";
const controlsKey = "_underpaint_controls";

/**
 * Reads a parsed `model_index.json`.
 *
 * Its keys are names of folders and come from a stranger: each must be a plain name, so that none
 * leads out of the model.
 *
 * @throws UnderpaintError `model-invalid` for a key that is no plain name, or a class name that is
 * no text.
 */
export function readIndex(index: JsonObject): ModelIndex {
  const className = index._class_name ?? "";
  if (typeof className !== "string" || className.length > 200) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${file}: _class_name is no name`,
      value: className,
      allowed: 'a name such as "StableDiffusionPipeline"',
    });
  }
  const folders: string[] = [];
  for (const [name, value] of Object.entries(index)) {
    checkName(name);
    if (name === controlsKey) continue;
    for (const text of Array.isArray(value) ? value : [value]) checkStays(name, text);
    // What is no list is a setting: "_diffusers_version", "requires_safety_checker".
    if (!Array.isArray(value) && !isObject(value)) continue;
    if (!Array.isArray(value) || value.length !== 2) {
      throw new UnderpaintError({
        code: "model-invalid",
        what: `${file}: ${JSON.stringify(name)} is no pair of library and class`,
        value,
        allowed: '["diffusers", "UNet2DConditionModel"] and the like, or [null, null]',
      });
    }
    if (value.every((part) => part !== null)) folders.push(name);
  }
  return {
    className,
    family: familyOf(className, folders),
    folders,
    controls: controlsOf(index),
    defaults: {
      ...setting(index, "steps", "_underpaint_steps", (n) => Number.isInteger(n) && n >= 1),
      ...setting(index, "guidanceScale", "_underpaint_guidance_scale", (n) => n >= 0),
      ...setting(
        index,
        "sizeMultiple",
        "_underpaint_size_multiple",
        (n) => Number.isInteger(n) && n >= 1,
      ),
    },
  };
}

/** The folders of the controls that a model brings along, by name. */
function controlsOf({ [controlsKey]: controls = {} }: JsonObject): ModelIndex["controls"] {
  const entries = isObject(controls) ? Object.entries(controls) : [];
  const isPlain = ([name, folder]: [string, unknown]): boolean =>
    /^[A-Za-z][A-Za-z0-9_-]{0,59}$/.test(name) &&
    typeof folder === "string" &&
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(folder);
  if (isObject(controls) && entries.length <= 64 && entries.every(isPlain)) {
    return Object.fromEntries(entries) as Record<string, string>;
  }
  throw new UnderpaintError({
    code: "model-invalid",
    what: `${file}: ${controlsKey} cannot be`,
    value: isObject(controls)
      ? (entries.find((entry) => !isPlain(entry)) ?? entries.length)
      : controls,
    allowed: 'names of controls and folders of the model: { "lineart": "controlnet_lineart" }',
  });
}

/** A number of the index up to 1000, if it is there. Keys with a leading _ are left to whoever needs them. */
function setting<K extends keyof ModelDefaults>(
  index: JsonObject,
  name: K,
  key: string,
  allowed: (value: number) => boolean,
): ModelDefaults {
  const value = index[key];
  if (value === undefined) return {};
  if (typeof value === "number" && value <= 1000 && allowed(value)) return { [name]: value };
  throw new UnderpaintError({ code: "model-invalid", what: `${file}: ${key} cannot be`, value });
}

/** A folder's name must be one on every operating system, and stay inside the model. */
function checkName(name: string): void {
  const plain = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(name) && !name.endsWith(".");
  if (plain) return;
  throw new UnderpaintError({
    code: "model-invalid",
    what: `${file} names a folder that a model cannot have`,
    value: name,
    allowed: "letters, digits, _, - and . within the model's own folder",
    remedy: "do not use a model that reaches out of its folder",
  });
}

/** A value that is a path out of the model is told of, though no value is used as a path. */
function checkStays(name: string, value: unknown): void {
  const outward = /(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:|\0/;
  if (typeof value !== "string" || !outward.test(value)) return;
  throw new UnderpaintError({
    code: "model-invalid",
    what: `${file}: ${name} leads out of the model's folder`,
    value,
    remedy: "do not use a model that reaches out of its folder",
  });
}

function familyOf(className: string, folders: readonly string[]): ModelFamily {
  const has = (name: string): boolean => folders.includes(name);
  if (/Flux/.test(className)) return "flux";
  if (/StableDiffusion3/.test(className)) return "stable-diffusion-3";
  if (/StableDiffusionXL|ConsistencyModelXL/.test(className)) return "stable-diffusion-xl";
  const unet = has("unet") && has("text_encoder");
  // Whoever wrote the file may have called an XL model by the name of its elder.
  if (unet && has("text_encoder_2")) return "stable-diffusion-xl";
  if (/StableDiffusion|LatentConsistencyModel/.test(className)) return "stable-diffusion";
  if (has("transformer") && has("text_encoder_3")) return "stable-diffusion-3";
  return unet ? "stable-diffusion" : "unknown";
}
