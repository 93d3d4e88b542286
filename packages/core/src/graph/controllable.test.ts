import { readFileSync } from "node:fs";
import type * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { message } from "../backend/fakes/onnx-graph.js";
import { isUnderpaintError } from "../errors.js";
import { elementCount, type FloatTensor, floatTensor, zeros } from "../tensor/tensor.js";
import { bytesRange } from "./byte-range.js";
import {
  type ControllableOptions,
  type ControllableUNet,
  makeControllable,
  type ResidualPort,
} from "./controllable.js";
import { computed, type Export, exportOf, exports, fed, relativeError } from "./fakes/exports.js";
import { smallUNet, smallUNetNodes, smallUNetWeights } from "./fakes/small-unet.js";
import { outlineGraph } from "./outline.js";
import { applyPatch, patchGraph } from "./patch.js";
import { readGraphBytes } from "./read-graph.js";

type Feeds = Record<string, ort.Tensor>;

function inputsOf({ bytes, reference }: Export): Feeds {
  const ports = readGraphBytes(bytes).inputs;
  return Object.fromEntries(ports.map((port) => [port.name, fed(port, reference[port.name]!)]));
}

function residualsOf(
  { down, mid, encoder }: Pick<ControllableUNet, "down" | "mid" | "encoder">,
  value: (key: string, port: ResidualPort) => FloatTensor,
): Feeds {
  const feeds: Feeds = { [mid.name]: fed(mid, value("mid", mid)) };
  for (const [kind, ports] of Object.entries({ down, encoder })) {
    for (const [index, port] of ports.entries()) {
      feeds[port.name] = fed(port, value(`${kind}.${index}`, port));
    }
  }
  return feeds;
}

const smallZeros = (_: string, { channels }: ResidualPort) => zeros("float32", [1, channels, 1, 1]);

async function patched(
  { bytes, externalData, name }: Pick<Export, "bytes" | "externalData" | "name">,
  options: ControllableOptions = {},
) {
  const graph = readGraphBytes(bytes, { label: name });
  const controllable = makeControllable(graph, options);
  const patch = await patchGraph(bytesRange(bytes), graph, controllable.edits!);
  return { ...controllable, graph: { bytes: applyPatch(bytes, patch), externalData } };
}

const sizesOf = ({ channels, downscale }: ResidualPort) => ({ channels, downscale });

