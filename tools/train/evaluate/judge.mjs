// The judge of pictures: the classifier that classifier.py trained on the real drawings.
import fs from "node:fs";
import path from "node:path";
import ort from "onnxruntime-node";

const here = import.meta.dirname;
/** The side of the pictures that the judge looks at. */
export const size = 128;

/** RGB planes in [-1, 1]. */
function planes(image) {
  const out = new Float32Array(3 * size * size);
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) out[c * size * size + i] = image.data[4 * i + c] / 127.5 - 1;
  }
  return out;
}

/** Loads the judge: what it can name, and a function that gives each head's first five. */
export async function createJudge() {
  const labels = JSON.parse(fs.readFileSync(path.join(here, "judge/labels.json"), "utf8"));
  const session = await ort.InferenceSession.create(path.join(here, "judge/model.onnx"));
  async function look(image) {
    if (image.width !== size || image.height !== size) throw new Error(`not ${size} x ${size}`);
    const found = await session.run({
      sample: new ort.Tensor("float32", planes(image), [1, 3, size, size]),
    });
    const named = {};
    for (const head of ["noun", "style", "colour", "ground"]) {
      const logits = Array.from(found[head].data);
      const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a]);
      named[head] = order.slice(0, 5).map((i) => labels[head][i]);
    }
    return named;
  }
  return { labels, look };
}

/** "90.0 % of 50", or "-" of none. */
export const percent = (hits) =>
  hits.length === 0
    ? "-"
    : `${((100 * hits.filter(Boolean).length) / hits.length).toFixed(1)} % of ${hits.length}`;

/** Mean over pairs of the root mean square difference of pictures, in units of the range. */
export function meanDistance(images) {
  let total = 0;
  let pairs = 0;
  for (let a = 0; a < images.length; a++) {
    for (let b = 0; b < a; b++, pairs++) {
      let sum = 0;
      for (let i = 0; i < size * size * 4; i++) {
        if (i % 4 !== 3) sum += ((images[a].data[i] - images[b].data[i]) / 255) ** 2;
      }
      total += Math.sqrt(sum / (3 * size * size));
    }
  }
  return total / pairs;
}
