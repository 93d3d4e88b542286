import { UnderpaintError } from "@underpaint/core";
import type { Device } from "../devices/device.js";
import type { DeviceVerdict } from "./judge.js";

/** The verdict on a device, as the error of who asked for it; `other` would fit. */
export function doesNotFit(model: string, verdict: DeviceVerdict, other?: Device): UnderpaintError {
  return new UnderpaintError({
    code: "device-unavailable",
    what: `the model does not fit the device ${verdict.device}: ${verdict.problems.join("; ")}`,
    value: model,
    remedy: [...(other ? [`the device "${other}"`] : []), ...verdict.remedies]
      .map((remedy, k) => (k === 0 ? `what would fit: ${remedy}` : remedy))
      .join(", or "),
  });
}
