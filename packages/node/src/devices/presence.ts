import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Device } from "./device.js";

/** What is looked at, so that a test can say what is there. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** The names in a folder; none where there is no such folder. */
  list(folder: string): readonly string[];
  /** The folder of onnxruntime-node's native libraries. */
  libraries(): string | undefined;
}

/**
 * Why a device cannot work on this machine, as files tell for certain; undefined where it may.
 * Asking the runtime itself is dearer, and makes it print to the terminal.
 */
export function missingLibrary(device: Device, machine: Machine): string | undefined {
  if (device !== "cuda") return undefined;
  const folder = machine.libraries();
  if (folder === undefined) return undefined;
  if (machine.list(folder).some((name) => /providers_cuda/.test(name))) return undefined;
  return "its libraries are not installed";
}

/**
 * Why it is not worth trying a device that nobody asked for: on Linux without a GPU, WebGPU finds
 * none, or one that is computed in software.
 */
export function missingHardware(device: Device, machine: Machine): string | undefined {
  if (device !== "webgpu" || machine.platform !== "linux") return undefined;
  if (machine.list("/dev/dri").some((name) => name.startsWith("renderD"))) return undefined;
  if (machine.list("/dev").some((name) => /^nvidia\d|^dxg$/.test(name))) return undefined;
  return "no GPU in /dev/dri";
}

/** The machine that this process runs on. */
export const thisMachine: Machine = {
  platform: process.platform,
  list(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  libraries() {
    try {
      const main = createRequire(import.meta.url).resolve("onnxruntime-node");
      const bin = join(dirname(dirname(main)), "bin");
      const napi = readdirSync(bin).find((name) => name.startsWith("napi-"));
      return napi && join(bin, napi, process.platform, process.arch);
    } catch {
      return undefined;
    }
  },
};
