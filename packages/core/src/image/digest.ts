import { UnderpaintError } from "../errors.js";
import { checkImage, type RgbaImage } from "./image.js";

/** What tells one picture from another, in a recipe. */
export interface ImageDigest {
  /** SHA-256 of the RGBA samples, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
}

/**
 * A picture's size and the SHA-256 of its samples, in the order that they are in memory.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `device-unavailable` where
 * WebCrypto is not: on pages that are neither https nor localhost.
 */
export async function digestImage(image: RgbaImage): Promise<ImageDigest> {
  const { width, height, data } = checkImage(image);
  if (!globalThis.crypto?.subtle) {
    throw new UnderpaintError({
      code: "device-unavailable",
      what: "WebCrypto is not available here, which the digest of a picture needs",
      remedy: "serve the page over https or from localhost",
    });
  }
  const digest = await crypto.subtle.digest("SHA-256", data);
  const bytes = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return { sha256: bytes.join(""), width, height };
}
