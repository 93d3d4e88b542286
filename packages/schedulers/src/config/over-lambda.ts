import type { Scheduler } from "@underpaint/core";
import { deis } from "../deis.js";
import {
  type DpmppOptions,
  dpmMultistep,
  dpmpp2m,
  dpmpp2mSde,
  dpmpp3m,
  dpmpp3mSde,
} from "../dpm-multistep.js";
import { dpmpp2s, dpmpp3s, dpmSinglestep } from "../dpm-singlestep.js";
import { saSolver } from "../sa-solver.js";
import { unipc } from "../unipc.js";
import {
  type ConfigClass,
  type ConfigValues,
  dpmTypes,
  flag,
  lambdaFields,
  omit,
  optionsOf,
  refuseLearnedVariance,
  replaced,
  requireOne,
  sigmaDefaults,
  spacingOf,
  thresholdDefaults,
  unsupported,
} from "./values.js";

const dpmDefaults = {
  ...sigmaDefaults,
  use_lu_lambdas: false,
  use_flow_sigmas: false,
  flow_shift: 1.0,
  solver_order: 2,
  algorithm_type: "dpmsolver++",
  solver_type: "midpoint",
  lower_order_final: true,
  euler_at_final: false,
  final_sigmas_type: "zero",
  lambda_min_clipped: null,
  variance_type: null,
  use_dynamic_shifting: false,
  time_shift_type: "exponential",
  ...thresholdDefaults,
} as const;

const dpmFields = [
  ...lambdaFields,
  "algorithm_type",
  "solver_type",
  "final_sigmas_type",
  "lambda_min_clipped",
] as const;

function flowOptionsOf(values: ConfigValues): Record<string, unknown> {
  if (!flag(values, "use_flow_sigmas")) return {};
  return optionsOf(values, ["flow_shift", "use_dynamic_shifting"]);
}

const dpmMultistepClass: ConfigClass = {
  defaults: dpmDefaults,
  rescales: true,
  create(given) {
    const values = replaced(given, dpmTypes);
    refuseLearnedVariance(values);
    const options: Record<string, unknown> = {
      spacing: spacingOf(values, false),
      ...optionsOf(values, [...dpmFields, "euler_at_final"]),
      ...flowOptionsOf(values),
    };
    const { solverOrder, algorithmType, ...open } = options;
    const preset = dpmPresets[`${solverOrder} ${algorithmType}`];
    return preset ? preset(open) : dpmMultistep(options);
  },
};

const dpmPresets: Readonly<Record<string, (options: DpmppOptions) => Scheduler>> = {
  "2 dpmsolver++": dpmpp2m,
  "3 dpmsolver++": dpmpp3m,
  "2 sde-dpmsolver++": dpmpp2mSde,
  "3 sde-dpmsolver++": dpmpp3mSde,
};

const dpmSinglestepClass: ConfigClass = {
  defaults: {
    ...omit(dpmDefaults, ["use_lu_lambdas", "euler_at_final", "timestep_spacing", "steps_offset"]),
    lower_order_final: false,
  },
  create(given) {
    const values = replaced(given, dpmTypes);
    refuseLearnedVariance(values);
    const options: Record<string, unknown> = {
      spacing: spacingOf({ ...values, timestep_spacing: "linspace" }, false),
      ...optionsOf(values, dpmFields),
      ...flowOptionsOf(values),
    };
    const { solverOrder, algorithmType, ...open } = options;
    if (algorithmType === "dpmsolver++" && solverOrder === 2) return dpmpp2s(open);
    if (algorithmType === "dpmsolver++" && solverOrder === 3) return dpmpp3s(open);
    return dpmSinglestep(options);
  },
};

const flowLambdaDefaults = {
  use_flow_sigmas: false,
  flow_shift: 1.0,
  use_dynamic_shifting: false,
  time_shift_type: "exponential",
} as const;

const deisClass: ConfigClass = {
  defaults: {
    ...sigmaDefaults,
    ...flowLambdaDefaults,
    ...thresholdDefaults,
    solver_order: 2,
    algorithm_type: "deis",
    solver_type: "logrho",
    lower_order_final: true,
  },
  create(given) {
    const values = replaced(given, {
      algorithm_type: { dpmsolver: "deis", "dpmsolver++": "deis" },
      solver_type: { midpoint: "logrho", heun: "logrho", bh1: "logrho", bh2: "logrho" },
    });
    requireOne(values, "algorithm_type", ["deis"]);
    requireOne(values, "solver_type", ["logrho"]);
    return deis({
      spacing: spacingOf(values, false),
      ...optionsOf(values, lambdaFields),
      ...flowOptionsOf(values),
    });
  },
};

const uniPcClass: ConfigClass = {
  defaults: {
    ...sigmaDefaults,
    ...flowLambdaDefaults,
    ...thresholdDefaults,
    solver_order: 2,
    solver_type: "bh2",
    predict_x0: true,
    lower_order_final: true,
    disable_corrector: [],
    solver_p: null,
    final_sigmas_type: "zero",
    shift_terminal: null,
  },
  rescales: true,
  create(given) {
    const values = replaced(given, {
      solver_type: { midpoint: "bh2", heun: "bh2", logrho: "bh2" },
    });
    if (values.solver_p !== null) throw unsupported("solver_p", values.solver_p, "null");
    const isFlow = flag(values, "use_flow_sigmas");
    if (values.shift_terminal !== null && !isFlow) {
      throw unsupported("shift_terminal", values.shift_terminal, "null without use_flow_sigmas");
    }
    return unipc({
      spacing: spacingOf(values, false),
      ...optionsOf(values, [
        ...lambdaFields,
        "solver_type",
        "disable_corrector",
        "final_sigmas_type",
        ...(isFlow ? ["time_shift_type", "shift_terminal"] : []),
      ]),
      predictX0: flag(values, "predict_x0"),
      ...flowOptionsOf(values),
    });
  },
};

const saSolverClass: ConfigClass = {
  defaults: {
    ...sigmaDefaults,
    ...omit(flowLambdaDefaults, ["use_dynamic_shifting", "time_shift_type"]),
    ...thresholdDefaults,
    predictor_order: 2,
    corrector_order: 2,
    tau_func: null,
    algorithm_type: "data_prediction",
    lower_order_final: true,
    lambda_min_clipped: null,
    variance_type: null,
  },
  create(values) {
    refuseLearnedVariance(values);
    if (values.tau_func !== null) throw unsupported("tau_func", values.tau_func, "null");
    return saSolver({
      spacing: spacingOf(values, false),
      ...optionsOf(values, [
        "predictor_order",
        "corrector_order",
        "algorithm_type",
        "lower_order_final",
        "lambda_min_clipped",
        ...Object.keys(thresholdDefaults),
      ]),
      ...flowOptionsOf(values),
    });
  },
};

/** The classes that solve over lambda, or rho, with whole timesteps. */
export const lambdaClasses: Readonly<Record<string, ConfigClass>> = {
  DPMSolverMultistepScheduler: dpmMultistepClass,
  DPMSolverSinglestepScheduler: dpmSinglestepClass,
  DEISMultistepScheduler: deisClass,
  UniPCMultistepScheduler: uniPcClass,
  SASolverScheduler: saSolverClass,
};
