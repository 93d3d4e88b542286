import { maxImagePixels, UnderpaintError } from "@underpaint/core";

type Samples = Uint8ClampedArray<ArrayBuffer>;

/** What can be drawn on a canvas, and has a size in pixels. */
export type Drawable = ImageBitmap | HTMLCanvasElement | OffscreenCanvas;

/**
 * A bitmap's samples, straight RGBA.
 *
 * A canvas multiplies colours with alpha and rounds, so what it gives back of translucent pixels is
 * not what was drawn. A texture takes a bitmap's samples as they are; but whether those are
 * multiplied (as `createImageBitmap` makes them by itself) or straight no browser tells. So both are
 * read: where multiplying the texture's samples explains what the canvas gives, they are straight,
 * and exact; else the canvas has undone the multiplication as well as it can be.
 */
export function readBitmap(bitmap: ImageBitmap): Samples {
  const drawn = readDrawn(bitmap);
  if (isOpaque(drawn)) return drawn;
  const raw = readTexture(bitmap);
  return raw && isStraight(raw, drawn) ? raw : drawn;
}

/** What a canvas gives back of what is drawn on it: exact where that is opaque. */
export function readDrawn(source: Drawable): Samples {
  const { width, height } = source;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) {
    throw new UnderpaintError({
      code: "device-unavailable",
      what: "the browser has no canvas to read pictures with",
      remedy: "hand pictures as ImageData, or as PNG files",
    });
  }
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

/** A bitmap's samples as a texture takes them; undefined where there is no WebGL, or too little. */
function readTexture(bitmap: ImageBitmap): Samples | undefined {
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl) return undefined;
  try {
    if (Math.max(width, height) > (gl.getParameter(gl.MAX_TEXTURE_SIZE) as number))
      return undefined;
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    gl.framebufferTexture2D(
      gl.FRAMEBUFFER,
      gl.COLOR_ATTACHMENT0,
      gl.TEXTURE_2D,
      gl.getParameter(gl.TEXTURE_BINDING_2D) as WebGLTexture,
      0,
    );
    const bytes = new Uint8Array(4 * width * height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    return gl.getError() === gl.NO_ERROR ? new Uint8ClampedArray(bytes.buffer) : undefined;
  } finally {
    // Browsers allow a page a few of these.
    gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

function isOpaque(samples: Samples): boolean {
  for (let i = 3; i < samples.length; i += 4) if (samples[i] !== 255) return false;
  return true;
}

/** Whether a canvas makes `drawn` of straight `raw` rather than of multiplied. */
function isStraight(raw: Samples, drawn: Samples): boolean {
  let asStraight = 0;
  let asMultiplied = 0;
  for (let i = 0; i < raw.length; i += 4) {
    const alpha = raw[i + 3]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let channel = i; channel < i + 3; channel++) {
      const multiplied = Math.round((raw[channel]! * alpha) / 255);
      const unmultiplied = (value: number): number => Math.min(255, (value * 255) / alpha);
      asStraight += Math.abs(unmultiplied(multiplied) - drawn[channel]!);
      asMultiplied += Math.abs(unmultiplied(raw[channel]!) - drawn[channel]!);
    }
  }
  return asStraight <= asMultiplied;
}

/** Before anything is allocated for them. */
export function checkPixels({ width, height }: { width: number; height: number }): void {
  if (width > 0 && height > 0 && width * height <= maxImagePixels) return;
  throw new UnderpaintError({
    code: "invalid-image",
    what: "the picture has a size that is not allowed",
    value: `${width} × ${height}`,
    allowed: `1 to ${maxImagePixels} pixels; a bitmap that was closed has none`,
  });
}
