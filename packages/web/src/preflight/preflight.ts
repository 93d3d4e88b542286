import {
  type ModelManifest,
  type ModelSource,
  type OnnxGraph,
  readGraphBytes,
  readManifest,
} from "@underpaint/core";
import { findAdapter, type Gpu, isSoftware } from "../devices/adapter.js";
import type { Device } from "../devices/device.js";
import { sourceOf } from "../source-of.js";
import type { ModelPlace, ResolveOptions } from "../sources/resolve.js";
import { bytes, type DeviceVerdict, judgeGpu, judgeWasm, limitsOf } from "./judge.js";
import { needsOfModel } from "./needs.js";

/** What {@link preflight} finds. */
export interface PreflightReport {
  /** The model, as a recipe names it. */
  readonly model: string;
  /** What would be fetched: graphs and weights together. */
  readonly downloadBytes: number;
  /** The device that `createPipeline()` takes by itself; undefined where the model fits none. */
  readonly device: Device | undefined;
  readonly devices: Readonly<Record<Device, DeviceVerdict>>;
  readonly storage: StorageVerdict;
  /** All of it in sentences: what fits, what does not, and what would. */
  readonly summary: readonly string[];
}

/** Whether the browser can keep a model. */
export interface StorageVerdict {
  /** False where the model would be fetched anew with each visit. */
  readonly fits: boolean;
  /** What the page may still store; undefined where the browser does not tell. */
  readonly availableBytes: number | undefined;
}

/** How {@link preflight} finds the model. */
export interface PreflightOptions extends ResolveOptions {
  readonly signal?: AbortSignal;
  /** @internal */
  readonly gpu?: Gpu;
  /** @internal */
  readonly estimate?: () => Promise<StorageEstimate>;
}

/** Graphs whose weights lie beside them are small enough to be looked at. */
const largestHeader = 2 ** 23;

/**
 * Whether a model can run here, before its weights are fetched: the GPU's limits against the
 * tensors of its graphs, `shader-f16` for half precision, WebAssembly's 4 GiB, and the storage that
 * the browser grants. Fetches the model's small files, and graphs up to 8 MiB whose weights lie
 * beside them.
 *
 * What depends on graphs that were not fetched is `unsure`; it is checked again, exactly, when they
 * are loaded. How much memory a GPU has no browser tells.
 *
 * @throws UnderpaintError as `readManifest` does.
 */
export async function preflight(
  model?: ModelPlace | ModelSource,
  options: PreflightOptions = {},
): Promise<PreflightReport> {
  const { signal } = options;
  const source = await sourceOf(model, options);
  const manifest = await readManifest(source, signal && { signal });
  const headers = new Map<string, OnnxGraph>();
  for (const { graph, files, externalData } of Object.values(manifest.components)) {
    if (externalData.length === 0 || files[graph]! > largestHeader) continue;
    const content = await source.read(graph, {
      maxBytes: largestHeader,
      ...(signal && { signal }),
    });
    headers.set(graph, readGraphBytes(content, { label: graph }));
  }
  const adapter = await findAdapter(options.gpu);
  return report(manifest, headers, adapter, await storageFor(manifest.bytes, options.estimate));
}

function report(
  manifest: ModelManifest,
  headers: ReadonlyMap<string, OnnxGraph>,
  adapter: GPUAdapter | string,
  storage: StorageVerdict,
): PreflightReport {
  const needs = needsOfModel(manifest, headers);
  const webgpu = judgeGpu(needs, typeof adapter === "string" ? adapter : limitsOf(adapter));
  const wasm = judgeWasm(needs);
  const slow = typeof adapter !== "string" && isSoftware(adapter);
  const device = webgpu.fits !== "no" && !slow ? "webgpu" : wasm.fits !== "no" ? "wasm" : undefined;
  return {
    model: manifest.id,
    downloadBytes: manifest.bytes,
    device,
    devices: { webgpu, wasm },
    storage,
    summary: [
      device
        ? `${manifest.id} (${bytes(manifest.bytes)}) runs here on ${device}.`
        : `${manifest.id} (${bytes(manifest.bytes)}) does not fit this browser.`,
      ...(slow ? ["The browser's GPU is one in software, far slower than wasm."] : []),
      ...[webgpu, wasm].flatMap(sentences),
      ...(storage.fits
        ? []
        : [
            `The browser lets this page store ${bytes(storage.availableBytes ?? 0)}: the model would be fetched again at the next visit.`,
          ]),
    ],
  };
}

function sentences({ device, fits, problems, remedies }: DeviceVerdict): string[] {
  if (fits === "yes") return [];
  const said = problems.map((problem) => `${device}: ${problem}.`);
  return remedies.length === 0 ? said : [...said, `What would fit: ${remedies.join(", or ")}.`];
}

async function storageFor(
  needed: number,
  estimate: PreflightOptions["estimate"] = () => navigator.storage.estimate(),
): Promise<StorageVerdict> {
  try {
    const { quota, usage = 0 } = await estimate();
    if (quota === undefined) return { fits: true, availableBytes: undefined };
    const availableBytes = Math.max(0, quota - usage);
    return { fits: needed <= availableBytes, availableBytes };
  } catch {
    // No secure context, or storage is refused: models stay in memory.
    return { fits: false, availableBytes: 0 };
  }
}
