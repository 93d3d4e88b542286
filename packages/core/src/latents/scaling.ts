import { UnderpaintError } from "../errors.js";
import { configCount, configNumber, configNumbers, type JsonObject } from "../model/json.js";
import { type FloatTensor, zeros } from "../tensor/tensor.js";

/**
 * How latents are scaled between the VAE and the network, so that the network sees about unit
 * variance: latents = (z − shift) · scale for each channel, with z what the VAE gives.
 */
export interface LatentScaling {
  /** What the network works with, of what the VAE's encoder gives. */
  fromVae(z: FloatTensor): FloatTensor;
  /** What the VAE's decoder takes, of what the network works with. */
  toVae(latents: FloatTensor): FloatTensor;
}

/**
 * The scaling that a VAE's config.json tells, with diffusers' defaults (`AutoencoderKL`):
 * `scaling_factor` 0.18215, `shift_factor` 0; `latents_mean` and `latents_std`, by channel, take
 * the place of the shift where both are there.
 *
 * Each operation is rounded to float32, in the order of diffusers' pipelines.
 *
 * @throws UnderpaintError `model-invalid` for numbers that cannot be.
 */
export function latentScaling(config: JsonObject): LatentScaling {
  const { fround } = Math;
  const nonzero = (value: number): boolean => fround(value) !== 0;
  const scale = fround(
    configNumber(config, "scaling_factor", "a finite number other than 0", nonzero) ?? 0.18215,
  );
  const shift = fround(configNumber(config, "shift_factor") ?? 0);
  const mean = configNumbers(config, "latents_mean");
  const std = configNumbers(config, "latents_std");
  const spread = mean && std ? checkedSpread(mean, std) : undefined;

  function map(
    tensor: FloatTensor,
    element: (value: number, mean: number, std: number) => number,
  ): FloatTensor {
    const channels = tensor.dims[1] ?? 0;
    if (spread && spread.mean.length !== channels) {
      throw new UnderpaintError({
        code: "model-invalid",
        what: `latents_mean in the VAE's config.json is not for ${channels} channels`,
        value: spread.mean.length,
      });
    }
    const out = zeros("float32", tensor.dims);
    const plane = (tensor.dims[2] ?? 0) * (tensor.dims[3] ?? 0);
    for (let start = 0, k = 0; start < out.data.length; start += plane, k++) {
      const [m, s] = spread ? [spread.mean[k % channels]!, spread.std[k % channels]!] : [0, 1];
      for (let i = start; i < start + plane; i++) out.data[i] = element(tensor.data[i]!, m, s);
    }
    return out;
  }

  if (spread) {
    return {
      fromVae: (z) => map(z, (value, m, s) => fround(fround(value - m) * scale) / s),
      toVae: (latents) => map(latents, (value, m, s) => fround(fround(value * s) / scale) + m),
    };
  }
  return {
    fromVae: (z) => map(z, (value) => fround(value - shift) * scale),
    toVae: (latents) => map(latents, (value) => fround(value / scale) + shift),
  };
}

function checkedSpread(
  mean: readonly number[],
  std: readonly number[],
): { mean: Float32Array; std: Float32Array } {
  const spread = { mean: Float32Array.from(mean), std: Float32Array.from(std) };
  if (mean.length !== std.length || spread.std.some((value) => !(value > 0))) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: "latents_std in the VAE's config.json cannot be used",
      value: std,
      allowed: `${mean.length} numbers above 0`,
    });
  }
  return spread;
}

/**
 * How many pixels one latent stands for, along each side: 2^(levels − 1), with as many levels as
 * the config's `block_out_channels`; 8 where it does not tell.
 */
export function vaeScaleFactor(config: JsonObject): number {
  const levels = configNumbers(config, "block_out_channels")?.length ?? 4;
  if (levels > 8) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: "block_out_channels in the VAE's config.json has too many levels",
      value: levels,
      allowed: "1 to 8",
    });
  }
  return 2 ** (levels - 1);
}

/** The channels of a VAE's latents by its config.json; 4 where it does not tell. */
export function latentChannelsOf(config: JsonObject): number {
  return configCount(config, "latent_channels") ?? 4;
}
