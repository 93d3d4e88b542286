import type { OrtModule } from "@underpaint/core";
import { type Device, executionProviders } from "./device.js";
import { channels, convolutionGraph } from "./trial-graph.js";

/** What any real GPU needs less than, in milliseconds: 19 and 302 million multiplications. */
const enough = 10;
/** How much slower than the processor a device may be. */
const slower = 4;

/**
 * Runs a small convolution on a device, to know whether `auto` may use it: that it works, and that
 * it is not a GPU in software (SwiftShader, llvmpipe), which is correct and a hundred and more
 * times slower than the processor. The runtime does not tell which it has. The sizes grow so that
 * a slow one is found out early.
 *
 * @throws Error with the reason when the device should not be used.
 */
export async function tryDevice(ort: OrtModule, device: Device): Promise<void> {
  for (const size of [16, 64]) {
    const there = await timeOf(ort, device, size);
    if (there <= enough) continue;
    const here = await timeOf(ort, "cpu", size);
    if (there > slower * here) {
      throw new Error(
        `it is slower than the processor, as a GPU in software is: ${there.toFixed(0)} ms against ${here.toFixed(1)} ms`,
      );
    }
  }
}

/** Runs the graph once, to know whether a device works at all. */
export async function checkDeviceWorks(ort: OrtModule, device: Device): Promise<void> {
  await timeOf(ort, device, 8, 0);
}

/** Milliseconds of the fastest of three runs after the first, which compiles. */
async function timeOf(ort: OrtModule, device: Device, size: number, runs = 3): Promise<number> {
  const session = await ort.InferenceSession.create(convolutionGraph(), {
    executionProviders: executionProviders(device),
    logSeverityLevel: 3,
  });
  try {
    const feeds = {
      x: new ort.Tensor("float32", ones(channels * size * size), [1, channels, size, size]),
      w: new ort.Tensor("float32", ones(channels * channels * 9), [channels, channels, 3, 3]),
    };
    const { y } = await session.run(feeds);
    // The middle pixel sums all channels under the 3 × 3 kernel.
    const middle = (y!.data as Float32Array)[(size * size) / 2 + size / 2];
    if (middle !== channels * 9) throw new Error(`it computes wrongly: ${middle}`);
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < runs; run++) {
      const begin = performance.now();
      await session.run(feeds);
      best = Math.min(best, performance.now() - begin);
    }
    return best;
  } finally {
    await session.release();
  }
}

function ones(count: number): Float32Array {
  return new Float32Array(count).fill(1);
}
