import type { Control, ControlStrength } from "../control/contract.js";
import { nearest, UnderpaintError } from "../errors.js";
import { classifierFree } from "../guidance/classifier-free.js";
import type { Guidance } from "../guidance/contract.js";
import { embeddedGuidance } from "../guidance/embedded.js";
import type { RgbaImage } from "../image/image.js";
import type { PluginRecipe } from "../recipe/recipe.js";
import type { Scheduler } from "../sampling/contract.js";
import { ddim } from "../sampling/ddim.js";
import { euler } from "../sampling/euler.js";

/**
 * Makes a plug-in of its name and of options that are plain JSON: how a recipe becomes functions
 * again. Throws an `invalid-request` that lists the names that it knows.
 */
export type PluginMaker<T> = (name: string, options: Readonly<Record<string, unknown>>) => T;

/**
 * Makes a control of what a recipe holds of it, and of the pictures that it was made with. One that
 * is fetched when it is first needed answers with a promise.
 */
export type ControlMaker = (
  name: string,
  options: Readonly<Record<string, unknown>>,
  given: {
    readonly pictures: Readonly<Record<string, RgbaImage>>;
    readonly strength: ControlStrength;
  },
) => Control | Promise<Control>;

/** Makes the plug-ins that a request or a recipe names. */
export interface PluginMakers {
  readonly control: ControlMaker;
  readonly scheduler: PluginMaker<Scheduler>;
  readonly guidance: PluginMaker<Guidance>;
}

/** Makers of core's own plug-ins. */
export const corePlugins: PluginMakers = {
  scheduler: makerOf("scheduler", { ddim, euler }),
  guidance: makerOf("guidance", { "classifier-free": classifierFree, embedded: embeddedGuidance }),
  control(name) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "there is no control of that name here",
      value: name,
      remedy:
        "pass the controls themselves: generate({ ...recipe, controls: [ … ] }), or register controlPlugins of @underpaint/controlnet",
    });
  },
};

/** A maker over factories by name. */
export function makerOf<T>(
  kind: string,
  factories: Readonly<Record<string, (options: Readonly<Record<string, unknown>>) => T>>,
): PluginMaker<T> {
  const names = Object.keys(factories);
  return (name, options) => {
    if (Object.hasOwn(factories, name)) return factories[name]!(options);
    const meant = nearest(name, names);
    throw new UnderpaintError({
      code: "invalid-request",
      what: `there is no ${kind} of that name here`,
      value: name,
      allowed: names.join(", "),
      remedy: meant ? `did you mean ${meant}?` : `pass the ${kind} itself`,
    });
  };
}

/**
 * The plug-in that a request means: the object itself, or one made of its name and options.
 *
 * @throws UnderpaintError `invalid-request` for what is neither.
 */
export function resolvePlugin<T extends { readonly name: string; start: unknown }>(
  kind: "scheduler" | "guidance",
  value: T | string | PluginRecipe,
  make: PluginMaker<T>,
): T {
  if (typeof value === "string") return make(value, {});
  if (typeof value === "object" && value !== null && typeof value.name === "string") {
    if ("start" in value && typeof value.start === "function") return value;
    const { options = {} } = value as Partial<PluginRecipe>;
    if (typeof options === "object" && options !== null) return make(value.name, options);
  }
  throw new UnderpaintError({
    code: "invalid-request",
    what: `${kind} is neither a ${kind} nor the name of one`,
    value,
    remedy: `pass a ${kind}, a name, or { name, options } from a recipe`,
  });
}
