import type { ControlWarning } from "../control/contract.js";
import type { RgbaImage } from "../image/image.js";
import type { Recipe } from "../recipe/recipe.js";
import type { FloatTensor } from "../tensor/tensor.js";
import type { Timings } from "./timings.js";

/**
 * Something that the caller should know of and that stops nothing.
 *
 * - `prompt-cut`: the end of a prompt did not fit in what the model reads.
 * - `words-unknown`: the model lists the words that it knows, and the prompt has none of them.
 * - `image-resized`: the picture to begin from was resized to the request's size.
 * - `mask-empty`: the mask leaves nothing to be repainted.
 * - `nothing-to-do`: strength and steps leave nothing to be made anew.
 * - `seed-not-binding`: a graph draws random numbers of its own.
 * - `scheduler-config`: a setting of the model's scheduler is not known here.
 * - `device-fallback`: another device is used than the fastest.
 * - `single-threaded`: the page may not use several threads.
 * - `model-not-kept`: the browser keeps no models, or has no room: it is used from memory.
 * - `recipe-model`: a recipe was made with another model.
 * - `hint-resized`, `hint-inverted`, `control-note`: see {@link ControlWarning}.
 */
export interface PipelineWarning {
  readonly code:
    | "prompt-cut"
    | "words-unknown"
    | "image-resized"
    | "mask-empty"
    | "nothing-to-do"
    | "seed-not-binding"
    | "scheduler-config"
    | "device-fallback"
    | "single-threaded"
    | "model-not-kept"
    | "recipe-model"
    | ControlWarning["code"];
  /** One sentence. */
  readonly message: string;
}

/** What is known after each step of a request. */
export interface StepEvent {
  readonly type: "step";
  /** Steps done in this request, from 1. */
  readonly step: number;
  /** Steps that this request does: fewer than asked for where `strength` is below 1. */
  readonly steps: number;
  /** What the network was told. */
  readonly timestep: number;
  /** Milliseconds since the request began. */
  readonly elapsed: number;
  /** The noisy latents after this step, [count, channels, height, width]. Not to be written to. */
  readonly latents: FloatTensor;
  /** The estimate of the clean latents. Not to be written to. */
  readonly denoised: FloatTensor;
  /**
   * A small picture, at the latents' size, of what picture `index` is becoming; with `onlyMasked`
   * of the part that the network sees. A linear map of
   * the latents: no run of the VAE, save once to fit the map for a model that it is not known of.
   */
  preview(index?: number): Promise<RgbaImage>;
}

/** The pictures of one request, and all that there is to say of them. */
export interface GenerateResult {
  /** Straight RGBA; opaque, save for what the image that was painted into, or a layer, is not. */
  readonly images: readonly RgbaImage[];
  /** The seed that makes picture k alone. */
  readonly seeds: readonly (number | bigint)[];
  /** Makes all pictures again: `generate(recipe)`. Plain JSON. */
  readonly recipe: Recipe;
  /** Makes picture k again, alone: what {@link savePng} puts into its file. */
  readonly recipes: readonly Recipe[];
  readonly timings: Timings;
  readonly warnings: readonly PipelineWarning[];
}

/** The last event of {@link Pipeline.stream}. */
export interface ResultEvent {
  readonly type: "result";
  readonly result: GenerateResult;
}

/** What {@link Pipeline.stream} yields. */
export type GenerationEvent = StepEvent | ResultEvent;
