import {
  type Control,
  type ControlStrength,
  checkStrength,
  createImage,
  type FloatTensor,
  type RgbaImage,
} from "@underpaint/core";
import { type Check, caught, check, fail, need, refusal } from "../check.js";
import { needSameStates, sameBits, sameJson, throughJson } from "../compare.js";
import {
  type ControlSetting,
  createTrial,
  type Given,
  type Trial,
  type Tried,
  valuesOf,
} from "./control-run.js";

/** Makes the control to be checked, each time a new one, with the strength that it is handed. */
export type ControlFactory = (strength: ControlStrength) => Control;

/** What a control promises beyond its contract, and what it needs to run. */
export interface ControlCheckOptions extends ControlSetting {
  /** Makes the control with one option that is not allowed; each must be refused. */
  readonly refuses?: readonly (() => unknown)[];
  /**
   * Whether the preview is fed to the network as it is, [1, 3, height, width] from 0 to 1: true when
   * left out. A control that has no preview, or feeds it in another form, says false.
   */
  readonly feedsPreview?: boolean;
}

const sizes: readonly Trial[] = [{}, { width: 96, height: 64, seed: 5 }];

/** Half the weight, a range, a mask, a mode: nothing of which is the control's own business. */
const strong: ControlStrength = {
  weight: 0.5,
  start: 0.25,
  end: 0.75,
  mode: "controlFirst",
  mask: createImage(64, 64, new Uint8ClampedArray(4 * 64 * 64).fill(255)),
};

/** The conformance suite for controls: what `Control` promises, asked as a pipeline asks it. */
export function controlChecks(
  make: ControlFactory,
  options: ControlCheckOptions = {},
): readonly Check[] {
  async function tried(control: Control, trial: Trial = {}): Promise<Tried> {
    const { run, ask } = createTrial(options, trial);
    return ask(await control.start(run));
  }

  return [
    check("has a name, and options that survive JSON", () => {
      const { name, options: own } = make({});
      need(typeof name === "string" && /^\S+$/.test(name), `name is ${JSON.stringify(name)}`);
      throughJson(own);
    }),

    check("keeps its pictures apart from its options", () => {
      const { pictures = {} } = make({});
      for (const [role, picture] of Object.entries(pictures)) {
        need(isPicture(picture), `pictures.${role} is no picture`);
      }
    }),

    ...(options.refuses
      ? [
          check("refuses options that are not right", async () => {
            for (const [i, each] of options.refuses!.entries()) {
              const error = await caught(`case ${i} of refuses`, each);
              const code = (error as { code?: unknown }).code;
              need(
                code === "invalid-request" || code === "invalid-image",
                `case ${i} of refuses is refused with ${String(error)}`,
              );
            }
          }),
          check("refuses a strength that is not right", async () => {
            await refusal("a start after the end", "invalid-request", () => {
              return make({ start: 0.9, end: 0.1 });
            });
            await refusal("a weight of NaN", "invalid-request", () => make({ weight: Number.NaN }));
          }),
        ]
      : []),

    check("passes its strength on, and leaves it to the pipeline", async () => {
      const control = make(strong);
      const [found, right] = [control.strength ?? {}, strong].map((one) =>
        checkStrength(one, "it"),
      );
      for (const key of ["weight", "start", "end", "mode"] as const) {
        need(sameJson(found![key], right![key]), () => {
          return `strength.${key} is ${String(found![key])}, not ${String(right![key])}`;
        });
      }
      need(found!.mask === strong.mask, "strength.mask is not the mask that was given");
      const [weak, full] = [await tried(control), await tried(make({}))];
      needSameStates(valuesOf(weak), valuesOf(full), "with another strength");
    }),

    check("previews a hint of the size that is asked for", async () => {
      const control = make({});
      if (!control.preview) return;
      for (const size of [
        { width: 64, height: 64 },
        { width: 96, height: 128 },
      ]) {
        const hint = await control.preview(size);
        need(isPicture(hint), "the preview is no picture");
        need(
          hint.width === size.width && hint.height === size.height,
          `the preview is ${hint.width} × ${hint.height}, not ${size.width} × ${size.height}`,
        );
      }
      need(isPicture(await control.preview()), "the preview without a size is no picture");
    }),

    ...(options.feedsPreview === false
      ? []
      : [
          check("previews the very hint that is fed", async () => {
            for (const trial of sizes) {
              const control = make({});
              const { width, height, feeds } = await tried(control, trial);
              if (!control.preview) fail("it has no preview; say feedsPreview: false");
              const hint = await control.preview!({ width, height });
              const pictures = feeds.flatMap((fed) =>
                Object.values(fed).filter(({ dims }) => dims.length === 4 && dims[1] === 3),
              ) as FloatTensor[];
              need(pictures.length > 0, "no graph is fed a picture [1, 3, height, width]");
              for (const picture of pictures) needSamePicture(picture, hint);
            }
          }),
        ]),

    check("gives what the network takes, in finite numbers", async () => {
      for (const trial of [...sizes, { branches: ["positive"] } as const]) {
        const seen = await tried(make({}), trial);
        for (const each of seen.given) if (each) needFit(each, seen);
      }
    }),

    check("gives features only where it says that it does", async () => {
      const control = make({});
      const { given } = await tried(control);
      const does = given.some((each) => each?.encoder.some((value) => value !== undefined));
      need(!does || control.givesFeatures === true, "it gives features without givesFeatures");
    }),

    check("gives the same bits for the same request, run after run", async () => {
      const control = make({});
      const first = valuesOf(await tried(control));
      needSameStates(valuesOf(await tried(control)), first, "run once more");
      needSameStates(valuesOf(await tried(make({}))), first, "made and run once more");
    }),

    check("keeps requests that overlap apart", async () => {
      const alone: FloatTensor[][] = [];
      const after = make({});
      for (const trial of sizes) alone.push(valuesOf(await tried(after, trial)));
      const control = make({});
      const trials = sizes.map((trial) => createTrial(options, trial));
      // All are begun before any is asked.
      const steps = await Promise.all(trials.map(({ run }) => control.start(run)));
      const together = await Promise.all(trials.map(({ ask }, i) => ask(steps[i]!)));
      together.forEach((seen, i) => {
        needSameStates(valuesOf(seen), alone[i]!, `request ${i}, beside another`);
      });
    }),

    check("leaves what it is handed as it is", async () => {
      const control = make({});
      const pictures = Object.entries(control.pictures ?? {}).filter(([, one]) => isPicture(one));
      const before = pictures.map(([, { data }]) => data.slice());
      const { handed, copies } = await tried(control);
      const changed = handed.findIndex((tensor, i) => !sameBits(tensor.data, copies[i]!.data));
      need(changed === -1, "latents or text states have been changed");
      pictures.forEach(([role, { data }], i) => {
        need(
          data.every((sample, at) => sample === before[i]![at]),
          `pictures.${role} has been changed`,
        );
      });
    }),

    check("leaves its graphs to the pipeline", async () => {
      const { disposed } = await tried(make({}));
      need(disposed.length === 0, `it disposed ${disposed.join(", ")}`);
    }),

    check("warns in sentences", async () => {
      for (const { code, message } of (await tried(make({}))).warnings) {
        const known = ["hint-resized", "hint-inverted", "control-note"].includes(code);
        need(known, `a warning's code is ${code}`);
        need(/^\S.*[.?]$/s.test(message), `a warning is no sentence: ${JSON.stringify(message)}`);
      }
    }),

    check("does nothing for a signal that is aborted", async () => {
      const reason = new Error("enough");
      const { run } = createTrial(options, { signal: AbortSignal.abort(reason) });
      const error = await caught("start with an aborted signal", () => make({}).start(run));
      need(error === reason, `start rejects with ${String(error)}, not with the signal's reason`);
    }),
  ];
}

