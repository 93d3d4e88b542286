import type { RgbaImage } from "../image/image.js";
import type { GenerateRequest } from "./request.js";

/** What {@link Pipeline.furnish} is asked for: a request without what its other arguments say. */
export type FurnishRequest = Omit<GenerateRequest, "image" | "mask" | "layer">;

/** The request that {@link Pipeline.furnish} makes of its arguments. */
export function furnishRequest(
  image: RgbaImage,
  mask: RgbaImage,
  wanted: string | FurnishRequest,
): GenerateRequest {
  const request = typeof wanted === "string" ? { prompt: wanted } : wanted;
  return { ...request, image, mask, layer: true };
}
