import type { Control } from "../control/contract.js";
import type { Guidance } from "../guidance/contract.js";
import type { RgbaImage } from "../image/image.js";
import type { PaintingRequest } from "../painting/options.js";
import type { PluginRecipe } from "../recipe/recipe.js";
import type { Scheduler } from "../sampling/contract.js";
import type { StepEvent } from "./result.js";

/** What {@link Pipeline.generate} is asked for. Only `prompt` is needed. */
export interface GenerateRequest extends PaintingRequest {
  /** What the picture should be; "" is allowed. Up to 100,000 characters, of which a model reads 77 tokens. */
  readonly prompt: string;
  /** What it should not be; "" when left out. Unused where `guidanceScale` is 1 or less. */
  readonly negativePrompt?: string;
  /**
   * Pixels, a multiple of what the model takes, 8 mostly; the model's own size, or the image's, when left out. With
   * a `mask` it is what the network works at; the result has the image's own size.
   */
  readonly width?: number;
  /** As `width`. */
  readonly height?: number;
  /** Denoising steps, 1 to 1000; the model's own, mostly 20, when left out. */
  readonly steps?: number;
  /** How strongly the prompt steers: see {@link classifierFree}. The model's own, mostly 7.5. */
  readonly guidanceScale?: number;
  /** 0 to 1: see {@link classifierFree}. */
  readonly guidanceRescale?: number;
  /**
   * 0 to 2^53 − 1 as a number, to 2^64 − 1 as a bigint or a string of digits; a random one when
   * left out. Picture k has seed + k. As in torch, only the low 32 bits count.
   */
  readonly seed?: number | bigint | string;
  /** Pictures to make, 1 to 256. */
  readonly count?: number;
  /** A scheduler, its name, or its name and options as a recipe has them. */
  readonly scheduler?: Scheduler | string | PluginRecipe;
  /** A guidance of one's own, in place of `guidanceScale` and `guidanceRescale`. */
  readonly guidance?: Guidance | PluginRecipe;
  /**
   * Layers of the text encoder to leave out at its end, 0 to 24, as diffusers counts; for the
   * prompt alone, as there.
   */
  readonly clipSkip?: number;
  /**
   * The picture to begin from: image-to-image, resized to `width` × `height` where it differs. With
   * a `mask` the picture to paint into, of any size.
   */
  readonly image?: RgbaImage;
  /** 0 to 1: how much of `image` is made anew; 0.8 when left out, 1 with a `mask`. */
  readonly strength?: number;
  /**
   * What steers the picture besides the prompt, such as `controlNet({ … })` of
   * @underpaint/controlnet: up to 16, all at once.
   */
  readonly controls?: readonly Control[];
  /** Called after each step. An error thrown here ends the request. */
  readonly onStep?: (event: StepEvent) => void;
  /** Ends the request within one run of a graph; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}
