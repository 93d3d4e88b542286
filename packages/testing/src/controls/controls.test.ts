import {
  type Control,
  type ControlContribution,
  type ControlStrength,
  checkStrength,
  createImage,
  type FloatTensor,
  floatTensor,
  type RgbaImage,
  resize,
  type Tensor,
} from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { failures } from "../check.js";
import { type ControlCheckOptions, controlChecks } from "./control-checks.js";
import { fakeAdapter, fakeControlNet } from "./fake-networks.js";

const hint = createImage(
  40,
  24,
  Uint8ClampedArray.from({ length: 4 * 40 * 24 }, (_, i) => (i % 4 === 3 ? 255 : (i * 7) % 251)),
);

/** What a mutant changes of a sound control. */
interface Breach {
  control?(sound: Control, strength: ControlStrength): Partial<Control>;
  /** The hint that is fed. */
  fed?(hint: RgbaImage): RgbaImage;
  contribution?(given: ControlContribution): ControlContribution;
}

/** A sound control: a ControlNet that sees a picture at the request's size. */
function sound(strength: ControlStrength, breach: Breach = {}): Control {
  checkStrength(strength, "sound");
  const drawn = (size: { readonly width: number; readonly height: number }) =>
    resize(hint, size.width, size.height);
  const control: Control = {
    name: "sound",
    options: { amount: 1 },
    pictures: { hint },
    strength,
    preview: async (size = hint) => drawn(size),
    async start(run) {
      const { session } = await run.openGraph({ file: "model.onnx" });
      const { width, height, data } = (breach.fed ?? ((same) => same))(drawn(run));
      if (hint.width !== run.width) {
        run.warn({ code: "hint-resized", message: "the hint was resized." });
      }
      return async ({ latents, states, timestep }) => {
        const n = latents.dims[0]!;
        const plane = width * height;
        const values = Float32Array.from({ length: n * 3 * plane }, (_, i) => {
          return data[4 * (i % plane) + (Math.floor(i / plane) % 3)]! / 255;
        });
        const results = await session.run({
          sample: latents,
          timestep: floatTensor([], Float32Array.of(timestep)),
          encoder_hidden_states: states,
          controlnet_cond: floatTensor([n, 3, height, width], values),
        });
        const [d0, d1, d2, d3, mid] = Object.values(results) as Tensor[];
        const given = { down: [d0, d1, d2, d3], mid: mid! };
        return breach.contribution?.(given) ?? given;
      };
    },
  };
  return { ...control, ...breach.control?.(control, strength) };
}

type Start = Control["start"];

/** Its steps, changed. */
const withStart =
  (change: (start: Start) => Start): NonNullable<Breach["control"]> =>
  ({ start }) => ({ start: change(start) });

const floats = (value: unknown) => value as FloatTensor;

