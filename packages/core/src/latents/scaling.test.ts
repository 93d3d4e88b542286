import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import type { JsonObject } from "../model/json.js";
import { floatTensor } from "../tensor/tensor.js";
import { latentChannelsOf, latentScaling, vaeScaleFactor } from "./scaling.js";

const value = floatTensor([1, 2, 2, 2], Float32Array.of(0.3, -1.7, 2.2, -0.05, 1, -0.4, 0.9, -3.1));

// torch 2.13.0, float32 on the CPU: the lines of diffusers 0.42.1's pipelines of Stable Diffusion
// (x / scaling_factor, scaling_factor * x), Stable Diffusion 3 (shift) and XL (mean and std).
const reference: readonly [name: string, config: JsonObject, toVae: number[], fromVae: number[]][] =
  [
    [
      "no config, as Stable Diffusion 1",
      {},
      [
        1.6469942331314087, -9.332966804504395, 12.077957153320312, -0.2744990289211273,
        5.489980697631836, -2.1959922313690186, 4.940982341766357, -17.018939971923828,
      ],
      [
        0.054645005613565445, -0.30965501070022583, 0.4007300138473511, -0.009107500314712524,
        0.1821500062942505, -0.0728600025177002, 0.16393500566482544, -0.5646650195121765,
      ],
    ],
    [
      "a shift",
      { scaling_factor: 1.5305, shift_factor: 0.0609, latents_mean: null, latents_std: null },
      [
        0.2569143772125244, -1.049848198890686, 1.4983386993408203, 0.0282309390604496,
        0.7142812013626099, -0.20045247673988342, 0.6489430665969849, -1.9645817279815674,
      ],
      [
        0.3659425675868988, -2.6950576305389404, 3.273892879486084, -0.1697324514389038,
        1.4372926950454712, -0.7054075002670288, 1.2842426300048828, -4.837757587432861,
      ],
    ],
    [
      "mean and deviation by channel",
      { scaling_factor: 0.5, latents_mean: [-1.6574, 1.886], latents_std: [8.4927, 5.9022] },
      [
        3.4382200241088867, -30.53257942199707, 35.710479736328125, -2.5066699981689453,
        13.690400123596191, -2.8357601165771484, 12.509960174560547, -34.707637786865234,
      ],
      [
        0.11524015665054321, -0.0025080384220927954, 0.2271009236574173, 0.09463422000408173,
        -0.0750567615032196, -0.19365659356117249, -0.08352817595005035, -0.4223848581314087,
      ],
    ],
  ];

describe("latentScaling", () => {
  it.each(reference)("is diffusers' to the bit: %s", (_, config, toVae, fromVae) => {
    const scaling = latentScaling(config);
    expect([...scaling.toVae(value).data]).toEqual(toVae);
    expect([...scaling.fromVae(value).data]).toEqual(fromVae);
  });

  it("does not write to what it is given", () => {
    const before = value.data.slice();
    latentScaling({}).toVae(value);
    expect(value.data).toEqual(before);
  });

  it.each<[JsonObject]>([
    [{ scaling_factor: 0 }],
    [{ scaling_factor: 1e-60 }],
    [{ scaling_factor: "0.18215" }],
    [{ shift_factor: [1] }],
    [{ latents_mean: [1, 2], latents_std: [1] }],
    [{ latents_mean: [1, 2], latents_std: [1, 0] }],
    [{ latents_mean: [1, "2"], latents_std: [1, 1] }],
    [{ latents_mean: 1, latents_std: [1] }],
    [{ latents_mean: [1, 2, 3], latents_std: [1, 1, 1] }],
  ])("refuses %j", (config) => {
    let error: unknown;
    try {
      latentScaling(config).toVae(value);
    } catch (caught) {
      error = caught;
    }
    expect(isUnderpaintError(error, "model-invalid")).toBe(true);
  });
});

describe("vaeScaleFactor and latentChannelsOf", () => {
  it("read the config, and have diffusers' defaults", () => {
    expect(vaeScaleFactor({ block_out_channels: [48, 64, 96, 128] })).toBe(8);
    expect(vaeScaleFactor({ block_out_channels: [64, 128, 256] })).toBe(4);
    expect(vaeScaleFactor({ block_out_channels: [64] })).toBe(1);
    expect(vaeScaleFactor({})).toBe(8);
    expect(latentChannelsOf({ latent_channels: 16 })).toBe(16);
    expect(latentChannelsOf({})).toBe(4);
  });

  it.each([[{ block_out_channels: [] }], [{ block_out_channels: Array(60).fill(1) }]])(
    "refuse %j",
    (config) => {
      expect(() => vaeScaleFactor(config)).toThrow(/block_out_channels/);
    },
  );

  it.each([[0], [-4], [4.5], ["4"]])("refuse %j channels", (count) => {
    expect(() => latentChannelsOf({ latent_channels: count })).toThrow(/latent_channels/);
  });
});
