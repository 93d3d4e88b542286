import { continuousClasses } from "./continuous.js";
import { lambdaClasses } from "./over-lambda.js";
import { sigmaClasses } from "./over-sigma.js";
import { timestepClasses } from "./over-timesteps.js";
import type { ConfigClass } from "./values.js";

/** diffusers' classes by name. */
export const configClasses: Readonly<Record<string, ConfigClass>> = {
  ...timestepClasses,
  ...sigmaClasses,
  ...lambdaClasses,
  ...continuousClasses,
};
