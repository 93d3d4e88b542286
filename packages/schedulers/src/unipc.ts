import {
  checkSteps,
  type DynamicThresholdOptions,
  type FloatTensor,
  flagOption,
  limitEstimate,
  linspace,
  noiseOfKind,
  type OptionField,
  optionalNumber,
  readOptions,
  type Schedule,
  type Scheduler,
  type Spacing,
  spacingKinds,
  spacingOption,
  thresholdFields,
  wholeOption,
  wordOption,
} from "@underpaint/core";
import { combine } from "./combine.js";
import { type FlowLambdaOptions, flowLambdaFields } from "./flow-lambda-schedule.js";
import { refuseCleanEnd } from "./lambda-schedule.js";
import { noiseIn } from "./noise-in.js";
import { isOverTimesteps, preservingSchedule } from "./preserving-schedule.js";
import { uniPcStep } from "./unipc-coefficients.js";
import { uniPcFlowSchedule } from "./unipc-flow.js";

/** Options of {@link unipc}. */
export interface UniPcOptions extends DynamicThresholdOptions, FlowLambdaOptions {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
  /** How many of the model's outputs a step uses: 1 to 3; 2. */
  readonly solverOrder?: number;
  /** The function B(h) of the method: `bh1` (h), better for few steps without guidance, or `bh2`. */
  readonly solverType?: "bh1" | "bh2";
  /** Whether the method works on clean estimates (true) or on noise. */
  readonly predictX0?: boolean;
  /** Whether the last steps are of lower order: true. */
  readonly lowerOrderFinal?: boolean;
  /** Steps after which the corrector is left out, from 0; none. */
  readonly disableCorrector?: readonly number[];
  /** Where the last step ends: `zero` (no noise), or `sigma_min` (the least noise there is). */
  readonly finalSigmasType?: "zero" | "sigma_min";
  /** For models of flow with dynamic shifting: whether the shift is e^mu, or mu. */
  readonly timeShiftType?: "exponential" | "linear";
  /** For models of flow: sigmas are stretched so that the last one above 0 is this. */
  readonly shiftTerminal?: number;
}

const wholeNumbers: OptionField<readonly number[]> = (value = [], fail) =>
  Array.isArray(value) && value.length <= 10_000 && value.every(Number.isInteger)
    ? [...(value as number[])]
    : fail("a list of step numbers from 0");

const fields = {
  spacing: spacingOption(linspace(), spacingKinds),
  solverOrder: wholeOption(2, 1, 3),
  solverType: wordOption("bh2", ["bh1", "bh2"]),
  predictX0: flagOption(true),
  lowerOrderFinal: flagOption(true),
  disableCorrector: wholeNumbers,
  finalSigmasType: wordOption("zero", ["zero", "sigma_min"]),
  timeShiftType: wordOption("exponential", ["exponential", "linear"]),
  shiftTerminal: optionalNumber(0, 0.999),
  ...flowLambdaFields,
  ...thresholdFields,
};

/**
 * UniPC: a predictor of the given order, and a corrector that uses the network's answer at the
 * predicted latents once more, for the order above at no further call. Zhao et al., arXiv
 * 2302.04867. One network call a step.
 *
 * Options default to those of diffusers' UniPCMultistepScheduler.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function unipc(options: UniPcOptions = {}): Scheduler {
  const settings = readOptions("unipc", options, fields);
  const { spacing } = settings;

  function scheduleOf(
    ...[steps, noiseModel, context]: Parameters<Scheduler["schedule"]>
  ): Schedule {
    checkSteps(steps);
    const noise = noiseOfKind(noiseModel, ["diffusion", "flow"], "unipc");
    if (noise.kind === "flow") return uniPcFlowSchedule(settings, steps, noise, context);
    return preservingSchedule(spacing, steps, noise, {
      final: (sigmas, table) => {
        if (settings.finalSigmasType === "zero") return 0;
        return isOverTimesteps(spacing) ? table[0]! : sigmas[steps - 1]!;
      },
    });
  }

  return {
    name: "unipc",
    options: settings,
    schedule(...run) {
      const schedule = scheduleOf(...run);
      const endsNoisy =
        !settings.predictX0 || (!settings.lowerOrderFinal && settings.solverOrder > 1);
      if (endsNoisy) refuseCleanEnd(schedule, "unipc");
      return schedule;
    },
    start({ schedule: { levels }, begin, denoise }) {
      const { predictX0, solverOrder } = settings;
      const steps = levels.length - 1;
      const outputs: FloatTensor[] = [];
      let lastLatents: FloatTensor | undefined;
      let lastOrder = 1;
      return async (latents, index) => {
        const level = levels[index]!;
        const estimate = await denoise(latents, level);
        const output = predictX0
          ? limitEstimate(estimate, settings)
          : noiseIn(latents, estimate, level);
        let corrected = latents;
        if (lastLatents && !settings.disableCorrector.includes(index - 1)) {
          const step = uniPcStep(settings, levels, index - 1, lastOrder, "corrector");
          corrected = combine(
            [step.latents, ...step.outputs, step.newOutput],
            [lastLatents, ...outputs.slice(0, lastOrder), output],
          );
        }
        outputs.unshift(output);
        outputs.length = Math.min(outputs.length, solverOrder);
        lastOrder = Math.min(
          settings.lowerOrderFinal ? Math.min(solverOrder, steps - index) : solverOrder,
          index - begin + 1,
        );
        lastLatents = corrected;
        const step = uniPcStep(settings, levels, index, lastOrder, "predictor");
        return combine(
          [step.latents, ...step.outputs],
          [corrected, ...outputs.slice(0, lastOrder)],
        );
      };
    },
  };
}
