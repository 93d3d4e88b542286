import { UnderpaintError } from "../errors.js";
import { checkImage } from "../image/image.js";
import type { Control } from "./contract.js";
import type { PlannedControl } from "./steering.js";
import { checkStrength } from "./strength.js";

/** The most controls that a request may have. */
const mostControls = 16;

const strengthKeys = ["weight", "start", "end", "mask", "mode"];

/**
 * The controls of a request, each known to be one, with its strength checked.
 *
 * @param size that of the picture which masks lie over.
 * @throws UnderpaintError `invalid-request` for what is no list of controls, for a strength that is
 * not allowed, for a mask of another size.
 */
export function planControls(
  controls: unknown,
  size: { readonly width: number; readonly height: number },
): readonly PlannedControl[] {
  if (controls === undefined) return [];
  if (!Array.isArray(controls) || controls.length > mostControls) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "controls is no list of controls",
      value: Array.isArray(controls) ? `${controls.length} controls` : controls,
      allowed: `a list of up to ${mostControls}`,
      remedy: "pass controls: [controlNet({ … })]",
    });
  }
  return controls.map((control: unknown, index) => planned(control, index, size));
}

function planned(
  given: unknown,
  index: number,
  { width, height }: { readonly width: number; readonly height: number },
): PlannedControl {
  const control = given as Control;
  const isControl =
    typeof given === "object" &&
    given !== null &&
    typeof control.name === "string" &&
    typeof control.start === "function";
  if (!isControl) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `controls[${index}] is no control`,
      value: given,
      allowed: "{ name, options, start, … }",
      remedy: "make one with a factory, as in controlNet({ model, hint })",
    });
  }
  const what = `${control.name} (controls[${index}])`;
  const { strength = {}, pictures = {} } = control;
  const unknown = Object.keys(strength).find((key) => !strengthKeys.includes(key));
  if (unknown !== undefined) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${what}'s strength has an unknown key`,
      value: unknown,
      allowed: strengthKeys.join(", "),
    });
  }
  const checked = checkStrength(strength, what);
  const { mask } = checked;
  if (mask && (mask.width !== width || mask.height !== height)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${what}'s mask has another size than the picture`,
      value: `${mask.width} × ${mask.height}`,
      allowed: `${width} × ${height}`,
      remedy: "draw the mask at the picture's size; it is not stretched",
    });
  }
  for (const [role, picture] of Object.entries(pictures)) checkImage(picture, `${what}'s ${role}`);
  return { control, strength: checked };
}
