import { floatTensor, linear, type Tensor } from "@underpaint/core";
import { fakeBackend, memorySource } from "@underpaint/testing";
import { expect, it } from "vitest";

it("feeds the network its latents", async () => {
  const source = memorySource({ "model_index.json": "{}", "unet/model.onnx": "not looked at" });
  const backend = fakeBackend({
    "unet/model.onnx": {
      inputs: [{ name: "sample", type: "float32", dims: ["batch", 4, 8, 8] }],
      outputs: [{ name: "out_sample", type: "float32", dims: ["batch", 4, 8, 8] }],
      run: ({ sample }) => ({ out_sample: linear(0.5, sample as Tensor<"float32">) }),
    },
  });

  const graph = await source.open("unet/model.onnx");
  const session = await backend.createSession(graph, { label: "unet/model.onnx" });
  const sample = floatTensor([1, 4, 8, 8], new Float32Array(256).fill(2));
  const { out_sample } = await session.run({ sample });

  expect((out_sample as Tensor).data[0]).toBe(1);
  expect(backend.sessions[0]!.session.runs).toEqual([{ sample }]);
});
