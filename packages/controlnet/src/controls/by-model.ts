import { invalid } from "../hints/options.js";

/** A model that draws hints, once it is known to be one. */
export function checkModel<Model extends { readonly hint: unknown }>(
  by: Model | undefined,
  owner: string,
  opener: string,
): Model | undefined {
  if (by === undefined || (typeof by === "object" && typeof by?.hint === "function")) return by;
  throw invalid({
    what: `${owner}'s by is no model that draws hints`,
    value: by,
    remedy: `open one: { by: await ${opener}({ source, backend }) }`,
  });
}
