import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  decodePng,
  encodePng,
  type Recipe,
  type RgbaImage,
  readRecipe,
  recipeText,
  UnderpaintError,
} from "@underpaint/core";
import { reason } from "./reason.js";

/** Larger files are no pictures of ours: a PNG of the most pixels that core allows is smaller. */
const mostBytes = 512 * 2 ** 20;

/** Options of {@link savePng}. */
export interface SavePngOptions {
  /** What made the picture: written into the file, where {@link loadRecipe} and others find it. */
  readonly recipe?: Recipe;
}

/**
 * Writes a picture as a PNG file, with its recipe in it. The file appears whole or not at all: it
 * is written beside its place first. Folders are made as needed.
 *
 * @returns the file's absolute path.
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` when the file
 * cannot be written.
 */
export async function savePng(
  path: string,
  image: RgbaImage,
  { recipe }: SavePngOptions = {},
): Promise<string> {
  const bytes = encodePng(image, recipe ? { text: recipeText(recipe) } : {});
  const target = resolve(path);
  const temporary = `${target}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new UnderpaintError({
      code: "invalid-request",
      what: `the picture cannot be written: ${reason(cause)}`,
      value: target,
      remedy: "give a path to a file in a folder that can be written to",
      cause,
    });
  }
  return target;
}

/**
 * Reads a PNG file as a picture, to begin from.
 *
 * @throws UnderpaintError `invalid-image` when there is no such file, or it is no sound PNG.
 */
export async function loadPng(path: string): Promise<RgbaImage> {
  return decodePng(await readPicture(path));
}

/**
 * The recipe in a PNG file, or undefined where it has none.
 *
 * @throws UnderpaintError as {@link loadPng} does; `invalid-request` for a recipe that is broken.
 */
export async function loadRecipe(path: string): Promise<Recipe | undefined> {
  return readRecipe(await readPicture(path));
}

async function readPicture(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= mostBytes) return await readFile(path);
  } catch (cause) {
    throw new UnderpaintError({
      code: "invalid-image",
      what: `the picture cannot be read: ${reason(cause)}`,
      value: path,
      allowed: "a PNG file",
      remedy: "check the path",
      cause,
    });
  }
  throw new UnderpaintError({
    code: "invalid-image",
    what: "the file is too large for a picture",
    value: path,
    allowed: `up to ${mostBytes} bytes`,
  });
}