describe("makeControllable", () => {
  it.each(exports)("finds what diffusers keeps, in its order: $name", (plain) => {
    const { down, mid, encoder, edits } = makeControllable(readGraphBytes(plain.bytes), {
      features: true,
    });
    expect(down.map(sizesOf)).toEqual(plain.down);
    expect(sizesOf(mid)).toEqual(plain.mid);
    expect(encoder.map(sizesOf)).toEqual(plain.encoder);
    expect(edits!.inputs!.map(({ name }) => name)).toEqual([
      ...plain.down.map((_, index) => `down_block_${index}_additional_residual`),
      "mid_block_additional_residual",
      ...plain.encoder.map((_, index) => `down_intrablock_additional_residual_${index}`),
    ]);
  });

  it.each(exports)(
    "computes what diffusers computes with residuals, and with zeros the same bits: $name",
    async (plain) => {
      const { reference, weights, bytes, externalData } = plain;
      const { graph, ...ports } = await patched(plain);
      const inputs = inputsOf(plain);
      const residuals = {
        given: residualsOf(ports, (key) => reference[key]!),
        zero: residualsOf(ports, (key) => zeros("float32", reference[key]!.dims)),
        small: residualsOf(ports, smallZeros),
      };
      const feeds = Object.values(residuals).map((more) => ({ ...inputs, ...more }));
      const [before] = await computed(plain, inputs);
      const [steered, zero, small] = await computed(graph, ...feeds);

      const half = weights === "float16" ? "half." : "";
      const numbers = (key: string) => reference[half + key]!.data;
      const error = relativeError(steered!.numbers, numbers("steered"));
      expect(error).toBeLessThan(half ? 5e-3 : 1e-5);
      // The residuals are heard, far above that bound.
      expect(relativeError(numbers("plain"), numbers("steered"))).toBeGreaterThan(0.1);
      expect(zero!.bits).toEqual(before!.bits);
      expect(small!.bits).toEqual(before!.bits);

      // The same edits over weights that stay where they are.
      const whole = readGraphBytes(bytes);
      const { edits } = makeControllable(whole);
      const locate = (file: string | undefined) => file ?? "model.onnx";
      const outline = await outlineGraph(bytesRange(bytes), whole, edits!, {
        locate,
        fromBytes: 64,
      });
      const files = [...externalData, { path: "model.onnx", data: bytes }];
      const [apart] = await computed({ bytes: outline, externalData: files }, feeds[0]!);
      expect(apart!.bits).toEqual(steered!.bits);
      const inside = [...readGraphBytes(outline).initializers.values()].filter(
        ({ place }) => place.kind === "inside" && place.length >= 64,
      );
      expect(inside).toEqual([]);
    },
  );

  it.each(exports)("computes what diffusers computes with features: $name", async (plain) => {
    const { reference, weights } = plain;
    const { graph, ...ports } = await patched(plain, { features: true });
    const inputs = inputsOf(plain);
    const all = residualsOf(ports, (key) => reference[key]!);
    const residuals = residualsOf(ports, (key, port) =>
      key.startsWith("encoder") ? smallZeros(key, port) : reference[key]!,
    );
    const [featured, steered] = await computed(
      graph,
      { ...inputs, ...all },
      { ...inputs, ...residuals },
    );
    const half = weights === "float16" ? "half." : "";
    const numbers = (key: string) => reference[half + key]!.data;
    expect(relativeError(featured!.numbers, numbers("featured"))).toBeLessThan(half ? 1e-2 : 2e-5);
    expect(relativeError(steered!.numbers, numbers("steered"))).toBeLessThan(half ? 5e-3 : 1e-5);
    expect(relativeError(numbers("steered"), numbers("featured"))).toBeGreaterThan(0.1);
  });

  it("knows a graph that has residual inputs", async () => {
    for (const name of ["torchscript-fp32", "torchscript-fp16-fp32io", "xl-dynamo"]) {
      for (const features of [false, true]) {
        const { graph, down, mid, encoder } = await patched(exportOf(name), { features });
        const again = makeControllable(readGraphBytes(graph.bytes), { features });
        expect(again).toEqual({ edits: undefined, down, mid, encoder });
      }
    }
  });

  it("adds what T2I-Adapters need to a graph that has a ControlNet's inputs", async () => {
    for (const name of ["torchscript-fp32", "dynamo-fp16", "xl-torchscript"]) {
      const plain = exportOf(name);
      const { graph: given } = await patched(plain);
      const { graph, ...ports } = await patched({ name, ...given }, { features: true });
      expect(ports.edits!.inputs).toEqual(ports.encoder);
      expect(ports.encoder.map(sizesOf)).toEqual(plain.encoder);
      const values = residualsOf(ports, (key) => plain.reference[key]!);
      const [featured] = await computed(graph, { ...inputsOf(plain), ...values });
      const half = plain.weights === "float16" ? "half." : "";
      const error = relativeError(featured!.numbers, plain.reference[`${half}featured`]!.data);
      expect(error).toBeLessThan(half ? 1e-2 : 2e-5);
    }
  });

  it("finds its way in the embedded model, whose weights are cast from int8", async () => {
    const file = new URL("../../../starter/model/unet/model.onnx", import.meta.url);
    const bytes = new Uint8Array(readFileSync(file));
    const graph = readGraphBytes(bytes);
    const { down, mid, edits } = makeControllable(graph);
    const last = down.at(-1)!;
    expect(down.length).toBeGreaterThan(1);
    expect(sizesOf(mid)).toEqual(sizesOf(last));
    const all = [...down, mid];
    expect(all.every(({ type }) => type === "float32")).toBe(true);
    // On the way down pictures only shrink.
    const scales = down.map(({ downscale }) => downscale);
    expect(scales).toEqual([...scales].sort((a, b) => a - b));

    const patch = await patchGraph(bytesRange(bytes), graph, edits!);
    const noise = (count: number) =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(i * i));
    const inputs = Object.fromEntries(
      graph.inputs.map((port) => {
        const sizes = port.dims.map((size, axis) =>
          typeof size === "number"
            ? size
            : (port.dims.length === 4 ? [1, 4, 16, 24] : [1, 77])[axis]!,
        );
        const value = floatTensor(sizes, noise(elementCount(sizes)));
        return [port.name, fed(port, port.type === "int64" ? zeros("float32", sizes) : value)];
      }),
    );
    const zero = all.map((port) => [
      port.name,
      fed(port, zeros("float32", [1, port.channels, 1, 1])),
    ]);
    const given = all.map((port) => {
      const dims = [1, port.channels, 16 / port.downscale, 24 / port.downscale];
      return [port.name, fed(port, floatTensor(dims, noise(elementCount(dims))))];
    });
    const [before] = await computed({ bytes, externalData: [] }, inputs);
    const [same, steered] = await computed(
      { bytes: applyPatch(bytes, patch), externalData: [] },
      { ...inputs, ...Object.fromEntries(zero) },
      { ...inputs, ...Object.fromEntries(given) },
    );
    expect(same!.bits).toEqual(before!.bits);
    expect(relativeError(steered!.numbers, before!.numbers)).toBeGreaterThan(0.01);
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

describe("makeControllable on a graph of three convolutions", () => {
  const latents = { name: "sample", type: "float32", dims: ["n", 2, "h", "w"] } as const;
  const text = (field: number, value: string) => message(field, new TextEncoder().encode(value));
  const made = (bytes: Uint8Array) => makeControllable(readGraphBytes(bytes, { label: "small" }));
  const nodes = smallUNetNodes();
  const replaced = (index: number, ...others: typeof nodes) =>
    nodes.flatMap((node, at) => (at === index ? others : node));

  function failure(bytes: Uint8Array): string {
    try {
      made(bytes);
    } catch (error) {
      if (isUnderpaintError(error, "model-unsupported")) return error.message;
      throw error;
    }
    return "";
  }

  it("names axes of its own, and keeps sizes that are fixed", () => {
    const { down, mid } = made(smallUNet());
    expect(down.map(({ name, dims }) => [name, dims])).toEqual([
      [
        "down_block_0_additional_residual",
        ["down_block_0_batch", 3, "down_block_0_height", "down_block_0_width"],
      ],
      [
        "down_block_1_additional_residual",
        ["down_block_1_batch", 4, "down_block_1_height", "down_block_1_width"],
      ],
    ]);
    expect(mid).toMatchObject({ channels: 4, downscale: 2 });
    // Odd sizes are rounded up on the way down.
    const fixed = made(smallUNet({ inputs: [{ ...latents, dims: [1, 2, 10, 14] }] }));
    expect([...fixed.down, fixed.mid].map(({ dims }) => dims)).toEqual([
      [1, 3, 10, 14],
      [1, 4, 5, 7],
      [1, 4, 5, 7],
    ]);
  });

  it("tells the skip connection from the up path in either order", () => {
    const turned = nodes.map((node) =>
      node.op === "Concat" ? { ...node, inputs: [...node.inputs].reverse() } : node,
    );
    const { down, edits } = made(smallUNet({ nodes: turned }));
    expect(down.map(({ channels }) => channels)).toEqual([3, 4]);
    const sums = edits!.nodes!.map(({ inputs }) => inputs);
    expect(sums).toEqual([
      ["first", "down_block_0_additional_residual"],
      ["second", "down_block_1_additional_residual"],
      ["middle", "mid_block_additional_residual"],
    ]);
  });

  it("tells them apart without a middle block too, as diffusers adds to them", () => {
    const without = replaced(3, { ...nodes[3]!, inputs: ["second", "second"] });
    const { edits } = made(smallUNet({ nodes: without }));
    const concat = edits!.rewired!.filter(({ node }) => node.index === 3);
    expect(concat.map((edit) => ["input" in edit && edit.input, edit.to])).toEqual([
      [1, "down_block_1_additional_residual_sum"],
      [0, "mid_block_additional_residual_sum"],
    ]);
  });

  it("knows residual inputs by the other name that is found, and scaled", () => {
    const residual = (name: string) => ({ ...latents, name, dims: ["n", "c", "y", "x"] });
    const names = ["down_block_0", "down_block_1", "mid_block_additional_residual"];
    const add = (value: string, name: string) => [
      { op: "Mul", inputs: [name, "scale"], outputs: [`${name}_scaled`] },
      { op: "Add", inputs: [value, `${name}_scaled`], outputs: [`${value}_sum`] },
    ];
    const bytes = smallUNet({
      inputs: [latents, ...names.map(residual), { name: "scale", type: "float32", dims: [] }],
      nodes: [
        ...nodes.map((node) =>
          node.op === "Concat"
            ? { ...node, inputs: node.inputs.map((name) => (name === "up" ? name : `${name}_sum`)) }
            : node,
        ),
        ...["first", "second", "middle"].flatMap((value, index) => add(value, names[index]!)),
      ],
    });
    const { edits, down, mid } = made(bytes);
    expect(edits).toBeUndefined();
    expect(
      [...down, mid].map(({ name, channels, downscale }) => [name, channels, downscale]),
    ).toEqual([
      ["down_block_0", 3, 1],
      ["down_block_1", 4, 2],
      ["mid_block_additional_residual", 4, 2],
    ]);

    const partial = smallUNet({
      inputs: [latents, residual("mid_block_additional_residual")],
      nodes: [
        ...replaced(3, { ...nodes[3]!, inputs: ["middle_sum", "second"] }),
        {
          op: "Add",
          inputs: ["middle", "mid_block_additional_residual"],
          outputs: ["middle_sum"],
        },
      ],
    });
    expect(failure(partial)).toMatch(/not a whole set \(mid_block_additional_residual\)/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      "operators hidden in functions",
      new Uint8Array([
        ...smallUNet({
          nodes: [{ op: "Block", domain: "mine", inputs: ["sample"], outputs: ["out_sample"] }],
        }),
        ...message(25, text(1, "Block"), text(10, "mine")),
      ]),
      /its operators are hidden in functions \(mine:Block\)/,
    ],
    [
      "two pictures as inputs, as a ControlNet has",
      smallUNet({
        inputs: [
          { ...latents, name: "a" },
          { ...latents, name: "first.hint" },
        ],
        nodes: nodes.map((node) => ({
          ...node,
          inputs: node.inputs.map((name) => (name === "sample" ? "a" : name)),
        })),
      }),
      /none of its inputs is known for its latents \(a, first.hint\)/,
    ],
    [
      "a joint behind an operator whose shape is not known",
      smallUNet({ nodes: replaced(2, { ...nodes[2]!, op: "Fused", domain: "com.microsoft" }) }),
      /the shape of what the operator Concat no\. 3 joins could not be found/,
    ],
    [
      "skips that do not nest",
      smallUNet({
        nodes: replaced(
          5,
          { op: "Concat", inputs: ["up", "first"], outputs: ["dense"], attributes: { axis: 1 } },
          { op: "Concat", inputs: ["dense", "up"], outputs: ["denser"], attributes: { axis: 1 } },
          { op: "Slice", inputs: ["denser", "from", "to", "along"], outputs: ["whole"] },
        ),
        constants: [
          ...smallUNetWeights(),
          ...(["from", "to", "along"] as const).map((name, i) => ({
            name,
            dims: [1],
            values: BigInt64Array.of([0n, 6n, 1n][i]!),
          })),
        ],
      }),
      /its skip connections do not nest as a UNet's/,
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(failure(bytes)).toMatch(message);
  });
});
