import { nearest, UnderpaintError } from "@underpaint/core";

/** The devices that graphs can run on in a browser, fastest first. */
export const devices = ["webgpu", "wasm"] as const;

/** Where graphs run: the GPU by WebGPU, or the processor by WebAssembly. */
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
    device === "gpu"
      ? "webgpu"
      : device === "cpu"
        ? "wasm"
        : typeof device === "string"
          ? nearest(device, known)
          : undefined;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "device is not the name of a browser's device",
    value: device,
    allowed: known.join(", "),
    remedy: guess ? `did you mean ${guess}?` : "leave it out for auto",
  });
}
