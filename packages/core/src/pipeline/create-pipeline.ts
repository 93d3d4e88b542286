import type { InferenceBackend } from "../backend/contract.js";
import type { GraphFiles } from "../backend/edit-model.js";
import { UnderpaintError } from "../errors.js";
import type { RgbaImage } from "../image/image.js";
import type { ComponentName, ModelManifest } from "../model/manifest.js";
import type { ModelProgress } from "../model/progress.js";
import type { ModelSource } from "../model/source.js";
import { recipeOfPicture } from "../recipe/recipe.js";
import type { Scheduler } from "../sampling/contract.js";
import type { SchedulerConfig } from "../sampling/noise-model-config.js";
import type { FloatTensor } from "../tensor/tensor.js";
import type { ModelResolver } from "./controls.js";
import { type FurnishRequest, furnishRequest } from "./furnish.js";
import { type GenerationPlan, generate } from "./generate.js";
import { openParts } from "./parts.js";
import { planGeneration } from "./plan.js";
import { recipeOfPlan } from "./recipe-of-plan.js";
import type { RecipeRequest } from "./recipe-request.js";
import { corePlugins, type PluginMakers } from "./registry.js";
import type { GenerateRequest } from "./request.js";
import type { GenerateResult, GenerationEvent, PipelineWarning } from "./result.js";
import { createStopwatch, type Stopwatch } from "./timings.js";
import { validateRequest } from "./validate.js";

/** What {@link createPipeline} is made of. */
export interface PipelineOptions {
  /** What runs the graphs. */
  readonly backend: InferenceBackend;
  /** Where the model is. */
  readonly source: ModelSource;
  /** The scheduler of requests that name none: one, or how to make it of the model's own config. */
  readonly scheduler: Scheduler | ((config: SchedulerConfig) => Scheduler);
  /** Makes the plug-ins that requests and recipes name; core's own alone when left out. */
  readonly plugins?: Partial<PluginMakers>;
  /** How graphs that the source gives by their paths are read, where they have to be edited. */
  readonly graphFiles?: GraphFiles;
  /** Finds the model of a control that is given by its name. */
  readonly resolveModel?: ModelResolver;
  /** Told while graphs are loaded: one total over all files of the model; a control's apart. */
  readonly onProgress?: (progress: ModelProgress) => void;
  /** Told what should be known and stops nothing; a result lists its request's too. */
  readonly onWarning?: (warning: PipelineWarning) => void;
  /** Ends the opening of the model. Requests have signals of their own. */
  readonly signal?: AbortSignal;
}

/** Makes pictures with one model. Requests may overlap; none sees another. */
export interface Pipeline {
  /** What the model is, as known before any weights are loaded. */
  readonly manifest: ModelManifest;
  /**
   * Makes pictures.
   *
   * @param request a request, or the recipe of an earlier result, which it makes again; an
   * image-to-image recipe needs its picture: `generate({ ...recipe, image })`, and one that painted
   * its mask too; one that was steered needs the controls, or their pictures:
   * `generate({ ...recipe, pictures: [sheet] })`.
   * @throws UnderpaintError `invalid-request`, `invalid-image` before any work is done; errors of
   * loading and inference. Where `signal` is aborted, its reason.
   */
  generate(request: GenerateRequest | RecipeRequest): Promise<GenerateResult>;
  /**
   * Makes pictures, and yields an event after each step and the result at the end. Leaving the
   * loop early ends the request.
   */
  stream(request: GenerateRequest | RecipeRequest): AsyncGenerator<GenerationEvent, void, void>;
  /**
   * A small picture of clean latents [n, channels, height, width], at their size: what
   * {@link StepEvent.preview} makes of a step's `denoised`.
   *
   * @param index which of the n; 0 when left out.
   * @throws UnderpaintError `invalid-request` for latents of other dims.
   */
  preview(latents: FloatTensor, index?: number): Promise<RgbaImage>;
  /**
   * Makes something to be put into a picture: a layer of its size with the new pixels alone,
   * transparent elsewhere. Laid over the image it is what `generate` with the same image and mask
   * makes of it.
   *
   * @param wanted the prompt, or a request without image, mask and layer.
   * @returns as {@link Pipeline.generate}; its `images` are the layers, which `generate(recipe)`
   * makes again when it is given image and mask.
   */
  furnish(
    image: RgbaImage,
    mask: RgbaImage,
    wanted: string | FurnishRequest,
  ): Promise<GenerateResult>;
  /** Loads every graph that text-to-image needs, which otherwise happens when it is first needed. */
  load(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Gives back one component, the graphs of controls, or all; they are loaded again when they are
   * needed.
   */
  unload(component?: ComponentName | "controls"): Promise<void>;
  /** Gives everything back; requests made after it reject with `disposed`. */
  dispose(): Promise<void>;
}

/**
 * A pipeline over a backend and a model's files. `createPipeline` of @underpaint/node and
 * @underpaint/web bind both; this one asks for them.
 *
 * Reads the model's manifest and loads no weights.
 *
 * @throws UnderpaintError `model-not-found`, `model-invalid`, `model-unsupported`,
 * `download-failed`.
 */
export async function createPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { onWarning, signal } = options;
  const plugins: PluginMakers = { ...corePlugins, ...options.plugins };
  const parts = await openParts(options);
  const { manifest, noiseModel, defaults } = parts;
  const defaultScheduler =
    typeof options.scheduler === "function"
      ? options.scheduler(manifest.scheduler)
      : options.scheduler;
  signal?.throwIfAborted();
  let disposed = false;

