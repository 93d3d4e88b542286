import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  createOrtBackend,
  editModel,
  floatTensor,
  isUnderpaintError,
  type ModelFile,
  makeControllable,
  type ResidualPort,
  type Tensor,
} from "@underpaint/core";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSafetensors } from "../../../../tests/support/safetensors.js";
import { graphFiles, openRange } from "./graph-files.js";

const graphs = fileURLToPath(new URL("../../../../fixtures/graphs", import.meta.url));
const backend = createOrtBackend({
  ort,
  name: "onnxruntime-node/cpu",
  sessionOptions: { logSeverityLevel: 4 },
});

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "underpaint-graph-"));
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

const reference = new Map(
  [...readSafetensors(join(graphs, "tiny.safetensors"))].map(([name, { dims, data }]) => [
    name,
    floatTensor(dims, data as Float32Array),
  ]),
);

/** Loads a graph, made controllable; its output with the reference's residuals. */
async function steered(model: ModelFile): Promise<Float32Array> {
  let ports: readonly ResidualPort[] = [];
  const edited = await editModel(
    model,
    (graph) => {
      const { edits, down, mid } = makeControllable(graph);
      ports = [...down, mid];
      return edits;
    },
    { label: "unet/model.onnx", files: graphFiles },
  );
  const session = await backend.createSession(edited, { label: "unet/model.onnx" });
  const keys = ports.map((_, index) => (index + 1 < ports.length ? `down.${index}` : "mid"));
  const feeds = Object.fromEntries([
    ...["sample", "timestep", "encoder_hidden_states"].map((name) => [name, reference.get(name)!]),
    ...ports.map(({ name }, index) => [name, reference.get(keys[index]!)!]),
  ]) as Record<string, Tensor>;
  const output = (await session.run(feeds)).out_sample as Tensor<"float32">;
  await session.dispose();
  return output.data;
}

function expectReference(found: Float32Array): void {
  const expected = reference.get("steered")!.data;
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(found.length).toBe(expected.length);
  expect(error / largest).toBeLessThan(1e-5);
}

/** Copies a graph of the fixtures, and its weights, to other places. */
function copied(name: string, to: Readonly<Record<string, string>>): string[] {
  return Object.entries(to).map(([file, target]) => {
    const path = join(place, target);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(join(graphs, name, file), path);
    return path;
  });
}

const external = { "model.onnx": "", "model.onnx.data": "" };

describe("editModel of files", () => {
  test("leaves weights in the graph's own file, and writes nothing", async () => {
    const [path] = copied("dynamo-fp32", { "model.onnx": "inside/unet/model.onnx" });
    const before = readFileSync(path!);
    expectReference(await steered({ path: path! }));
    expect(readFileSync(path!).equals(before)).toBe(true);
    expect(readdirSync(dirname(path!))).toEqual(["model.onnx"]);
  });

  test("leaves weights beside the graph", async () => {
    const name = "dynamo-fp32-external";
    const [path, data] = copied(name, {
      "model.onnx": "beside/unet/model.onnx",
      "model.onnx.data": "beside/unet/model.onnx.data",
    });
    expectReference(await steered({ path: path! }));
    expectReference(
      await steered({ path: path!, externalData: [{ path: "model.onnx.data", data: data! }] }),
    );
    const bytes = new Uint8Array(readFileSync(data!));
    rmSync(data!);
    expectReference(
      await steered({ path: path!, externalData: [{ path: "model.onnx.data", data: bytes }] }),
    );
  });

  test("finds both in a cache whose snapshots link to blobs", async () => {
    for (const [name, files] of [
      ["dynamo-fp32", ["model.onnx"]],
      ["dynamo-fp32-external", ["model.onnx", "model.onnx.data"]],
    ] as const) {
      const cache = `hub-${name}`;
      copied(name, Object.fromEntries(files.map((file, i) => [file, `${cache}/blobs/blob${i}`])));
      const folder = join(place, cache, "snapshots", "main", "unet");
      mkdirSync(folder, { recursive: true });
      for (const [i, file] of files.entries()) {
        symlinkSync(`../../../blobs/blob${i}`, join(folder, file));
      }
      expectReference(await steered({ path: join(folder, "model.onnx") }));
    }
  });

  test("works on bytes, with weights inside and beside", async () => {
    const read = (name: string, file: string) =>
      new Uint8Array(readFileSync(join(graphs, name, file)));
    expectReference(await steered({ bytes: read("dynamo-fp32", "model.onnx") }));
    const [graph, data] = Object.keys(external).map((file) => read("dynamo-fp32-external", file));
    expectReference(
      await steered({ bytes: graph!, externalData: [{ path: "model.onnx.data", data: data! }] }),
    );
  });

  test("gives a model back that needs no edits", async () => {
    const model = { path: join(graphs, "dynamo-fp32", "model.onnx") };
    expect(await editModel(model, () => undefined, { files: graphFiles })).toBe(model);
    const bytes = { bytes: new Uint8Array(readFileSync(model.path)) };
    expect(await editModel(bytes, () => undefined)).toBe(bytes);
  });

  test("refuses weights that are missing, or out of the folder", async () => {
    const name = "dynamo-fp32-external";
    const [, secret] = copied(name, {
      "model.onnx": "out/unet/model.onnx",
      "model.onnx.data": "out/secret",
    });
    const path = join(place, "out/unet/model.onnx");
    const failure = async (): Promise<string> => {
      const error: unknown = await steered({ path }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!isUnderpaintError(error, "model-invalid")) throw error;
      return error.message;
    };
    const message =
      /^unet\/model\.onnx needs external weights that are not in its folder \(found "model\.onnx\.data"\)/;
    expect(await failure()).toMatch(message);
    symlinkSync(secret!, `${path}.data`);
    expect(await failure()).toMatch(message);
    rmSync(`${path}.data`);
    mkdirSync(`${path}.data`);
    expect(await failure()).toMatch(message);
    // A name that leads out, of the same length.
    const bytes = readFileSync(path);
    const renamed = Buffer.from(
      bytes.toString("latin1").replaceAll("model.onnx.data", ".././././secret"),
      "latin1",
    );
    writeFileSync(path, renamed);
    expect(await failure()).toMatch(/not in its folder \(found "\.\.\/.*secret"\)/);
    expect(await graphFiles.resolve(path, secret!)).toBeUndefined();
    rmSync(path);
    expect(await failure()).toMatch(/unet\/model\.onnx cannot be read/);
  });

  test("needs to be told how paths are read", async () => {
    await expect(editModel({ path: "/m/model.onnx" }, () => ({}))).rejects.toThrow(
      /given by a path, which cannot be read here/,
    );
  });
});

describe("openRange", () => {
  test("reads any piece, and less at the end", async () => {
    const path = join(place, "bytes");
    writeFileSync(
      path,
      Uint8Array.from({ length: 100 }, (_, i) => i),
    );
    const range = await openRange(path);
    expect(range.size).toBe(100);
    expect([...(await range.read(10, 3))]).toEqual([10, 11, 12]);
    expect([...(await range.read(98, 10))]).toEqual([98, 99]);
    expect([...(await range.read(200, 10))]).toEqual([]);
    await range.close();
  });
});
