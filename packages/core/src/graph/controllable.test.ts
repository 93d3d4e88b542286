import { readFileSync } from "node:fs";
import type * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { type FloatTensor, zeros } from "../tensor/tensor.js";
import { bytesRange } from "./byte-range.js";
import { makeControllable, type ResidualPort } from "./controllable.js";
import { computed, type Export, exportOf, exports, fed, relativeError } from "./fakes/exports.js";
import { outlineGraph } from "./outline.js";
import { applyPatch, patchGraph } from "./patch.js";
import { readGraphBytes } from "./read-graph.js";

type Feeds = Record<string, ort.Tensor>;

function inputsOf({ bytes, reference }: Export): Feeds {
  const ports = readGraphBytes(bytes).inputs;
  return Object.fromEntries(ports.map((port) => [port.name, fed(port, reference[port.name]!)]));
}

function residualsOf(
  { down, mid }: { down: readonly ResidualPort[]; mid: ResidualPort },
  value: (key: string, port: ResidualPort) => FloatTensor,
): Feeds {
  const feeds: Feeds = { [mid.name]: fed(mid, value("mid", mid)) };
  for (const [index, port] of down.entries()) {
    feeds[port.name] = fed(port, value(`down.${index}`, port));
  }
  return feeds;
}

async function patched({ bytes, externalData, name }: Export) {
  const graph = readGraphBytes(bytes, { label: name });
  const controllable = makeControllable(graph);
  const patch = await patchGraph(bytesRange(bytes), graph, controllable.edits!);
  return { ...controllable, graph: { bytes: applyPatch(bytes, patch), externalData } };
}

const sizesOf = ({ channels, downscale }: ResidualPort) => ({ channels, downscale });

describe("makeControllable", () => {
  it.each(exports)("finds what diffusers keeps, in its order: $name", (plain) => {
    const { down, mid, edits } = makeControllable(readGraphBytes(plain.bytes));
    expect(down.map(sizesOf)).toEqual(plain.down);
    expect(sizesOf(mid)).toEqual(plain.mid);
    expect(edits!.inputs!.map(({ name }) => name)).toEqual([
      ...plain.down.map((_, index) => `down_block_${index}_additional_residual`),
      "mid_block_additional_residual",
    ]);
  });

  it.each(exports)("computes what diffusers computes with residuals: $name", async (plain) => {
    const { reference, weights } = plain;
    const { graph, ...ports } = await patched(plain);
    const found = await computed(graph, {
      ...inputsOf(plain),
      ...residualsOf(ports, (key) => reference[key]!),
    });
    const half = weights === "float16" ? "half." : "";
    const numbers = (key: string) => reference[half + key]!.data;
    const error = relativeError(found.numbers, numbers("steered"));
    expect(error).toBeLessThan(half ? 5e-3 : 1e-5);
    // The residuals are heard, far above that bound.
    expect(relativeError(numbers("plain"), numbers("steered"))).toBeGreaterThan(0.1);
  });

  it.each(exports)("with residuals of zero changes no bit: $name", async (plain) => {
    const { graph, ...ports } = await patched(plain);
    const inputs = inputsOf(plain);
    const before = await computed(plain, inputs);
    const whole = residualsOf(ports, (key) => zeros("float32", plain.reference[key]!.dims));
    expect((await computed(graph, { ...inputs, ...whole })).bits).toEqual(before.bits);
    const broadcast = residualsOf(ports, (_, { channels }) =>
      zeros("float32", [1, channels, 1, 1]),
    );
    expect((await computed(graph, { ...inputs, ...broadcast })).bits).toEqual(before.bits);
  });

  it.each(exports)("leaves the weights where they are: $name", async (plain) => {
    const { bytes, externalData, reference } = plain;
    const graph = readGraphBytes(bytes);
    const { edits, ...ports } = makeControllable(graph);
    const outline = await outlineGraph(bytesRange(bytes), graph, edits!, {
      locate: (file) => file ?? "model.onnx",
      fromBytes: 64,
    });
    const feeds = { ...inputsOf(plain), ...residualsOf(ports, (key) => reference[key]!) };
    const inPlace = await computed((await patched(plain)).graph, feeds);
    const files = [...externalData, { path: "model.onnx", data: bytes }];
    const small = await computed({ bytes: outline, externalData: files }, feeds);
    expect(small.bits).toEqual(inPlace.bits);
    const inside = [...readGraphBytes(outline).initializers.values()].filter(
      ({ place }) => place.kind === "inside" && place.length >= 64,
    );
    expect(inside).toEqual([]);
  });

  it("knows a graph that has residual inputs", async () => {
    for (const name of ["torchscript-fp32", "torchscript-fp16-fp32io", "xl-dynamo"]) {
      const { graph, down, mid } = await patched(exportOf(name));
      const again = makeControllable(readGraphBytes(graph.bytes));
      expect(again).toEqual({ edits: undefined, down, mid });
    }
  });

  it("finds its way in the embedded model, whose weights are cast from int8", async () => {
    const file = new URL("../../../starter/model/unet/model.onnx", import.meta.url);
    const bytes = new Uint8Array(readFileSync(file));
    const { down, mid } = makeControllable(readGraphBytes(bytes));
    const last = down.at(-1)!;
    expect(down.length).toBeGreaterThan(1);
    expect(sizesOf(mid)).toEqual(sizesOf(last));
    expect([...down.map(({ type }) => type), mid.type]).toEqual(
      new Array(down.length + 1).fill("float32"),
    );
    // On the way down pictures only shrink.
    const scales = down.map(({ downscale }) => downscale);
    expect(scales).toEqual([...scales].sort((a, b) => a - b));
  });

  it.each([
    ["a text encoder", "text_encoder", /none of its inputs is known for its latents \(input_ids\)/],
    ["a VAE", "vae_decoder", /no skip connections were found/],
  ])("refuses %s", (_, component, message) => {
    const file = new URL(
      `../../../../fixtures/models/tiny/${component}/model.onnx`,
      import.meta.url,
    );
    const graph = readGraphBytes(new Uint8Array(readFileSync(file)), { label: "other.onnx" });
    let error: unknown;
    try {
      makeControllable(graph);
    } catch (caught) {
      error = caught;
    }
    expect(isUnderpaintError(error, "model-unsupported")).toBe(true);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain("other.onnx");
  });
});
