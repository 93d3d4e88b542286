/** The stream of a 32-bit Mersenne Twister. */
export interface MersenneTwister {
  /** The next draw: a whole number from 0 to 2^32 − 1. */
  next(): number;
  /**
   * One draw for each element of `out` from `start` on: its low 24 bits, as a whole number from 0
   * to 2^24 − 1 (which float32 holds exactly).
   */
  fill24(out: Float32Array, start: number): void;
}

const length = 624;
const middle = 397;

/**
 * MT19937 (Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998), with the 2002
 * seeding by one 32-bit word, as C++'s `std::mt19937`, NumPy's `RandomState` and torch have it.
 *
 * @param seed A whole number from 0 to 2^32 − 1.
 */
export function createMersenneTwister(seed: number): MersenneTwister {
  const state = new Int32Array(length);
  state[0] = seed | 0;
  for (let i = 1; i < length; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
  let position = length;

  function twist(): void {
    let current = state[0]!;
    for (let i = 0; i < length; i++) {
      const following = state[i + 1 < length ? i + 1 : 0]!;
      const mixed = (current & 0x80000000) | (following & 0x7fffffff);
      const other = state[i < length - middle ? i + middle : i + middle - length]!;
      state[i] = other ^ (mixed >>> 1) ^ (-(following & 1) & 0x9908b0df);
      current = following;
    }
    position = 0;
  }

  function draw(): number {
    if (position === length) twist();
    let y = state[position++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  return {
    next: () => draw() >>> 0,
    fill24(out, start) {
      for (let i = start; i < out.length; i++) out[i] = draw() & 0xffffff;
    },
  };
}
