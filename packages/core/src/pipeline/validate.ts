import { planControls } from "../control/plan-controls.js";
import type { PlannedControl } from "../control/steering.js";
import { nearest, UnderpaintError } from "../errors.js";
import { checkImage, type RgbaImage } from "../image/image.js";
import { type Size, wholeSize } from "../painting/crop.js";
import { type Painting, paintingKeys, readPainting } from "../painting/options.js";
import { type Seed, validateSeed } from "../random/seed.js";
import type { GenerateRequest } from "./request.js";

/** Where the numbers of a request end. They bound what a request can make us allocate. */
export const limits = {
  promptCharacters: 100_000,
  steps: 1000,
  count: 256,
  sidePixels: 8192,
  /** Pixels of all pictures of a request together: 64 pictures of 1024 × 1024. */
  totalPixels: 2 ** 26,
  clipSkip: 24,
} as const;

/** What a request falls back to, from the model. */
export interface RequestDefaults {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidanceScale: number;
  /** Picture sizes are multiples of this: the VAE's scale, or a multiple of it. */
  readonly sizeMultiple: number;
  /** Pictures that are painted into are padded to multiples of this: every network takes those. */
  readonly paddingMultiple: number;
}

/** A request whose every plain value is present and allowed. */
export interface ValidRequest {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly guidanceRescale: number;
  readonly seed: Seed;
  readonly count: number;
  readonly clipSkip: number;
  readonly image: RgbaImage | undefined;
  readonly strength: number;
  /** How the image is painted into; undefined where there is no mask. */
  readonly painting: Painting | undefined;
  readonly controls: readonly PlannedControl[];
}

const requestKeys = [
  "prompt",
  "negativePrompt",
  "width",
  "height",
  "steps",
  "guidanceScale",
  "guidanceRescale",
  "seed",
  "count",
  "scheduler",
  "guidance",
  "clipSkip",
  "image",
  "strength",
  "mask",
  ...paintingKeys,
  "controls",
  "onStep",
  "signal",
] as const satisfies readonly (keyof GenerateRequest)[];

/** Names of other tools for what is called otherwise here. */
const aliases: Readonly<Record<string, keyof GenerateRequest>> = {
  negative_prompt: "negativePrompt",
  num_inference_steps: "steps",
  numInferenceSteps: "steps",
  guidance_scale: "guidanceScale",
  cfg: "guidanceScale",
  cfgScale: "guidanceScale",
  guidance_rescale: "guidanceRescale",
  num_images_per_prompt: "count",
  numImagesPerPrompt: "count",
  sampler: "scheduler",
  clip_skip: "clipSkip",
  init_image: "image",
  denoising_strength: "strength",
  mask_image: "mask",
  maskImage: "mask",
  padding_mask_crop: "onlyMasked",
  mask_blur: "maskEdge",
  inpainting_fill: "fill",
};

/**
 * Checks the plain values of a request before any work is done, and fills in what was left out.
 *
 * @throws UnderpaintError `invalid-request` or `invalid-image`: the first thing that is wrong.
 */
export function validateRequest(
  request: GenerateRequest,
  defaults: RequestDefaults,
  ignoredKeys: readonly string[] = [],
): ValidRequest {
  if (typeof request !== "object" || request === null || Array.isArray(request)) {
    throw wrong("a request is not an object", request, undefined, 'pass { prompt: "a red apple" }');
  }
  for (const key of Object.keys(request)) {
    if (!(requestKeys as readonly string[]).includes(key) && !ignoredKeys.includes(key)) {
      const meant = aliases[key] ?? nearest(key, requestKeys);
      throw wrong(
        `the request has an unknown key ${JSON.stringify(key.slice(0, 60))}`,
        (request as unknown as Record<string, unknown>)[key],
        requestKeys.join(", "),
        meant ? `did you mean ${meant}?` : "leave it out",
      );
    }
  }
  const image = request.image === undefined ? undefined : checkImage(request.image);
  if (request.strength !== undefined && !image) {
    throw wrong(
      "strength is given without an image",
      request.strength,
      undefined,
      "add image, or leave strength out",
    );
  }
  const strength = real(
    "strength",
    request.strength ?? (request.mask === undefined ? 0.8 : 1),
    0,
    1,
    "leave it out for 0.8, or 1 with a mask",
  );
  const painting = readPainting(request, image, strength);
  const multiple = defaults.sizeMultiple;
  const fallback = ownSize(image, painting, defaults);
  const width = side("width", request.width ?? fallback.width, multiple);
  const height = side("height", request.height ?? fallback.height, multiple);
  const count = whole("count", request.count ?? 1, 1, limits.count, "leave it out for one picture");
  const made = painting && image ? larger(image, { width, height }) : { width, height };
  if (made.width * made.height * count > limits.totalPixels) {
    throw wrong(
      `width × height × count is too much for one request`,
      `${made.width} × ${made.height} × ${count}`,
      `up to ${limits.totalPixels} pixels in all`,
      "make fewer or smaller pictures at a time",
    );
  }
  callable("onStep", request.onStep);
  if (request.signal !== undefined && typeof request.signal?.throwIfAborted !== "function") {
    throw wrong(
      "signal is no AbortSignal",
      request.signal,
      undefined,
      "pass an AbortController's signal",
    );
  }
  return {
    prompt: text("prompt", request.prompt),
    negativePrompt: text("negativePrompt", request.negativePrompt ?? ""),
    width,
    height,
    steps: whole(
      "steps",
      request.steps ?? defaults.steps,
      1,
      limits.steps,
      "leave it out for the model's own",
    ),
    guidanceScale: real(
      "guidanceScale",
      request.guidanceScale ?? defaults.guidanceScale,
      0,
      1000,
      "leave it out for the model's own; 1 and below turn guidance off",
    ),
    guidanceRescale: real(
      "guidanceRescale",
      request.guidanceRescale ?? 0,
      0,
      1,
      "leave it out for none",
    ),
    seed: seedOf(request.seed),
    count,
    clipSkip: whole("clipSkip", request.clipSkip ?? 0, 0, limits.clipSkip, "leave it out for none"),
    image,
    strength,
    painting,
    controls: planControls(request.controls, painting && image ? image : { width, height }),
  };
}

