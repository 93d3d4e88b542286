import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isUnderpaintError } from "@underpaint/core";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convolutionGraph } from "../devices/trial-graph.js";
import { readOnnxHeader } from "./onnx-header.js";

const models = fileURLToPath(new URL("../../../../fixtures/models", import.meta.url));
const starter = fileURLToPath(new URL("../../../starter/model", import.meta.url));

let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "underpaint-header-"));
});

afterAll(() => rm(place, { recursive: true, force: true }));

const components = ["text_encoder", "unet", "vae_decoder", "vae_encoder"];

describe("readOnnxHeader", () => {
  test.each(
    [join(models, "tiny"), join(models, "tiny-fp16"), join(models, "tiny-legacy"), starter].flatMap(
      (model) => components.map((component) => join(model, component, "model.onnx")),
    ),
  )("reads what ONNX Runtime reads: %s", async (path) => {
    const header = await readOnnxHeader(path, "graph");
    const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
    const declared = (metadata: readonly InferenceSession.ValueMetadata[]) =>
      metadata.map((value) => {
        if (!value.isTensor) throw new Error("not a tensor");
        return { name: value.name, type: value.type, dims: value.shape };
      });
    expect(header.inputs).toEqual(declared(session.inputMetadata));
    expect(header.outputs).toEqual(declared(session.outputMetadata));
    await session.release();
  });

  test("adds up the weights by type, inside and beside the graph", async () => {
    const bytesOf = async (model: string) => {
      const path = join(models, model, "unet");
      const files = ["model.onnx", "model.onnx_data", "weights.pb", "model.onnx.data"];
      const sizes = files.map((file) =>
        stat(join(path, file)).then(
          ({ size }) => size,
          () => 0,
        ),
      );
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    };
    for (const [model, type] of [
      ["tiny", "float32"],
      ["tiny-fp16", "float16"],
    ] as const) {
      const { weights } = await readOnnxHeader(join(models, model, "unet/model.onnx"), "graph");
      const total = Object.values(weights).reduce((sum, bytes) => sum + bytes, 0);
      const files = await bytesOf(model);
      expect(weights[type]! / total).toBeGreaterThan(0.9);
      // The rest of the files is operators and names.
      expect(total).toBeLessThan(files);
      expect(total).toBeGreaterThan(0.5 * files);
    }
  });

  test("a graph without weights", async () => {
    const path = join(place, "conv.onnx");
    await writeFile(path, convolutionGraph());
    expect(await readOnnxHeader(path, "graph")).toEqual({
      inputs: [
        { name: "x", type: "float32", dims: [1, 64, "h", "w"] },
        { name: "w", type: "float32", dims: [64, 64, 3, 3] },
      ],
      outputs: [{ name: "y", type: "float32", dims: [1, 64, "h", "w"] }],
      weights: {},
      producer: "",
      opset: 17,
    });
  });

  test("what is no graph, or is cut anywhere, is told", async () => {
    const whole = await readFile(join(models, "tiny/vae_decoder/model.onnx"));
    const contents = [
      Buffer.from("hello, I am no graph"),
      Buffer.alloc(0),
      Buffer.alloc(1000, 0xff),
      ...[0.1, 0.5, 0.9, 0.999].map((share) => whole.subarray(0, whole.length * share)),
    ];
    for (const content of contents) {
      const path = join(place, "broken.onnx");
      await writeFile(path, content);
      const error = await readOnnxHeader(path, "unet/model.onnx").catch((caught) => caught);
      expect(isUnderpaintError(error, "model-invalid"), String(error)).toBe(true);
    }
  });
});
