import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  decodePng,
  type GenerateRequest,
  type ModelSource,
  type RgbaImage,
} from "@underpaint/core";
import { folderSource } from "../../packages/node/src/sources/folder.js";
import { type FixtureTensor, readSafetensors } from "./safetensors.js";

const fixtures = fileURLToPath(new URL("../../fixtures/", import.meta.url));

/** A case of fixtures/reference/index.json: a whole request and what diffusers makes of it. */
export interface ReferenceCase {
  readonly name: string;
  readonly file: string;
  readonly mode: "text-to-image" | "image-to-image";
  readonly model: string;
  readonly scheduler: {
    readonly class: string;
    readonly eta: number;
    readonly config: Readonly<Record<string, unknown>>;
  };
  readonly request: Omit<GenerateRequest, "image"> & { readonly image?: string };
  readonly timestepDtype: "int64" | "float32";
}

/** All cases. */
export function referenceCases(): readonly ReferenceCase[] {
  // Python writes infinities as JSON has not: a scheduler's lambda_min_clipped is one by default.
  const text = readFileSync(`${fixtures}reference/index.json`, "utf8");
  return (JSON.parse(text.replaceAll("-Infinity", "-1e999")) as { cases: ReferenceCase[] }).cases;
}

/** A case's numbers. */
export function referenceNumbers(name: string): ReadonlyMap<string, FixtureTensor> {
  return readSafetensors(`${fixtures}reference/${name}`);
}

/** A picture that image-to-image cases begin from. */
export function readPicture(name: string): RgbaImage {
  return decodePng(readFileSync(`${fixtures}reference/inputs/${name}`));
}

/** A model of fixtures/models, with another scheduler_config.json if one is given. */
export async function fixtureModel(name: string, schedulerConfig?: object): Promise<ModelSource> {
  const source = await folderSource(`${fixtures}models/${name}`);
  if (!schedulerConfig) return source;
  const file = "scheduler/scheduler_config.json";
  const bytes = new TextEncoder().encode(JSON.stringify(schedulerConfig));
  return {
    ...source,
    size: async (path, options) => (path === file ? bytes.length : source.size(path, options)),
    read: async (path, options) => (path === file ? bytes : source.read(path, options)),
  };
}

/** The largest difference, in units of the reference's largest absolute value. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < found.length; i++) {
    const distance = Math.abs(found[i]! - expected[i]!);
    if (Number.isNaN(distance)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, distance);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return difference / scale;
}
