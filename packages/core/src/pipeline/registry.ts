import { nearest, UnderpaintError } from "../errors.js";
import { classifierFree } from "../guidance/classifier-free.js";
import type { Guidance } from "../guidance/contract.js";
import type { Scheduler } from "../sampling/contract.js";
import { ddim } from "../sampling/ddim.js";
import { euler } from "../sampling/euler.js";

/** Makes a plug-in of options that are plain JSON: how a recipe's names become functions again. */
export type PluginFactory<T> = (options: Readonly<Record<string, unknown>>) => T;

/** The plug-ins that a request or a recipe can name. */
export interface PluginRegistry {
  readonly schedulers: Readonly<Record<string, PluginFactory<Scheduler>>>;
  readonly guidances: Readonly<Record<string, PluginFactory<Guidance>>>;
}

/** The plug-ins of core. */
export const corePlugins: PluginRegistry = {
  schedulers: { ddim, euler },
  guidances: { "classifier-free": classifierFree },
};

/**
 * The plug-in that a request means: the object itself, or a named one made of its options.
 *
 * @throws UnderpaintError `invalid-request` for a name that is not registered, listing those
 * that are, and for what is neither.
 */
export function resolvePlugin<T extends { readonly name: string; start: unknown }>(
  kind: "scheduler" | "guidance",
  value: unknown,
  factories: Readonly<Record<string, PluginFactory<T>>>,
): T {
  const names = Object.keys(factories);
  if (typeof value === "object" && value !== null && "start" in value) {
    if (typeof value.start === "function") return value as T;
  }
  const name = typeof value === "string" ? value : (value as { name?: unknown } | null)?.name;
  const options = typeof value === "string" ? {} : (value as { options?: unknown } | null)?.options;
  if (typeof name !== "string") {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${kind} is neither a ${kind} nor the name of one`,
      value,
      allowed: names.join(", "),
    });
  }
  if (!Object.hasOwn(factories, name)) {
    const meant = nearest(name, names);
    throw new UnderpaintError({
      code: "invalid-request",
      what: `there is no ${kind} of that name here`,
      value: name,
      allowed: names.join(", "),
      remedy: meant ? `did you mean ${meant}?` : `pass the ${kind} itself, or register it`,
    });
  }
  if (options !== undefined && (typeof options !== "object" || options === null)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `the ${kind}'s options are not an object`,
      value: options,
    });
  }
  return factories[name]!((options ?? {}) as Readonly<Record<string, unknown>>);
}
