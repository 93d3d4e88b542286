import { floatTensor, type Tensor } from "@underpaint/core";
import { type FakeBackend, type FakeGraph, fakeBackend } from "@underpaint/testing";

const floats = (tensor: unknown): Tensor<"float32"> => tensor as Tensor<"float32">;

/**
 * The graphs of fixtures/models/tiny as cheap functions, for what must hold of any model: nothing
 * that they make resembles what they are given.
 *
 * @param channels what the network takes: 4, or 9 for inpainting.
 */
export function fakeModel(channels: 4 | 9): FakeBackend {
  const textEncoder: FakeGraph = {
    inputs: [{ name: "input_ids", type: "int64", dims: ["batch", "tokens"] }],
    outputs: [{ name: "last_hidden_state", type: "float32", dims: ["batch", "tokens", 16] }],
    run({ input_ids }) {
      const dims = [...input_ids!.dims, 16];
      const size = dims.reduce((product, side) => product * side, 1);
      return { last_hidden_state: floatTensor(dims, new Float32Array(size).fill(0.1)) };
    },
  };
  const unet: FakeGraph = {
    inputs: [
      { name: "sample", type: "float32", dims: ["batch", channels, "height", "width"] },
      { name: "timestep", type: "float32", dims: [] },
      { name: "encoder_hidden_states", type: "float32", dims: ["batch", "tokens", 16] },
    ],
    outputs: [{ name: "out_sample", type: "float32", dims: ["batch", 4, "height", "width"] }],
    run({ sample }) {
      const { dims, data } = floats(sample);
      const [n = 0, , height = 0, width = 0] = dims;
      const size = 4 * height * width;
      const out = new Float32Array(n * size);
      for (let i = 0; i < out.length; i++) {
        out[i] = 0.3 * data[Math.floor(i / size) * (channels / 4) * size + (i % size)]! + 0.1;
      }
      return { out_sample: floatTensor([n, 4, height, width], out) };
    },
  };
  const vaeEncoder: FakeGraph = {
    inputs: [{ name: "sample", type: "float32", dims: ["batch", 3, "height", "width"] }],
    outputs: [{ name: "latent_parameters", type: "float32", dims: ["batch", 8, "h", "w"] }],
    run({ sample }) {
      const { dims, data } = floats(sample);
      const [n = 0, , height = 0, width = 0] = dims;
      const [h, w] = [height / 8, width / 8];
      const out = Float32Array.from({ length: n * 8 * h * w }, (_, i) => {
        const [x, y] = [i % w, Math.floor(i / w) % h];
        return data[8 * y * width + 8 * x]!;
      });
      return { latent_parameters: floatTensor([n, 8, h, w], out) };
    },
  };
  const vaeDecoder: FakeGraph = {
    inputs: [{ name: "latent_sample", type: "float32", dims: ["batch", 4, "h", "w"] }],
    outputs: [{ name: "sample", type: "float32", dims: ["batch", 3, "height", "width"] }],
    run({ latent_sample }, call) {
      const { dims } = floats(latent_sample);
      const [n = 0, , h = 0, w = 0] = dims;
      let state = call + 1;
      const out = new Float32Array(n * 3 * 64 * h * w);
      for (let i = 0; i < out.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        out[i] = state / 2 ** 31 - 1;
      }
      return { sample: floatTensor([n, 3, 8 * h, 8 * w], out) };
    },
  };
  return fakeBackend({
    "text_encoder/model.onnx": textEncoder,
    "unet/model.onnx": unet,
    "vae_encoder/model.onnx": vaeEncoder,
    "vae_decoder/model.onnx": vaeDecoder,
  });
}
