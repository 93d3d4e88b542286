import { type FloatTensor, floatTensor } from "../tensor/tensor.js";

/**
 * The guidance scale as latent consistency models are told it: sines, then cosines, of
 * 1000 · (scale − 1) at geometrically falling frequencies, shape [1, size].
 *
 * Appendix D of Luo et al., Latent Consistency Models, arXiv 2310.04378, with the positions and
 * frequencies of Vaswani et al., arXiv 1706.03762, section 3.5. Computed in single precision, as
 * the reference does; an odd size ends with a 0.
 *
 * @param scale the guidance scale; 1 is none.
 * @param size the network's `time_cond_proj_dim`: 4 or more.
 */
export function guidanceEmbedding(scale: number, size: number): FloatTensor {
  const { fround } = Math;
  const half = Math.floor(size / 2);
  const position = fround(fround(scale - 1) * 1000);
  const decay = fround(-Math.log(10000) / (half - 1));
  const values = new Float32Array(size);
  for (let i = 0; i < half; i++) {
    const angle = fround(position * fround(Math.exp(fround(i * decay))));
    values[i] = Math.sin(angle);
    values[half + i] = Math.cos(angle);
  }
  return floatTensor([1, size], values);
}
