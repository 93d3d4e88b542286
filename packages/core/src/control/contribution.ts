import type { DeviceTensor } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import type { ResidualPort } from "../graph/controllable.js";
import type { Tensor } from "../tensor/tensor.js";
import type { ControlContribution, ControlPorts } from "./contract.js";
import { softWeights } from "./strength.js";

/** One value of a contribution: for which port, and which of the control's blocks it is. */
export interface Part {
  readonly port: ResidualPort;
  readonly value: Tensor | DeviceTensor;
  /** Its place in the control's list of weights. */
  readonly block: number;
  /** What soft weights make of it: see {@link softWeights}. */
  readonly soft: number;
}

/** The height and width that a port takes for latents of this size: odd sides are rounded up. */
export function portSize(
  { downscale }: ResidualPort,
  [, height = 0, width = 0]: readonly number[],
): readonly [height: number, width: number] {
  return [Math.ceil(height / downscale), Math.ceil(width / downscale)];
}

/**
 * The values of a contribution, each with its port, once they are known to fit.
 *
 * @param control what errors call the control.
 * @param latentDims [channels, height, width].
 * @param entries the entries of the call: a value has as many, or one for all.
 * @throws UnderpaintError `model-unsupported` for what fits no port, with the shapes that were
 * expected and found.
 */
export function partsOf(
  control: string,
  { down = [], mid, encoder = [], scope }: ControlContribution,
  ports: ControlPorts,
  latentDims: readonly number[],
  entries: number,
): { readonly parts: readonly Part[]; readonly blocks: number } {
  checkCount(control, "residuals of the down path", down.length, ports.down);
  checkCount(control, "features", encoder.length, ports.encoder);
  const residuals = down.length > 0 || mid ? ports.down.length + 1 : 0;
  const blocks = residuals + encoder.length;
  const soft = {
    residuals: softWeights("residuals", residuals),
    features: softWeights("features", encoder.length),
  };
  const parts: Part[] = [];

  function add(
    port: ResidualPort,
    value: Tensor | DeviceTensor | undefined,
    block: number,
    weight: number,
  ): void {
    if (!value) return;
    const [height, width] = portSize(port, latentDims);
    const [n, channels, h, w] = value.dims;
    const isPooled = h === 1 && w === 1 && (height !== 1 || width !== 1);
    const fits =
      value.dims.length === 4 &&
      (n === 1 || (n === entries && scope !== "run")) &&
      channels === port.channels &&
      (isPooled || (h === height && w === width)) &&
      (value.type === "float32" || value.type === "float16");
    if (!fits) {
      const batch = entries === 1 || scope === "run" ? "1" : `1 or ${entries}`;
      throw misfit(
        control,
        `what it gives for ${port.name} has another shape`,
        `${value.type} [${value.dims.join(", ")}]`,
        `float [${batch}, ${port.channels}, ${height}, ${width}]`,
      );
    }
    // Pooled residuals say the same of every place: there is no detail to be soft on.
    parts.push({ port, value, block, soft: isPooled ? 1 : weight });
  }

  for (const [i, value] of down.entries()) add(ports.down[i]!, value, i, soft.residuals[i]!);
  add(ports.mid, mid, residuals - 1, 1);
  for (const [i, value] of encoder.entries()) {
    add(ports.encoder[i]!, value, residuals + i, soft.features[i]!);
  }
  return { parts, blocks };
}

function checkCount(
  control: string,
  what: string,
  found: number,
  ports: readonly ResidualPort[],
): void {
  if (found <= ports.length) return;
  throw misfit(
    control,
    ports.length === 0
      ? `this export of the network takes no ${what}`
      : `it gives more ${what} than the network takes`,
    found,
    `${ports.length}: ${describePorts(ports)}`,
  );
}

/** "320 at 1/1, 640 at 1/2": channels and sizes, as errors show them. */
export function describePorts(ports: readonly ResidualPort[]): string {
  return ports.map(({ channels, downscale }) => `${channels} at 1/${downscale}`).join(", ");
}

function misfit(control: string, why: string, value: unknown, allowed: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-unsupported",
    what: `${control} does not fit this model: ${why}`,
    value,
    allowed,
    remedy: "use a control that was trained for the model's family",
  });
}
