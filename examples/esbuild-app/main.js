import { createPipeline } from "@underpaint/web";

const pipeline = await createPipeline({
  worker: true,
  starter: "./node_modules/@underpaint/starter/model/",
  runtime: { wasmPaths: "./node_modules/onnxruntime-web/dist/" },
});
const { images } = await pipeline.generate({ prompt: "a red apple", seed: 7, steps: 4 });

const [{ width, height, data }] = images;
const canvas = document.querySelector("canvas");
Object.assign(canvas, { width, height });
canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
document.querySelector("[role=status]").textContent = "Done";
