import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type Control,
  createImage,
  createOrtBackend,
  createPipeline,
  decodePng,
  type Expanded,
  expand,
  type FloatTensor,
  floatTensor,
  type GenerateRequest,
  type InferenceBackend,
  isUnderpaintError,
  layOver,
  type ModelSource,
  type PaintingRecipe,
  type Pipeline,
  parseRecipe,
  type RgbaImage,
  resize,
} from "@underpaint/core";
import { createScheduler, fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { graphFiles } from "../packages/node/src/graph/graph-files.js";
import { folderSource } from "../packages/node/src/sources/folder.js";
import { fakeModel } from "./support/fake-model.js";
import { fixtureModel, relativeError } from "./support/reference.js";
import { readSafetensors } from "./support/safetensors.js";

// Painting into pictures: against diffusers' inpainting pipeline, on the same weights.

const fixtures = fileURLToPath(new URL("../fixtures/painting/", import.meta.url));

interface PaintingCase {
  readonly name: string;
  readonly channels: 4 | 9;
  readonly picture: string;
  readonly scheduler: { readonly class: string; readonly config: Record<string, unknown> };
  readonly crop: number | null;
  readonly request: GenerateRequest;
}

const { cases } = JSON.parse(readFileSync(`${fixtures}index.json`, "utf8")) as {
  cases: readonly PaintingCase[];
};

const png = (name: string): RgbaImage => decodePng(readFileSync(`${fixtures}${name}.png`));

/** The tiny model, with the network for inpainting in its network's place. */
async function inpaintingModel(config?: object): Promise<ModelSource> {
  const [plain, painting] = [await fixtureModel("tiny", config), await folderSource(fixtures)];
  const of = (file: string): ModelSource => (file.startsWith("unet/") ? painting : plain);
  return {
    id: "fixture:tiny-inpainting",
    size: (file, options) => of(file).size(file, options),
    read: (file, options) => of(file).read(file, options),
    open: (file, options) => of(file).open(file, options),
  };
}

const runtime = createOrtBackend({ ort, name: "onnxruntime-node/cpu" });

async function open(
  channels: 4 | 9,
  config?: object,
  backend: InferenceBackend = runtime,
): Promise<Pipeline> {
  return createPipeline({
    backend,
    graphFiles,
    source: channels === 9 ? await inpaintingModel(config) : await fixtureModel("tiny", config),
    scheduler: fromConfig,
    plugins: { scheduler: createScheduler },
  });
}

/** What diffusers knows nothing of. */
const hardEdge = { grow: 0, feather: 0, blend: 0 };

describe("equals diffusers on the same weights", () => {
  it("has every case that was promised", () => {
    for (const channels of [4, 9]) {
      expect(cases.map(({ name }) => name)).toContain(`${channels}-channels-only-masked`);
      for (const scheduler of ["ddim", "euler"]) {
        for (const strength of ["1", "0.6"]) {
          for (const size of ["64x64", "96x64"]) {
            const name = `${channels}-channels-${scheduler}-strength-${strength}-${size}`;
            expect(cases.map((entry) => entry.name)).toContain(name);
          }
        }
      }
    }
  });

  it.each(cases.map((entry) => [entry.name, entry] as const))("%s", async (_, entry) => {
    const expected = readSafetensors(`${fixtures}${entry.name}.safetensors`);
    const { scheduler, channels, crop, picture } = entry;
    const [image, mask] = [png(`picture-${picture}`), png(`mask-${picture}`)];
    const pipeline = await open(channels, { _class_name: scheduler.class, ...scheduler.config });
    const steps: FloatTensor[] = [];
    const { images } = await pipeline.generate({
      ...entry.request,
      image,
      mask,
      maskEdge: hardEdge,
      ...(crop !== null && { onlyMasked: { padding: crop } }),
      onStep: ({ latents }) => steps.push(latents),
    });
    await pipeline.dispose();

    expect(expected.has(`latents.${steps.length}`)).toBe(true);
    expect(expected.has(`latents.${steps.length + 1}`)).toBe(false);
    for (const [index, latents] of steps.entries()) {
      const reference = expected.get(`latents.${index + 1}`)!;
      expect(latents.dims).toEqual(reference.dims);
      const error = relativeError(latents.data, reference.data as Float32Array);
      expect(error, `latents after step ${index + 1}`).toBeLessThan(1e-4);
    }
    const reference = expected.get("image")!;
    expect([1, images[0]!.height, images[0]!.width, 3]).toEqual(reference.dims);
    let masked = 0;
    for (let i = 0; i < image.width * image.height; i++) {
      const found = [...images[0]!.data.subarray(4 * i, 4 * i + 4)];
      if (mask.data[4 * i] === 0) {
        // diffusers gives what the VAE makes of it.
        expect(found).toEqual([...image.data.subarray(4 * i, 4 * i + 4)]);
        continue;
      }
      masked++;
      const right = reference.data.subarray(3 * i, 3 * i + 3) as Uint8Array;
      const off = Math.max(...[0, 1, 2].map((c) => Math.abs(found[c]! - right[c]!)));
      expect(off, `pixel ${i}`).toBeLessThanOrEqual(1);
      expect(found[3]).toBe(255);
    }
    expect(masked).toBeGreaterThan(500);
  });
});

/** Whole numbers from 0 to n − 1, the same ones for the same seed. */
function dice(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

type Roll = ReturnType<typeof dice>;

/** A picture of noise: opaque, of any alpha, or transparent with colours underneath. */
function anyPicture(roll: Roll): RgbaImage {
  const [most, kind] = [[1, 9, 40, 97][roll(4)]!, roll(4)];
  const image = createImage(1 + roll(most), 1 + roll(most));
  for (let i = 0; i < image.data.length; i++) image.data[i] = roll(256);
  for (let i = 3; i < image.data.length; i += 4) {
    image.data[i] = [255, 255, roll(256), 0][kind]!;
  }
  return image;
}

/** A rectangle, specks, a soft ramp, a line, or all; white on black, or a layer's alpha. */
function anyMask(roll: Roll, { width, height }: RgbaImage): RgbaImage {
  const mask = createImage(width, height);
  const [kind, asLayer] = [roll(5), roll(3) === 0];
  const [x0, y0] = [roll(width), roll(height)];
  const [x1, y1] = [x0 + roll(width - x0), y0 + roll(height - y0)];
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const value = [
      x >= x0 && x <= x1 && y >= y0 && y <= y1 ? 255 : 0,
      roll(30) === 0 ? 1 + roll(255) : 0,
      Math.max(0, 255 - 9 * Math.abs(x - x0) - 5 * Math.abs(y - y0)),
      x === x0 ? 255 : 0,
      255,
    ][kind]!;
    // A layer that is opaque throughout is read by its colours, which are grey here.
    const ink = asLayer ? roll(256) : value;
    mask.data.set([ink, ink, ink, asLayer ? value : 255], 4 * i);
  }
  return mask;
}

/** Anything that a request to paint may say. */
function anyRequest(roll: Roll): GenerateRequest & Expanded {
  const whole = roll(8) === 0 ? undefined : anyPicture(roll);
  const { image, mask } = whole
    ? { image: whole, mask: anyMask(roll, whole) }
    : expand(anyPicture(roll), { left: roll(9), right: 1, top: roll(30), bottom: roll(3) });
  const edge = { grow: roll(12), feather: roll(20), blend: roll(20) };
  return {
    prompt: "a red apple",
    image,
    mask,
    steps: 1 + roll(3),
    guidanceScale: 1,
    seed: roll(1000),
    count: 1 + roll(2),
    ...(roll(2) && { strength: roll(11) / 10 }),
    ...(roll(2) && {
      maskEdge: [hardEdge, hardEdge, edge, { blend: 3 }, { ...(roll(2) && edge), spill: true }][
        roll(5)
      ]!,
    }),
    ...(roll(2) && { onlyMasked: roll(2) ? true : { padding: roll(50) } }),
    ...(roll(2) && { width: 8 * (1 + roll(12)), height: 8 * (1 + roll(12)) }),
    ...(roll(2) && { fill: (["original", "blur", "border", "neutral"] as const)[roll(4)]! }),
    ...(roll(4) === 0 && { layer: true }),
  };
}

/** The mask's value at a pixel, by the rule that is told of `mask`. */
function maskAt(mask: RgbaImage): (pixel: number) => number {
  const layer = mask.data.some((value, i) => i % 4 === 3 && value < 255);
  return (pixel) => mask.data[4 * pixel + (layer ? 3 : 0)]!;
}

/** Whether a pixel must stay: it is black in the mask and, with `spill`, as far away as is told. */
function keptBy(mask: RgbaImage, painting: PaintingRecipe): (pixel: number) => boolean {
  const valueAt = maskAt(mask);
  const { width, height } = mask;
  const reach = painting.spill ? painting.grow + painting.feather / 2 : 0;
  const [columns, rows] = [new Set<number>(), new Set<number>()];
  for (let i = 0; i < width * height; i++) {
    if (valueAt(i) > 0) columns.add(i % width);
    if (valueAt(i) > 0) rows.add(Math.floor(i / width));
  }
  const [left, right] = [Math.min(...columns) - reach, Math.max(...columns) + reach];
  const [top, bottom] = [Math.min(...rows) - reach, Math.max(...rows) + reach];
  return (i) => {
    if (!painting.spill) return valueAt(i) === 0;
    const [x, y] = [i % width, Math.floor(i / width)];
    return columns.size === 0 || x < left || x > right || y < top || y > bottom;
  };
}

describe("1,000 random pictures, masks, sizes and strengths", () => {
  const requests = Array.from({ length: 1000 }, (_, seed) => anyRequest(dice(7919 * seed + 1)));

  it("are as varied as they should be", () => {
    const odd = requests.filter(({ image }) => image.width % 8 > 0 && image.height % 8 > 0);
    const alpha = requests.filter(({ image }) => image.data.some((v, i) => i % 4 === 3 && v < 255));
    for (const some of [
      odd,
      alpha,
      requests.filter(({ image: { width } }) => width < 8),
      requests.filter(({ onlyMasked }) => onlyMasked),
      requests.filter(({ layer }) => layer),
      requests.filter(({ strength = 1 }) => strength < 1),
      requests.filter(({ maskEdge }) => maskEdge === undefined),
      requests.filter(({ maskEdge }) => maskEdge?.spill),
    ]) {
      expect(some.length).toBeGreaterThan(100);
    }
  });

  it.each([4, 9] as const)("keep every unmasked byte, %i channels", async (channels) => {
    const pipeline = await open(channels, undefined, fakeModel(channels));
    let [kept, masked, changed] = [0, 0, 0];
    // Half of them each: a thousand in all.
    for (const request of requests.filter((_, k) => (k % 2 === 0) === (channels === 4))) {
      const { image, mask, layer, strength = 1, steps = 1, maskEdge, count } = request;
      const { images, recipe } = await pipeline.generate(request);
      expect(images.length).toBe(count);
      const valueAt = maskAt(mask);
      const isKept = keptBy(mask, recipe.painting!);
      const hard = maskEdge === hardEdge && Math.floor(steps * strength) > 0;
      for (const made of images) {
        expect([made.width, made.height]).toEqual([image.width, image.height]);
        const [found, given] = [
          new Uint32Array(made.data.buffer),
          new Uint32Array(image.data.buffer),
        ];
        for (let i = 0; i < found.length; i++) {
          const value = valueAt(i);
          if (isKept(i)) {
            // Not expect() for each of some millions.
            if (found[i] !== (layer ? 0 : given[i])) {
              throw new Error(
                `seed ${request.seed}: pixel ${i} of ${image.width} × ${image.height}`,
              );
            }
            kept++;
          } else if (value === 255 && hard) {
            masked++;
            if (found[i] !== given[i] && made.data[4 * i + 3] === 255) changed++;
          }
        }
      }
    }
    await pipeline.dispose();
    expect(kept).toBeGreaterThan(100_000);
    expect(masked).toBeGreaterThan(10_000);
    expect(changed / masked).toBeGreaterThan(0.99);
  });
});

describe("pictures far larger than what the model was trained for", () => {
  // 64 × 64; more than four times the area is seen smaller.
  it.each([
    ["a photograph", 500, 375, 144, 96],
    ["a banner", 2000, 30, 1040, 16],
    ["a long line", 9001, 1, 8192, 16],
  ])("are painted into as a whole: %s", async (_, width, height, atWidth, atHeight) => {
    const pipeline = await open(4, undefined, fakeModel(4));
    const image = createImage(width, height);
    const roll = dice(3);
    for (let i = 0; i < image.data.length; i++) image.data[i] = roll(256);
    const mask = createImage(width, height);
    mask.data.fill(255, 4 * (width - 20), 4 * width);
    const { images, recipe, warnings } = await pipeline.generate({
      prompt: "",
      image,
      mask,
      steps: 1,
    });
    await pipeline.dispose();
    expect([recipe.width, recipe.height]).toEqual([atWidth, atHeight]);
    expect(warnings.map(({ code }) => code)).toEqual(["image-resized"]);
    expect([images[0]!.width, images[0]!.height]).toEqual([width, height]);
    const isKept = keptBy(mask, recipe.painting!);
    const [found, given] = [images[0]!, image].map(({ data }) => new Uint32Array(data.buffer));
    const changed = found!.filter((value, i) => isKept(i) && value !== given![i]);
    expect(changed.length).toBe(0);
    expect(found).not.toEqual(given);
  });
});

/** A picture of 75 × 52 and a disc in it. */
function discIn75x52(): { image: RgbaImage; mask: RgbaImage } {
  const picture = png("picture-96x64");
  const [image, mask] = [createImage(75, 52), createImage(75, 52)];
  for (let i = 0; i < 75 * 52; i++) {
    const [x, y] = [i % 75, Math.floor(i / 75)];
    image.data.set(picture.data.subarray(4 * (96 * y + x), 4 * (96 * y + x) + 4), 4 * i);
    const white = Math.hypot(x - 40, y - 25) < 13 ? 255 : 0;
    mask.data.set([white, white, white, 255], 4 * i);
  }
  return { image, mask };
}

describe.each([4, 9] as const)("a request to paint, %i channels", (channels) => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await open(channels);
  });
  afterAll(() => pipeline.dispose());

  const { image, mask } = discIn75x52();
  const request: GenerateRequest = { prompt: "a red apple", image, mask, steps: 3, seed: 5 };

  it("makes the same picture alone and among others", async () => {
    const asked = { ...request, strength: 0.7 };
    const batch = await pipeline.generate({ ...asked, count: 3 });
    for (const [k, seed] of batch.seeds.entries()) {
      const alone = await pipeline.generate({ ...asked, seed });
      expect(alone.images[0]!.data).toEqual(batch.images[k]!.data);
    }
    expect(batch.images[1]!.data).not.toEqual(batch.images[0]!.data);
  });

  it.each<[string, Partial<GenerateRequest>]>([
    ["whole", {}],
    ["only masked", { onlyMasked: { padding: 9 }, width: 64, height: 48, strength: 0.8 }],
    ["filled", { fill: "border", strength: 0.5, maskEdge: { grow: 3 } }],
    ["a layer", { layer: true }],
  ])("is made again by its recipe: %s", async (_, more) => {
    const { images, recipe } = await pipeline.generate({ ...request, ...more });
    const kept = parseRecipe(JSON.parse(JSON.stringify(recipe)));
    expect(kept).toEqual(recipe);
    const again = await pipeline.generate({ ...kept, image, mask });
    expect(again.images[0]!.data).toEqual(images[0]!.data);
    await expect(pipeline.generate({ ...kept, image })).rejects.toThrow(/image, mask/);
  });

  it("furnishes: a layer that makes the picture when it is laid over", async () => {
    const { images } = await pipeline.generate(request);
    const layers = await pipeline.furnish(image, mask, {
      prompt: "a red apple",
      steps: 3,
      seed: 5,
    });
    const [layer] = layers.images;
    expect(layOver(image, layer!).data).toEqual(images[0]!.data);
    const solid = layer!.data.filter((value, i) => i % 4 === 3 && value === 255).length;
    expect(solid).toBeGreaterThan(100);
    const byPrompt = await pipeline.furnish(image, mask, "a red apple");
    expect(byPrompt.recipe.painting?.layer).toBe(true);
  });

  it("shows previews of the picture with what is kept", async () => {
    const steps: RgbaImage[] = [];
    for await (const event of pipeline.stream(request)) {
      if (event.type === "step") steps.push(await event.preview());
    }
    expect(steps.map(({ width, height }) => [width, height])).toEqual(new Array(3).fill([10, 8]));
  });

  it("has nothing to do for a black mask, and says so", async () => {
    const black = createImage(75, 52);
    const { images, warnings } = await pipeline.generate({ ...request, mask: black, count: 2 });
    expect(warnings.map(({ code }) => code)).toEqual(["mask-empty"]);
    expect(images.map(({ data }) => data)).toEqual([image.data, image.data]);
    const furnished = await pipeline.furnish(image, black, "a red apple");
    expect(furnished.images[0]!.data.every((value) => value === 0)).toBe(true);
  });

  it("has nothing to do where strength leaves no step, and says so", async () => {
    const { images, warnings } = await pipeline.generate({ ...request, strength: 0.1 });
    expect(warnings.map(({ code }) => code)).toEqual(["nothing-to-do"]);
    expect(images[0]!.data).toEqual(image.data);
  });

  const small = createImage(8, 8);
  it.each<[string, Record<string, unknown>, RegExp]>([
    ["a mask of another size", { mask: small }, /8 × 8.*75 × 52/],
    ["a mask without an image", { image: undefined }, /mask is given without an image/],
    ["a mask that is no picture", { mask: "mask.png" }, /mask is no picture/],
    ["options without a mask", { mask: undefined, fill: "blur" }, /fill is given without a mask/],
    ["an unknown fill", { fill: "blurr" }, /blurr.*did you mean blur/],
    ["an unknown source", { maskSource: "red" }, /luminance, alpha/],
    ["NaN as grow", { maskEdge: { grow: Number.NaN } }, /maskEdge\.grow.*NaN/],
    ["a spill that is no flag", { maskEdge: { spill: 1 } }, /maskEdge\.spill/],
    ["a negative feather", { maskEdge: { feather: -1 } }, /maskEdge\.feather/],
    ["an unknown part of the edge", { maskEdge: { blur: 4 } }, /maskEdge has no blur/],
    ["NaN as padding", { onlyMasked: { padding: Number.NaN } }, /onlyMasked\.padding.*NaN/],
    ["another onlyMasked", { onlyMasked: "yes" }, /onlyMasked/],
    ["NaN as strength", { strength: Number.NaN }, /strength.*NaN/],
    ["another tool's name", { mask_image: mask }, /did you mean mask/],
    ["a layer that is no flag", { layer: 1 }, /layer/],
  ])("refuses %s before any work", async (_, more, message) => {
    let began = false;
    const asked = pipeline.generate({ ...request, ...more, onStep: () => (began = true) } as never);
    const error = await asked.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!isUnderpaintError(error)) throw new Error(`not refused: ${error}`);
    expect(error.message).toMatch(message);
    expect(began).toBe(false);
  });
});

