import { classifierFree, type FloatTensor, type Guidance, linear } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { embeddedGuidance } from "../../../core/src/guidance/embedded.js";
import { failures } from "../check.js";
import {
  type GuidanceCheckOptions,
  type GuidanceFactory,
  guidanceChecks,
} from "./guidance-checks.js";

const refuses = [{ scale: -1 }, { scale: Number.NaN }, { scale: "7" }];

describe.each<[string, GuidanceFactory, GuidanceCheckOptions]>([
  ["classifier-free", classifierFree, { refuses: [...refuses, { rescale: 2 }] }],
  ["classifier-free, off", (o = { scale: 1 }) => classifierFree(o), {}],
  ["classifier-free, rescaled", (o = { scale: 9, rescale: 0.7 }) => classifierFree(o), {}],
  ["embedded", embeddedGuidance, { refuses }],
])("%s", (_, make, options) => {
  for (const check of guidanceChecks(make, options)) it(check.name, check.run);
});

type Guide = ReturnType<Guidance["start"]>;

const withGuide =
  (change: (guide: Guide) => Guide) =>
  (sound: Guidance): Partial<Guidance> => ({ start: () => change(sound.start()) });

const mutants: readonly [
  told: string,
  clause: string,
  breach: (sound: Guidance) => Partial<Guidance>,
][] = [
  [
    "has an option that JSON has not",
    "is made again by its name and options in JSON",
    ({ options }) => ({ options: { ...options, limit: Infinity } }),
  ],
  [
    "keeps its options back",
    "is made again by its name and options in JSON",
    () => ({ options: {} }),
  ],
  [
    "declares a branch twice",
    "declares branches that there are, each once",
    ({ branches }) => ({ branches: [...branches, "positive"] }),
  ],
  [
    "asks for what it does not declare",
    "asks for no branch that it does not declare",
    () => ({ branches: ["positive"] }),
  ],
  [
    "tells the network NaN",
    "tells the network a scale that is a number from 0 up, or none",
    () => ({ embeddedScale: -Infinity }),
  ],
  [
    "gives another shape",
    "gives finite predictions of the latents' shape",
    withGuide((guide) => async (predict, at) => {
      const { data, dims, type } = await guide(predict, at);
      return dims[0] === 1 ? { type, data, dims: dims.slice(1) } : { type, data, dims };
    }),
  ],
  [
    "overflows",
    "gives finite predictions of the latents' shape",
    // Where branches agree it does not.
    (sound) => ({
      start() {
        const guide = sound.start();
        return async (predict, at) => {
          const [negative, positive] = (await predict(["negative", "positive"])) as [
            FloatTensor,
            FloatTensor,
          ];
          const agree = negative.data[0] === positive.data[0];
          return agree ? guide(predict, at) : linear(1e39, positive, -1e39, negative);
        };
      },
    }),
  ],
  [
    "adds to what is agreed on",
    "gives what all branches agree on",
    withGuide((guide) => async (predict, at) => linear(1.01, await guide(predict, at))),
  ],
  [
    "counts its runs",
    "gives the same bits for the same predictions, run after run",
    (sound) => {
      let runs = 0;
      return {
        start() {
          const [guide, scale] = [sound.start(), 1 + 1e-6 * runs++];
          return async (predict, at) => linear(scale, await guide(predict, at));
        },
      };
    },
  ],
  [
    "keeps its memory outside of the run",
    "keeps runs that overlap apart",
    (sound) => {
      let before: FloatTensor | undefined;
      return {
        start() {
          const guide = sound.start();
          return async (predict, at) => {
            if (at.index === 0) before = undefined;
            const guided = await guide(predict, at);
            const mixed = before ? linear(1, guided, 1e-6, before) : guided;
            before = guided;
            return mixed;
          };
        },
      };
    },
  ],
  [
    "takes the first picture for all",
    "keeps the pictures of a batch apart",
    withGuide((guide) => async (predict, at) => {
      const guided = await guide(predict, at);
      guided.data.fill(guided.data[0]!, guided.data.length / guided.dims[0]!);
      return guided;
    }),
  ],
  [
    "writes into a prediction",
    "leaves predictions as they are",
    withGuide((guide) => async (predict, at) => {
      const given: FloatTensor[] = [];
      const guided = await guide(async (branches) => {
        const predicted = await predict(branches);
        given.push(...predicted);
        return predicted;
      }, at);
      given[0]!.data.fill(0);
      return guided;
    }),
  ],
];

describe("a guidance that breaks one clause fails that one alone", () => {
  const broken = (breach: (sound: Guidance) => Partial<Guidance>) =>
    guidanceChecks((options = { scale: 3 }) => {
      const guidance = classifierFree(options);
      return { ...guidance, ...breach(guidance) };
    });

  it.each(mutants)("%s: %s", async (_, clause, breach) => {
    expect((await failures(broken(breach))).map(({ name }) => name)).toEqual([clause]);
  });

  it("takes options that it should refuse", async () => {
    const [failure, ...others] = await failures(
      guidanceChecks(() => classifierFree({ scale: 3 }), { refuses }),
    );
    expect([failure?.name, others]).toEqual(["refuses options that are not right", []]);
  });

  it("and there is one for every clause", () => {
    const clauses = guidanceChecks(classifierFree).map(({ name }) => name);
    expect(clauses.filter((name) => !mutants.some(([, clause]) => clause === name))).toEqual([]);
  });
});
