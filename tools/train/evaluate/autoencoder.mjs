// How well a model's autoencoder keeps drawings that it never saw (held-out.png).
import path from "node:path";
import {
  createImage,
  createOrtBackend,
  createVaeDecoder,
  createVaeEncoder,
  fromTensor,
  openModel,
  toTensor,
} from "@underpaint/core";
import { loadPng, resolveModel } from "@underpaint/node";
import ort from "onnxruntime-node";

/** The drawings of a sheet without gaps. */
function cut(sheet, side) {
  const images = [];
  for (let top = 0; top < sheet.height; top += side) {
    for (let left = 0; left < sheet.width; left += side) {
      const image = createImage(side, side);
      for (let y = 0; y < side; y++) {
        const from = 4 * ((top + y) * sheet.width + left);
        image.data.set(sheet.data.subarray(from, from + 4 * side), 4 * y * side);
      }
      images.push(image);
    }
  }
  return images;
}

/** Mean square of the differences of the colours, in units of the range. */
function squares(a, b) {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    if (i % 4 !== 3) sum += ((a.data[i] - b.data[i]) / 255) ** 2;
  }
  return sum / (a.data.length * 0.75);
}

const decibels = (error) => -10 * Math.log10(error);
const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** Peak signal to noise, in decibels: of the mean error, and the mean of each picture's own. */
export async function autoencoderFidelity(name, side) {
  const model = await openModel({
    source: await resolveModel(name),
    backend: createOrtBackend({ ort, name: "onnxruntime-node/cpu" }),
  });
  const { vae_encoder, vae_decoder } = model.manifest.components;
  const encoder = createVaeEncoder(await model.session("vae_encoder"), vae_encoder.config);
  const decoder = createVaeDecoder(await model.session("vae_decoder"), vae_decoder.config);
  const errors = [];
  for (const image of cut(await loadPng(path.join(import.meta.dirname, "held-out.png")), side)) {
    const latents = await encoder.encode(toTensor(image), { mode: "mean" });
    errors.push(squares(image, fromTensor(await decoder.decode(latents))));
  }
  await model.dispose();
  return {
    count: errors.length,
    ofMean: decibels(mean(errors)),
    mean: mean(errors.map(decibels)),
  };
}
