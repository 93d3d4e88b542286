import {
  createPipeline,
  type Device,
  type LivePipeline,
  type ModelProgress,
  newestWins,
  type PipelineWarning,
  type Recipe,
  type RgbaImage,
  type WebPipeline,
} from "@underpaint/web";

/** What is to be painted. */
export interface Wish {
  readonly prompt: string;
  readonly seed: number;
  readonly steps: number;
  /** What to begin from; words alone when left out. */
  readonly start?: { readonly image: RgbaImage; readonly strength: number };
}

/** A picture, and all that there is to say of it. */
export interface Painted {
  readonly image: RgbaImage;
  readonly recipe: Recipe;
  readonly seconds: number;
  readonly warnings: readonly PipelineWarning[];
}

/** A step on the way to a picture. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** A small picture of what it is becoming. */
  readonly preview: Promise<RgbaImage>;
}

/** What an engine is opened with. */
export interface EngineOptions {
  readonly device: Device | "auto";
  readonly onProgress: (progress: ModelProgress) => void;
  readonly onWarning: (warning: PipelineWarning) => void;
}

/** The embedded model, loaded, in a worker. */
export interface Engine {
  readonly device: Device;
  /** The model's id, as recipes name it. */
  readonly model: string;
  /**
   * Paints, in place of whatever is being painted.
   *
   * @returns undefined where something newer came first, or {@link Engine.stop}.
   */
  paint(wish: Wish, onProgress: (progress: Progress) => void): Promise<Painted | undefined>;
  /** Stops what is being painted. */
  stop(): void;
  dispose(): Promise<void>;
}

/** Fetches and loads the embedded model: all of it works in a worker, so that the page stays free. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const pipeline = await createPipeline({ worker: true, ...options });
  try {
    await pipeline.load();
    await warmUp(pipeline);
  } catch (error) {
    await pipeline.dispose();
    throw error;
  }
  return engineOf(pipeline, newestWins(pipeline));
}

/**
 * Paints a picture that nobody sees: what is made ready once, such as programs for the GPU and the
 * map that previews are made by, is so before the first stroke.
 */
async function warmUp(pipeline: WebPipeline): Promise<void> {
  let preview: Promise<unknown> | undefined;
  await pipeline.generate({
    prompt: "",
    seed: 0,
    steps: 1,
    onStep(event) {
      preview = event.preview();
    },
  });
  await preview;
}

function engineOf(pipeline: WebPipeline, newest: LivePipeline): Engine {
  return {
    get device() {
      return pipeline.device;
    },
    model: pipeline.manifest.id,
    async paint({ start, ...wish }, onProgress) {
      const began = performance.now();
      const result = await newest.generate({
        ...wish,
        ...start,
        onStep: (event) =>
          onProgress({ step: event.step, steps: event.steps, preview: event.preview() }),
      });
      return (
        result && {
          image: result.images[0]!,
          recipe: result.recipes[0]!,
          seconds: (performance.now() - began) / 1000,
          warnings: result.warnings,
        }
      );
    },
    stop: () => newest.cancel(),
    dispose: () => pipeline.dispose(),
  };
}