describe.each([4, 9] as const)("a control of a request that paints, %i channels", (channels) => {
  const { image, mask } = discIn75x52();
  const evenly = (width: number) =>
    floatTensor([1, width, 1, 1], new Float32Array(width).fill(0.5));

  /** Remembers what it sees of a hint, and steers by the same number everywhere. */
  function steering(hint: RgbaImage): { control: Control; seen: RgbaImage[] } {
    const seen: RgbaImage[] = [];
    const control: Control = {
      name: "steering",
      options: {},
      async start(run) {
        seen.push(run.view(hint));
        const down = run.ports.down.map((port) => evenly(port.channels));
        return async () => ({ down, mid: evenly(run.ports.mid.channels) });
      },
    };
    return { control, seen };
  }

  it("sees what the network sees, and changes only what is repainted", async () => {
    const pipeline = await open(channels);
    const asked = { prompt: "a red apple", image, mask, steps: 2, seed: 5 };
    const around = { width: 64, height: 64, onlyMasked: { padding: 4 }, maskEdge: hardEdge };
    for (const [more, width, height] of [
      [{}, 80, 64],
      [around, 64, 64],
    ] as const) {
      const { control, seen } = steering(image);
      const plain = await pipeline.generate({ ...asked, ...more });
      const steered = await pipeline.generate({ ...asked, ...more, controls: [control] });
      expect(seen.map((view) => [view.width, view.height])).toEqual([[width, height]]);
      const [found, given, other] = [steered.images[0]!, image, plain.images[0]!].map(
        ({ data }) => new Uint32Array(data.buffer),
      );
      const outside = found!.filter((value, i) => mask.data[4 * i] === 0 && value !== given![i]);
      expect(outside.length).toBe(0);
      expect(found).not.toEqual(other);
      if (more === around) {
        // The disc's 25 × 25 pixels and 4 around, enlarged to 64 × 64.
        const part = createImage(33, 33);
        for (let y = 0; y < 33; y++) {
          const from = 4 * (75 * (9 + y) + 24);
          part.data.set(image.data.subarray(from, from + 4 * 33), 4 * 33 * y);
        }
        expect(seen[0]!.data).toEqual(resize(part, 64, 64).data);
      }
    }
    await pipeline.dispose();
  });
});

describe("a network for inpainting", () => {
  it.each([
    ["text alone", {}],
    ["an image alone", { image: png("picture-64x64") }],
  ])("is refused %s, before anything is loaded", async (_, more) => {
    const backend = fakeModel(9);
    const pipeline = await open(9, undefined, backend);
    const asked = pipeline.generate({ prompt: "a red apple", ...more });
    await expect(asked).rejects.toThrow(/no image and mask/);
    expect(backend.sessions).toEqual([]);
    await pipeline.dispose();
  });
});
