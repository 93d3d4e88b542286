import { UnderpaintError } from "@underpaint/core";

/** What a page has for WebGPU; `navigator.gpu` where nothing else is said. */
export type Gpu = Pick<GPU, "requestAdapter">;

/** Limits that decide what fits, raised to what the adapter has: devices start with the least. */
const raisedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** Features that the runtime's kernels use where they are there. */
const usedFeatures = ["shader-f16", "subgroups"] as const;

/**
 * The page's GPU.
 *
 * @returns the adapter, or in words why there is none.
 */
export async function findAdapter(gpu: Gpu | undefined = pageGpu()): Promise<GPUAdapter | string> {
  if (!gpu) {
    return globalThis.isSecureContext === false
      ? "WebGPU needs a page that is served over https or from localhost"
      : "this browser has no WebGPU";
  }
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    return adapter ?? "the browser found no GPU that it would use";
  } catch (cause) {
    return `the browser refused a GPU: ${(cause as Error).message}`;
  }
}

/** Whether an adapter computes in software: correct, and far slower than WebAssembly. */
export function isSoftware(adapter: GPUAdapter): boolean {
  return adapter.info?.isFallbackAdapter === true;
}

/** A device of an adapter with all that it can do. */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(
    raisedLimits.map((name) => [name, adapter.limits[name]]),
  );
  const requiredFeatures = usedFeatures.filter((name) => adapter.features.has(name));
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (cause) {
    throw new UnderpaintError({
      code: "device-unavailable",
      what: `the GPU cannot be used: ${(cause as Error).message}`,
      remedy: 'close other pages that use the GPU, or use device "wasm"',
      cause,
    });
  }
}

function pageGpu(): Gpu | undefined {
  return (globalThis.navigator as Navigator | undefined)?.gpu;
}
