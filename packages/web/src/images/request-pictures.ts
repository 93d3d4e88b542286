import {
  type FurnishRequest,
  furnishRequest,
  type GenerateRequest,
  type GenerateResult,
  type GenerationEvent,
  type Pipeline,
  type RecipeRequest,
  type RgbaImage,
} from "@underpaint/core";
import { isCanvas, isForeignPicture, type PictureSource, toImage } from "./picture.js";

/** A request that has a browser's pictures wherever core's has pictures. */
export type WithPictures<R> = {
  [K in keyof R]: RgbaImage extends NonNullable<R[K]> ? R[K] | PictureSource : R[K];
};

/** What a browser's pipelines are asked for. */
export type WebRequest = WithPictures<GenerateRequest> | WithPictures<RecipeRequest>;

/** A pipeline that takes a browser's pictures. */
export interface PictureTaking {
  generate(request: WebRequest): Promise<GenerateResult>;
  stream(request: WebRequest): AsyncGenerator<GenerationEvent, void, void>;
  /** As {@link Pipeline.furnish}. */
  furnish(
    image: RgbaImage | PictureSource,
    mask: RgbaImage | PictureSource,
    request: string | WithPictures<FurnishRequest>,
  ): Promise<GenerateResult>;
}

/**
 * A pipeline whose requests may have a browser's pictures: they are read before it sees them.
 *
 * @param only which are read; the others it reads itself.
 */
export function takingPictures(
  { generate, stream }: Pick<Pipeline, "generate" | "stream">,
  only: (value: unknown) => boolean = isForeignPicture,
): PictureTaking {
  const generateAll: PictureTaking["generate"] = async (request) =>
    generate((await readPictures(request, only)) as GenerateRequest);
  return {
    generate: generateAll,
    furnish: async (image, mask, wanted) =>
      // Pictures are read before the request is looked at.
      generateAll(furnishRequest(image as RgbaImage, mask as RgbaImage, wanted as FurnishRequest)),
    async *stream(request) {
      yield* stream((await readPictures(request, only)) as GenerateRequest);
    },
  };
}

/** {@link takingPictures} of canvases alone: a worker reads the others. */
export function takingCanvases(pipeline: Pick<Pipeline, "generate" | "stream">): PictureTaking {
  return takingPictures(pipeline, isCanvas);
}

/** Pictures may be in lists (hints, layers) and in what those hold. */
const deepest = 4;

async function readPictures(
  value: unknown,
  only: (value: unknown) => boolean,
  depth = 0,
): Promise<unknown> {
  if (only(value)) return toImage(value as PictureSource);
  if (depth === deepest || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const read = await Promise.all(value.map((entry) => readPictures(entry, only, depth + 1)));
    return read.some((entry, i) => entry !== value[i]) ? read : value;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value);
  const read = await Promise.all(entries.map(([, entry]) => readPictures(entry, only, depth + 1)));
  if (read.every((entry, i) => entry === entries[i]![1])) return value;
  return Object.fromEntries(entries.map(([key], i) => [key, read[i]]));
}