  function checkAlive(): void {
    if (!disposed) return;
    throw new UnderpaintError({
      code: "disposed",
      what: "the pipeline was disposed",
      remedy: "make a new one with createPipeline()",
    });
  }

  async function* stream(
    asked: GenerateRequest | RecipeRequest,
  ): AsyncGenerator<GenerationEvent, void, void> {
    checkAlive();
    const stopwatch = createStopwatch();
    const warnings: PipelineWarning[] = [];
    const warn = (warning: PipelineWarning): void => {
      warnings.push(warning);
      onWarning?.(warning);
    };
    const request = isRecipe(asked) ? await requestOf(asked, warn) : asked;
    const valid = validateRequest(request, defaults);
    const plan = planGeneration(request, valid, {
      plugins,
      defaultScheduler,
      noiseModel,
      embedsGuidance: parts.embedsGuidance,
      inpaints: parts.inpaints,
      paddingMultiple: parts.networkMultiple,
      latentDims: parts.latentDims,
    });
    const { signal: stop, onStep } = request;
    const { resolveModel } = options;
    const context = { parts, stopwatch, warn, signal: stop, onStep, resolveModel };
    const images = yield* generate(plan, context);
    yield { type: "result", result: await resultOf(plan, images, stopwatch, warnings) };
  }

  /** Recipes are read by a part of its own, which pages fetch when they have one. */
  async function requestOf(
    recipe: RecipeRequest,
    warn: (warning: PipelineWarning) => void,
  ): Promise<GenerateRequest> {
    const { requestOfRecipe } = await import("./recipe-request.js");
    return requestOfRecipe(recipe, manifest.id, warn, plugins.control);
  }

  async function resultOf(
    plan: GenerationPlan,
    images: readonly RgbaImage[],
    stopwatch: Stopwatch,
    warnings: readonly PipelineWarning[],
  ): Promise<GenerateResult> {
    const recipe = await recipeOfPlan(plan, manifest.id);
    return {
      images,
      seeds: plan.seeds,
      recipe,
      recipes: plan.seeds.map((_, k) => recipeOfPicture(recipe, k)),
      timings: stopwatch.read(),
      warnings,
    };
  }

  async function generateAll(request: GenerateRequest | RecipeRequest): Promise<GenerateResult> {
    for await (const event of stream(request)) {
      if (event.type === "result") return event.result;
    }
    throw new Error("unreachable: a stream ends with its result");
  }

  return {
    manifest,
    stream,
    generate: generateAll,
    furnish: async (image, mask, wanted) => generateAll(furnishRequest(image, mask, wanted)),
    async preview(latents, index) {
      checkAlive();
      return parts.preview(latents, index);
    },
    async load({ signal: stop } = {}) {
      checkAlive();
      await Promise.all([parts.textEncoder(stop), parts.network(stop), parts.vaeDecoder(stop)]);
    },
    unload: (component) => parts.unload(component),
    async dispose() {
      disposed = true;
      await parts.dispose();
    },
  };
}

/** Whether a request is a recipe. */
function isRecipe(asked: GenerateRequest | RecipeRequest): asked is RecipeRequest {
  return typeof asked === "object" && asked !== null && "underpaint" in asked;
}