function isPicture(value: unknown): value is RgbaImage {
  const { width, height, data } = (value ?? {}) as Partial<RgbaImage>;
  return (
    Number.isInteger(width) &&
    Number.isInteger(height) &&
    width! > 0 &&
    height! > 0 &&
    data?.length === 4 * width! * height!
  );
}

/** Ends a check unless each entry of a batch is the picture, from 0 to 1. */
function needSamePicture({ type, dims, data }: FloatTensor, hint: RgbaImage): void {
  const [n = 0, , height, width] = dims;
  need(
    height === hint.height && width === hint.width,
    `a graph is fed [${dims.join(", ")}], and the preview is ${hint.width} × ${hint.height}`,
  );
  if (type !== "float32") return;
  const plane = width! * height!;
  for (let i = 0; i < n * 3 * plane; i++) {
    const [channel, pixel] = [Math.floor(i / plane) % 3, i % plane];
    const right = hint.data[4 * pixel + channel]! / 255;
    need(Math.abs(data[i]! - right) < 1e-6, () => {
      const place = `(${pixel % width!}, ${Math.floor(pixel / width!)})`;
      return `at ${place} a graph is fed ${data[i]}, and the preview shows ${right}`;
    });
  }
}

function needFit(
  { down, mid, encoder, scope }: Given,
  { ports, latentDims, entries }: Tried,
): void {
  need(
    down.length <= ports.down.length && encoder.length <= ports.encoder.length,
    `it gives ${down.length} residuals and ${encoder.length} features; ` +
      `the network takes ${ports.down.length} and ${ports.encoder.length}`,
  );
  const pairs = [
    ...down.map((value, i) => [value, ports.down[i]!] as const),
    [mid, ports.mid] as const,
    ...encoder.map((value, i) => [value, ports.encoder[i]!] as const),
  ];
  for (const [value, port] of pairs) {
    if (!value) continue;
    const [n, channels, height, width] = value.dims;
    const sides = latentDims.slice(1).map((side) => Math.ceil(side / port.downscale));
    const isWhole = height === sides[0] && width === sides[1];
    const isPooled = height === 1 && width === 1;
    const fits =
      value.dims.length === 4 &&
      (n === 1 || (n === entries && scope === "call")) &&
      channels === port.channels &&
      (isWhole || isPooled);
    need(fits, () => {
      const batch = scope === "run" ? "1" : `1 or ${entries}`;
      return `what it gives for ${port.name} is [${value.dims.join(", ")}]; the network takes [${batch}, ${port.channels}, ${sides.join(", ")}]`;
    });
    const at = value.data.findIndex((number) => !Number.isFinite(number));
    need(at === -1, () => `element ${at} for ${port.name} is ${value.data[at]}`);
  }
}
