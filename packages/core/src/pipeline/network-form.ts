import type { GenerationPlan } from "./generate.js";
import type { NetworkForm } from "./parts.js";

/** What the network must be able to take for a request. */
export function networkForm({ request: { controls } }: GenerationPlan): NetworkForm {
  if (controls.length === 0) return "plain";
  return controls.some(({ control }) => control.givesFeatures) ? "features" : "residuals";
}
