import { nearest, UnderpaintError } from "@underpaint/core";

/** The devices that graphs can run on, fastest first: the order in which `auto` tries them. */
export const devices = ["cuda", "webgpu", "dml", "coreml", "cpu"] as const;

/** Where graphs run: NVIDIA's CUDA, WebGPU, Windows' DirectML, Apple's Core ML, or the processor. */
export type Device = (typeof devices)[number];

/**
 * Checks what a caller gave as `device`.
 *
 * @throws UnderpaintError `invalid-request` when it is no device's name.
 */
export function checkDevice(device: unknown): Device | "auto" {
  const known = ["auto", ...devices] as const;
  const found = known.find((name) => name === device);
  if (found) return found;
  const guess =
    device === "gpu" ? "auto" : typeof device === "string" ? nearest(device, known) : undefined;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "device is not the name of a device",
    value: device,
    allowed: known.join(", "),
    remedy: guess ? `did you mean ${guess}?` : "leave it out for auto",
  });
}

/** What the runtime is asked for, to run on a device; what a device lacks the processor does. */
export function executionProviders(device: Device): string[] {
  return device === "cpu" ? ["cpu"] : [device, "cpu"];
}
