import type { Branch, FloatTensor, Guidance, Predict, StepPosition } from "@underpaint/core";
import { batchEntry, copy, createNoiseSource, floatTensor } from "@underpaint/core";
import { type Check, check, need, refusal } from "../check.js";
import { needSameStates, sameBits, sameJson, throughJson } from "../compare.js";

/**
 * Makes the guidance to be checked. Called without options it makes the one that is meant; called
 * with the options that a guidance has, as a recipe's JSON holds them, it makes the same again.
 */
export type GuidanceFactory = {
  create(options?: Readonly<Record<string, unknown>>): Guidance;
}["create"];

/** What a guidance promises beyond its contract. */
export interface GuidanceCheckOptions {
  /** Options that the factory must refuse, each alone. */
  readonly refuses?: readonly Readonly<Record<string, unknown>>[];
  /**
   * Whether a prediction that is the same for every branch comes out as it is: true when left out.
   * Guidance that changes predictions for reasons of its own says false.
   */
  readonly neutral?: boolean;
}

const dims = [1, 2, 2, 4];
const steps = 4;

/**
 * The conformance suite for guidance: what `Guidance` promises, with predictions that differ
 * between branches, steps and pictures.
 */
export function guidanceChecks(
  make: GuidanceFactory,
  options: GuidanceCheckOptions = {},
): readonly Check[] {
  return [
    check("is made again by its name and options in JSON", async () => {
      const original = make();
      need(
        typeof original.name === "string" && original.name !== "",
        `name is ${JSON.stringify(original.name)}, expected a word`,
      );
      const again = make(throughJson(original.options));
      for (const part of ["name", "options", "branches", "embeddedScale"] as const) {
        need(sameJson(again[part], original[part]), () => {
          const [found, right] = [again[part], original[part]].map((o) => JSON.stringify(o));
          return `made again, ${part} is ${found}, not ${right}`;
        });
      }
      needSameStates((await run(again)).states, (await run(original)).states, "made again");
    }),

    ...(options.refuses
      ? [
          check("refuses options that are not right", async () => {
            for (const each of options.refuses ?? []) {
              await refusal(JSON.stringify(each), "invalid-request", () => make(each));
            }
          }),
        ]
      : []),

    check("declares branches that there are, each once", () => {
      const { branches } = make();
      const known: readonly string[] = ["positive", "negative"];
      const sound =
        branches.length > 0 &&
        branches.every((branch) => known.includes(branch)) &&
        new Set(branches).size === branches.length;
      need(sound, `branches is ${JSON.stringify(branches)}; allowed: ${known.join(", ")}`);
    }),

    check("asks for no branch that it does not declare", async () => {
      const guidance = make();
      for (const branch of (await run(guidance)).asked.flat()) {
        need(guidance.branches.includes(branch), () => {
          return `it asks for ${branch}, and declares ${guidance.branches.join(", ")} alone`;
        });
      }
    }),

    check("tells the network a scale that is a number from 0 up, or none", () => {
      const { embeddedScale } = make();
      const sound = embeddedScale === undefined || (embeddedScale >= 0 && embeddedScale < Infinity);
      need(sound, `embeddedScale is ${embeddedScale}`);
    }),

    check("gives finite predictions of the latents' shape", async () => {
      for (const { data, dims: found } of (await run(make())).states) {
        need(sameJson(found, dims), `the prediction's dims are [${found}], expected [${dims}]`);
        const at = data.findIndex((value) => !Number.isFinite(value));
        need(at === -1, () => `element ${at} of a prediction is ${data[at]}`);
      }
    }),

    ...(options.neutral === false
      ? []
      : [
          check("gives what all branches agree on", async () => {
            const { states, predicted } = await run(make(), { agree: true });
            states.forEach(({ data }, step) => {
              data.forEach((value, i) => {
                const right = predicted[step]!.data[i]!;
                need(Math.abs(value - right) <= 1e-4, () => {
                  return `every branch says ${right} for element ${i}, and it gives ${value}`;
                });
              });
            });
          }),
        ]),

    check("gives the same bits for the same predictions, run after run", async () => {
      const guidance = make();
      const first = await run(guidance);
      needSameStates((await run(guidance)).states, first.states, "run once more");
    }),

    check("keeps runs that overlap apart", async () => {
      const after = make();
      const alone = [await run(after), await run(after, { seed: 9 })];
      const guidance = make();
      const together = await Promise.all([run(guidance), run(guidance, { seed: 9 })]);
      together.forEach(({ states }, i) => {
        needSameStates(states, alone[i]!.states, `run ${i}, beside another`);
      });
    }),

    check("keeps the pictures of a batch apart", async () => {
      const both = await run(make(), { pictures: 2 });
      for (const picture of [0, 1]) {
        const alone = await run(make(), { seed: 1 + picture });
        needSameStates(
          both.states.map((state) => batchEntry(state, picture)),
          alone.states,
          `picture ${picture} of 2`,
        );
      }
    }),

    check("leaves predictions as they are", async () => {
      const { tensors, copies } = await run(make());
      const changed = tensors.findIndex((tensor, i) => !sameBits(tensor.data, copies[i]!.data));
      need(changed === -1, `tensor ${changed} of those given and returned has been changed`);
    }),
  ];
}

interface RunOptions {
  readonly seed?: number;
  readonly pictures?: number;
  /** Whether every branch's prediction is the same. */
  readonly agree?: boolean;
}

/** A run over made-up predictions, and all that passed. */
async function run(guidance: Guidance, { seed = 1, pictures = 1, agree = false }: RunOptions = {}) {
  const [states, predicted, tensors, copies]: FloatTensor[][] = [[], [], [], []];
  const asked: (readonly Branch[])[] = [];

  function seen(tensor: FloatTensor): FloatTensor {
    tensors!.push(tensor);
    copies!.push(copy(tensor));
    return tensor;
  }

  function prediction(branch: Branch, index: number): FloatTensor {
    const data = Array.from({ length: pictures }, (_, picture) => {
      const salt = agree || branch === "positive" ? 0 : 1;
      return [...createNoiseSource(1000 * (seed + picture) + 10 * index + salt).normal(16)];
    }).flat();
    return floatTensor([pictures, ...dims.slice(1)], Float32Array.from(data));
  }

  const guide = guidance.start();
  for (let index = 0; index < steps; index++) {
    const at: StepPosition = { index, steps, timestep: 999 - 250 * index };
    const predict: Predict = async (branches) => {
      asked.push([...branches]);
      await undefined;
      return branches.map((branch) => seen(prediction(branch, index)));
    };
    const guided = await guide(predict, at);
    states!.push(copy(guided));
    seen(guided);
    predicted!.push(prediction("positive", index));
  }
  return { states: states!, predicted: predicted!, tensors: tensors!, copies: copies!, asked };
}
