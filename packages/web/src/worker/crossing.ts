import {
  type FloatTensor,
  type GenerateResult,
  type RgbaImage,
  UnderpaintError,
} from "@underpaint/core";

/** A message's content with the buffers that go over rather than being copied. */
export interface Parcel<T> {
  readonly content: T;
  readonly transfer: ArrayBuffer[];
}

/** Objects nested deeper than this are refused: a request is flat. */
const deepest = 32;

/**
 * A copy of what the caller gave, ready to be sent: its arrays are copied once and then go over,
 * so that the caller's own stay usable. A view of a large buffer is copied alone, where a plain
 * `postMessage` copies the whole buffer.
 *
 * @param name what errors call it, as the caller knows it.
 * @throws UnderpaintError `invalid-request` for what holds functions, naming where.
 */
export function pack<T>(value: T, name: string): Parcel<T> {
  const transfer: ArrayBuffer[] = [];

  function copyOf(part: unknown, path: readonly string[]): unknown {
    if (typeof part === "function") throw cannotCross(part, path, name);
    if (typeof part !== "object" || part === null) return part;
    if (path.length > deepest) throw tooDeep(name);
    if (part instanceof URL) return part.href;
    if (ArrayBuffer.isView(part) && !(part instanceof DataView)) {
      return moved(part as unknown as TypedArray, transfer);
    }
    // A picture's size is not its own property: ImageData has getters.
    if (kindOf(part) === "ImageData") {
      const { width, height, data } = part as ImageData;
      return { width, height, data: copyOf(data, [...path, "data"]) };
    }
    if (Array.isArray(part)) return part.map((entry, k) => copyOf(entry, [...path, String(k)]));
    // A class's methods would be lost silently.
    if ("start" in part && typeof part.start === "function") throw cannotCross(part, path, name);
    // Blobs, bitmaps and handles of files go as they are.
    if (!isPlain(part)) return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, entry]) => [key, copyOf(entry, [...path, key])]),
    );
  }

  return { content: copyOf(value, []) as T, transfer };
}

/** A result whose pictures go over without being copied; the worker has no more use for them. */
export function packResult(result: GenerateResult): Parcel<GenerateResult> {
  const transfer: ArrayBuffer[] = [];
  const images = result.images.map((image) => packImageInto(image, transfer));
  return { content: { ...result, images }, transfer };
}

/** A picture that goes over without being copied. */
export function packImage(image: RgbaImage): Parcel<RgbaImage> {
  const transfer: ArrayBuffer[] = [];
  return { content: packImageInto(image, transfer), transfer };
}

function packImageInto({ width, height, data }: RgbaImage, transfer: ArrayBuffer[]): RgbaImage {
  const whole = data.byteLength === data.buffer.byteLength && !transfer.includes(data.buffer);
  if (!whole) return { width, height, data: moved(data, transfer) as RgbaImage["data"] };
  transfer.push(data.buffer);
  return { width, height, data };
}

/** A copy of a tensor, which solvers may still need, that goes over without another one. */
export function packTensor(
  { type, dims, data }: FloatTensor,
  transfer: ArrayBuffer[],
): FloatTensor {
  return { type, dims: [...dims], data: moved(data, transfer) as FloatTensor["data"] };
}

type TypedArray = { slice(): TypedArray; readonly buffer: ArrayBufferLike };

function moved(view: TypedArray, transfer: ArrayBuffer[]): TypedArray {
  const copy = view.slice();
  transfer.push(copy.buffer as ArrayBuffer);
  return copy;
}

function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function cannotCross(value: unknown, path: readonly string[], name: string): UnderpaintError {
  const where = path.length === 0 ? name : path.join(".");
  const isPlugin = typeof value === "object" || path.at(-1) === "start" || path.length > 1;
  return new UnderpaintError({
    code: "invalid-request",
    what: isPlugin
      ? `${path[0] ?? name} has functions (${where}), which cannot be sent to the worker`
      : `${where} is a function, which cannot be sent to the worker`,
    value,
    remedy: remedies[path[0] ?? ""] ?? "pass plain values, or make the pipeline without worker",
  });
}

const byRecipe = (kind: string, name: string): string =>
  `pass its name, or name and options as a recipe has them: ${kind}: { name: "${name}", options: { } }; or make the pipeline without worker`;

const remedies: Readonly<Record<string, string>> = {
  scheduler: byRecipe("scheduler", "dpmpp-2m"),
  guidance: byRecipe("guidance", "classifier-free"),
  model: "pass the model's address, or make the pipeline without worker",
};

function tooDeep(name: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what: `${name} holds objects nested deeper than ${deepest}, or one that holds itself`,
    remedy: "pass plain values",
  });
}
