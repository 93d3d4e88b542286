import type { Control, ControlMaker } from "@underpaint/core";
import type { ControlName } from "./control-names.js";
import { type DrawnMaker, drawnMakers } from "./controls/makers.js";
import { invalid } from "./hints/options.js";
import { controlNet, type NetworkControlOptions, t2iAdapter } from "./networks/control-net.js";

const makers: Readonly<Record<ControlName, DrawnMaker>> = {
  ...drawnMakers,
  controlnet: (options, { hint }, strength) =>
    controlNet({ ...options, ...strength, hint } as NetworkControlOptions),
  "t2i-adapter": (options, { hint }, strength) =>
    t2iAdapter({ ...options, ...strength, hint } as NetworkControlOptions),
};

/**
 * Makes the controls of a recipe again, of their pictures:
 * `createPipeline({ …, plugins: { control: controlPlugins } })`.
 *
 * @throws UnderpaintError `invalid-request` for a name that is not known, and as the factories do.
 */
export const controlPlugins = ((name, options, { pictures, strength }): Control => {
  if (isKnown(name)) return makers[name](options, pictures, strength);
  throw invalid({
    what: "there is no control of that name here",
    value: name,
    allowed: Object.keys(makers).join(", "),
    remedy: "pass the controls themselves: generate({ ...recipe, controls: [ … ] })",
  });
}) satisfies ControlMaker;

function isKnown(name: string): name is ControlName {
  return Object.hasOwn(makers, name);
}
