import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { GenerateResult, PipelineWarning } from "@underpaint/core";
import { createPipeline } from "../create-pipeline.js";
import { checkDevice } from "../devices/device.js";
import { loadPng, savePng } from "../files/png-file.js";
import type { GenerateArguments } from "./arguments.js";
import { makeControls } from "./controls.js";
import { outputFiles } from "./outputs.js";
import type { Progress } from "./progress.js";
import { UsageError } from "./usage-error.js";

/** What the command made. */
export interface Made {
  /** The pictures' files, as they were asked for. */
  readonly files: readonly string[];
  readonly result: GenerateResult;
  readonly device: string;
  readonly warnings: readonly PipelineWarning[];
}

/** Makes pictures by the command line's arguments and writes them to files. */
export async function generatePictures(
  given: GenerateArguments,
  progress: Progress,
  signal: AbortSignal,
): Promise<Made> {
  checkOutput(given.output);
  const { prompt, negative, steps, guidance, seed, count, size, strength } = given;
  const image = given.image === undefined ? undefined : await loadPng(given.image);
  const mask = given.mask === undefined ? undefined : await loadPng(given.mask);
  const controls = await makeControls(given.controls);
  const warnings: PipelineWarning[] = [];
  const pipeline = await createPipeline({
    ...(given.model !== undefined && { model: given.model }),
    ...(given.device !== undefined && { device: checkDevice(given.device) }),
    ...(given.scheduler !== undefined && { scheduler: given.scheduler }),
    onProgress: (loaded) => progress.load(loaded),
    onWarning: (warning) => {
      warnings.push(warning);
      progress.line(`note: ${warning.message}`);
    },
    signal,
  });
  try {
    let begun = false;
    const result = await pipeline.generate({
      prompt,
      ...(negative !== undefined && { negativePrompt: negative }),
      ...(steps !== undefined && { steps }),
      ...(guidance !== undefined && { guidanceScale: guidance }),
      ...(seed !== undefined && { seed }),
      ...(count !== undefined && { count }),
      ...size,
      ...(image && { image }),
      ...(strength !== undefined && { strength }),
      ...(mask && { mask }),
      ...(given.onlyMasked && { onlyMasked: true }),
      ...(controls.length > 0 && { controls }),
      signal,
      onStep: ({ step, steps: all }) => {
        if (!begun) progress.begin(prompt);
        begun = true;
        progress.step(step, all);
      },
    });
    progress.end();
    signal.throwIfAborted();
    const files = outputFiles(given.output, result.images.length);
    for (const [index, file] of files.entries()) {
      await savePng(file, result.images[index]!, { recipe: result.recipes[index]! });
    }
    return { files, result, device: pipeline.device, warnings };
  } finally {
    await pipeline.dispose();
  }
}

/** Tells before minutes of work that its result could not be written. */
function checkOutput(output = "picture.png"): void {
  if (existsSync(output) && statSync(output).isDirectory()) {
    throw new UsageError(`--output is a folder (found "${output}"); give a file's name`);
  }
  // Folders that are not there yet are made in the last one that is.
  let folder = dirname(resolve(output));
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new UsageError(`--output cannot be written: "${folder}" may not be written to`);
  }
  if (!statSync(folder).isDirectory()) {
    throw new UsageError(`--output is not in a folder: "${folder}" is a file`);
  }
}
