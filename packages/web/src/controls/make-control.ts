import type { ControlMaker } from "@underpaint/core";

/**
 * Makes the controls of @underpaint/controlnet again, of a recipe or of what a page sent. That
 * package is a part of its own, fetched when the first control asks for it.
 */
export const makeControl: ControlMaker = async (name, options, given) => {
  const { controlPlugins } = await import("@underpaint/controlnet");
  return controlPlugins(name, options, given);
};