function wrong(what: string, value: unknown, allowed?: string, remedy?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what,
    value,
    ...(allowed === undefined ? {} : { allowed }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

function text(name: string, value: unknown): string {
  if (typeof value !== "string") {
    throw wrong(`${name} is not a string`, value, undefined, 'an empty one, "", is allowed');
  }
  if (value.length > limits.promptCharacters) {
    throw wrong(
      `${name} has ${value.length} characters`,
      value,
      `up to ${limits.promptCharacters}`,
      "shorten it: a model reads the first 77 tokens",
    );
  }
  return value;
}

function whole(name: string, value: unknown, low: number, high: number, remedy: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high) {
    throw wrong(`${name} is out of range`, value, `a whole number from ${low} to ${high}`, remedy);
  }
  return value;
}

function real(name: string, value: unknown, low: number, high: number, remedy: string): number {
  if (typeof value !== "number" || !(value >= low && value <= high)) {
    throw wrong(`${name} is out of range`, value, `a number from ${low} to ${high}`, remedy);
  }
  return value;
}

function callable(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw wrong(`${name} is not a function`, value, undefined, "leave it out");
  }
}

/** The size where the request names none. */
function ownSize(
  image: Size | undefined,
  painting: Painting | undefined,
  defaults: RequestDefaults,
): Size {
  const { sizeMultiple: multiple, paddingMultiple } = defaults;
  if (!image || (painting && painting.padding !== undefined)) return defaults;
  if (painting) return wholeSize(image, defaults, paddingMultiple);
  return { width: roundDown(image.width, multiple), height: roundDown(image.height, multiple) };
}

function larger(a: Size, b: Size): Size {
  return a.width * a.height > b.width * b.height ? a : b;
}

function roundDown(size: number, multiple: number): number {
  return Math.max(multiple, Math.floor(size / multiple) * multiple);
}

function side(name: string, value: unknown, multiple: number): number {
  const allowed = `a multiple of ${multiple} from ${multiple} to ${limits.sidePixels}`;
  if (
    typeof value !== "number" ||
    !Number.isInteger(value) ||
    value < multiple ||
    value > limits.sidePixels ||
    value % multiple !== 0
  ) {
    const usable = typeof value === "number" && value > 0 && Number.isFinite(value);
    const near = usable
      ? Math.min(limits.sidePixels, Math.max(multiple, Math.round(value / multiple) * multiple))
      : undefined;
    throw wrong(
      `${name} is no size that the model can make`,
      value,
      allowed,
      near === undefined ? "leave it out for the model's own" : `the nearest is ${near}`,
    );
  }
  return value;
}

/** Digits of a seed come from recipes, where JSON has no bigint. */
function seedOf(seed: GenerateRequest["seed"]): Seed {
  // As many random bits as count: torch's generator reads a seed's low 32.
  if (seed === undefined) return crypto.getRandomValues(new Uint32Array(1))[0]!;
  if (typeof seed !== "string") return validateSeed(seed);
  return validateSeed(/^\d{1,20}$/.test(seed) ? BigInt(seed) : seed);
}