const mutants: readonly [told: string, clause: string, breach: Breach][] = [
  [
    "has an option that JSON has not",
    "has a name, and options that survive JSON",
    { control: () => ({ options: { amount: Number.POSITIVE_INFINITY } }) },
  ],
  [
    "has a file for a picture",
    "keeps its pictures apart from its options",
    { control: () => ({ pictures: { hint: "hint.png" as never } }) },
  ],
  [
    "keeps its strength for itself",
    "passes its strength on, and leaves it to the pipeline",
    { control: () => ({ strength: {} }) },
  ],
  [
    "weighs what it gives by itself",
    "passes its strength on, and leaves it to the pipeline",
    {
      control: ({ start }, { weight = 1 }) => ({
        async start(run) {
          const step = await start(run);
          return async (call) => {
            const { mid } = (await step(call))!;
            const { dims, data } = floats(mid);
            return {
              mid: floatTensor(
                dims,
                data.map((value) => value * Number(weight)),
              ),
            };
          };
        },
      }),
    },
  ],
  [
    "previews in its own size whatever is asked",
    "previews a hint of the size that is asked for",
    {
      control: ({ preview }) => ({
        // The sizes of the other clauses alone are obeyed.
        preview: (size) => preview!(size?.height === 128 ? { width: 96, height: 96 } : size),
      }),
    },
  ],
  [
    "feeds the negative of its preview",
    "previews the very hint that is fed",
    {
      fed: ({ width, height, data }) =>
        createImage(
          width,
          height,
          data.map((sample, i) => (i % 4 === 3 ? sample : 255 - sample)),
        ),
    },
  ],
  [
    "gives residuals of another number of channels",
    "gives what the network takes, in finite numbers",
    {
      contribution: ({ down, mid }) => {
        const { dims, data } = floats(mid);
        const [n, channels, height, width] = dims as [number, number, number, number];
        const half = floatTensor([n, channels / 2, height, 2 * width], data);
        return { down: down!, mid: half };
      },
    },
  ],
  [
    "gives NaN now and then",
    "gives what the network takes, in finite numbers",
    {
      contribution: ({ down, mid }) => {
        floats(mid).data[3] = Number.NaN;
        return { down: down!, mid: mid! };
      },
    },
  ],
  [
    "gives more residuals than there are ports",
    "gives what the network takes, in finite numbers",
    { contribution: ({ down, mid }) => ({ down: [...down!, down![0]], mid: mid! }) },
  ],
  [
    "gives a batch for the whole run",
    "gives what the network takes, in finite numbers",
    { contribution: (given) => ({ ...given, scope: "run" }) },
  ],
  [
    "gives features and does not say so",
    "gives features only where it says that it does",
    { contribution: ({ down }) => ({ encoder: [down![0]] }) },
  ],
  [
    "counts its requests",
    "gives the same bits for the same request, run after run",
    {
      control: ({ start }) => {
        let requests = 0;
        return {
          async start(run) {
            const step = await start(run);
            const scale = 1 + 1e-6 * requests++;
            return async (call) => {
              const { dims, data } = floats((await step(call))!.mid);
              return {
                mid: floatTensor(
                  dims,
                  data.map((value) => value * scale),
                ),
              };
            };
          },
        };
      },
    },
  ],
  [
    "keeps the last request's size outside of the closure",
    "keeps requests that overlap apart",
    {
      control: ({ start }) => {
        let width = 0;
        return {
          async start(run) {
            const step = await start(run);
            width = run.width;
            return async (call) => {
              const { dims, data } = floats((await step(call))!.mid);
              return {
                mid: floatTensor(
                  dims,
                  data.map((value) => value + width),
                ),
              };
            };
          },
        };
      },
    },
  ],
  [
    "writes into the latents",
    "leaves what it is handed as it is",
    {
      control: withStart((start) => async (run) => {
        const step = await start(run);
        return async (call) => {
          const given = await step(call);
          call.latents.data[0] = 0;
          return given;
        };
      }),
    },
  ],
  [
    "writes into its picture",
    "leaves what it is handed as it is",
    {
      control: ({ start }) => {
        const own = createImage(hint.width, hint.height, hint.data.slice());
        return {
          pictures: { hint: own },
          async start(run) {
            own.data[0] = own.data[0]! ^ 1;
            return start(run);
          },
        };
      },
    },
  ],
  [
    "disposes its graph",
    "leaves its graphs to the pipeline",
    {
      control: withStart((start) => async (run) => {
        const graph = await run.openGraph({ file: "other.onnx" });
        await graph.session.dispose();
        return start(run);
      }),
    },
  ],
  [
    "warns in a word",
    "warns in sentences",
    {
      control: withStart((start) => async (run) => {
        run.warn({ code: "control-note", message: "inverted" });
        return start(run);
      }),
    },
  ],
  [
    "is deaf to its signal",
    "does nothing for a signal that is aborted",
    {
      control: withStart((start) => async (run) => {
        return start(run).catch(() => async () => undefined);
      }),
    },
  ],
];

const options = (): ControlCheckOptions => ({ openGraph: fakeControlNet().openGraph });

describe("a sound control passes", () => {
  for (const check of controlChecks((strength) => sound(strength), options())) {
    it(check.name, check.run);
  }

  it("and one that gives features", async () => {
    const adapter: Control = {
      name: "adapter",
      options: {},
      givesFeatures: true,
      async start(run) {
        const { session } = await run.openGraph({ file: "model.onnx" });
        const image = floatTensor(
          [1, 3, run.height, run.width],
          new Float32Array(3 * run.height * run.width).fill(0.5),
        );
        return async () => ({
          encoder: Object.values(await session.run({ image })) as FloatTensor[],
          scope: "run",
        });
      },
    };
    const make = (strength: ControlStrength) => ({ ...adapter, strength });
    const setting = { openGraph: fakeAdapter().openGraph, feedsPreview: false };
    expect(await failures(controlChecks(make, setting))).toEqual([]);
  });
});

describe("a control that breaks one clause fails that one alone", () => {
  it.each(mutants)("%s: %s", async (_, clause, breach) => {
    const found = await failures(controlChecks((strength) => sound(strength, breach), options()));
    expect(found.map(({ name }) => name)).toEqual([clause]);
  });

  it("takes options that it should refuse", async () => {
    const refuses = [() => sound({})];
    const found = await failures(controlChecks(sound, { ...options(), refuses }));
    expect(found.map(({ name }) => name)).toEqual(["refuses options that are not right"]);
  });

  it("takes a strength that it should refuse", async () => {
    const deaf = (strength: ControlStrength) => ({ ...sound({}), strength });
    const refuses = [() => sound({ weight: 99 })];
    const found = await failures(controlChecks(deaf, { ...options(), refuses }));
    expect(found.map(({ name }) => name)).toEqual(["refuses a strength that is not right"]);
  });

  it("and there is one for every clause", () => {
    const clauses = controlChecks(sound, options()).map(({ name }) => name);
    expect(clauses.filter((name) => !mutants.some(([, clause]) => clause === name))).toEqual([]);
  });
});
