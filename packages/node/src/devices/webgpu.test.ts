import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NamedTensors, PipelineWarning } from "@underpaint/core";
import { beforeAll, describe, expect, test } from "vitest";
import { createNodeBackend } from "./backend.js";
import { thisMachine } from "./presence.js";

/**
 * WebGPU in software, by the Vulkan driver that Debian's chromium brings (packages chromium and
 * libvulkan1): correct and slow. On a machine with a GPU, its own driver is used.
 */
const swiftshader = "/usr/lib/chromium/vk_swiftshader_icd.json";
const hasGpu = thisMachine.platform !== "linux" || thisMachine.list("/dev/dri").length > 0;
const canRun = hasGpu || existsSync(swiftshader);

describe.skipIf(!canRun)(
  `WebGPU${canRun ? "" : " (skipped: no GPU, and chromium and libvulkan1 are not installed)"}`,
  () => {
    beforeAll(() => {
      if (!hasGpu) process.env.VK_DRIVER_FILES = swiftshader;
    });

    test("a text encoder gives what it gives on the processor", async () => {
      const path = fileURLToPath(
        new URL("../../../starter/model/text_encoder/model.onnx", import.meta.url),
      );
      const states = [];
      for (const device of ["cpu", "webgpu"] as const) {
        const backend = await createNodeBackend({ device });
        const session = await backend.createSession({ path });
        const [input] = session.inputs;
        const length = 77;
        const ids =
          input!.type === "int64"
            ? new BigInt64Array(length).map((_, index) => BigInt(index * 31))
            : new Int32Array(length).map((_, index) => index * 31);
        const feeds = { [input!.name]: { type: input!.type, dims: [1, length], data: ids } };
        const { last_hidden_state: state } = await session.run(feeds as unknown as NamedTensors);
        if (!state || "location" in state) throw new Error("no output here");
        states.push(state.data as Float32Array);
        await session.dispose();
      }
      const [cpu, gpu] = states as [Float32Array, Float32Array];
      expect(cpu.length).toBe(gpu.length);
      const scale = cpu.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = cpu.reduce((most, value, i) => Math.max(most, Math.abs(value - gpu[i]!)), 0);
      expect(scale).toBeGreaterThan(0.1);
      expect(worst / scale).toBeLessThan(1e-4);
    });

    test.skipIf(hasGpu)("auto passes over a GPU in software, and says so", async () => {
      const warnings: PipelineWarning[] = [];
      const machine = {
        ...thisMachine,
        list: (folder: string) => (folder === "/dev/dri" ? ["renderD128"] : []),
      };
      const backend = await createNodeBackend({
        machine,
        onWarning: (warning) => warnings.push(warning),
      });
      expect(backend.device).toBe("cpu");
      expect(warnings).toHaveLength(1);
      expect(warnings[0]!.message).toContain("webgpu: it is slower than the processor");
    });
  },
);
