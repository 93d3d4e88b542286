import { copyFile, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createOrtBackend, isUnderpaintError } from "@underpaint/core";
import * as ort from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gathered } from "./gathered.js";

const component = fileURLToPath(
  new URL("../../../../fixtures/models/tiny-fp16/text_encoder", import.meta.url),
);
const backend = createOrtBackend({
  ort,
  name: "onnxruntime-node/cpu",
  sessionOptions: { logSeverityLevel: 3 },
});

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "underpaint-gathered-"));
});

afterEach(() => rm(place, { recursive: true, force: true }));

/** The component's files as links in one folder to files in the folders given. */
async function linked(graphFolder: string, weightsFolder: string) {
  const link = async (name: string, folder: string) => {
    const target = join(place, folder, `blob-of-${name}`);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(component, name), target);
    const path = join(place, "unet", name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, path);
    return { name, path };
  };
  return [
    await link("model.onnx", graphFolder),
    await link("model.onnx_data", weightsFolder),
  ] as const;
}

async function inputsOf(model: Awaited<ReturnType<typeof gathered>>): Promise<string[]> {
  const session = await backend.createSession(model);
  const names = session.inputs.map(({ name }) => name);
  await session.dispose();
  return names;
}

describe("gathered", () => {
  test("leaves alone what the runtime accepts", async () => {
    const [graph, weights] = await linked("blobs", "blobs");
    const model = await gathered(graph, [weights]);
    expect(model).toEqual({ path: graph.path });
    expect(await inputsOf(model)).toEqual(["input_ids"]);
  });

  test("hard links bring together what the runtime refuses", async () => {
    const [graph, weights] = await linked("store/aa", "store/bb");
    const refused = await inputsOf({ path: graph.path }).catch((error: unknown) => error);
    expect(isUnderpaintError(refused, "model-invalid")).toBe(true);

    const views = join(place, "views");
    const model = await gathered(graph, [weights], views);
    expect(model).not.toHaveProperty("externalData");
    expect(await inputsOf(model)).toEqual(["input_ids"]);
    expect(await gathered(graph, [weights], views)).toEqual(model);
    const [view] = await readdir(views);
    expect((await readdir(join(views, view!))).sort()).toEqual(["model.onnx", "model.onnx_data"]);
  });

  test("without a place for links, the weights are read", async () => {
    const [graph, weights] = await linked("store/aa", "store/bb");
    const model = await gathered(graph, [weights]);
    expect(model.externalData?.map(({ path }) => path)).toEqual(["model.onnx_data"]);
    expect(await inputsOf(model)).toEqual(["input_ids"]);
    // A file is where the folder should be.
    expect(await gathered(graph, [weights], graph.path)).toEqual(model);
  });
});
