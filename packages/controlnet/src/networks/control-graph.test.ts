import {
  type ControlRun,
  isUnderpaintError,
  type ResidualPort,
  type TensorSpec,
} from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { bindAdapter, bindControlNet } from "./control-graph.js";

const port = (name: string, channels: number, downscale: number): ResidualPort => ({
  name,
  type: "float32",
  dims: ["n", channels, "h", "w"],
  channels,
  downscale,
});

/** The ports of a UNet: [channels, downscale] of each kept value, and of the middle. */
function runOf(
  kept: readonly (readonly [number, number])[],
  more: Partial<ControlRun["model"]> = {},
) {
  const [channels, downscale] = kept.at(-1)!;
  return {
    ports: {
      down: kept.map(([c, d], i) => port(`down_block_${i}_additional_residual`, c, d)),
      mid: port("mid_block_additional_residual", channels, downscale),
      encoder: [...new Map(kept.map((value) => [value[1], value])).values()].map(([c, d], i) =>
        port(`down_intrablock_additional_residual_${i}`, c, d),
      ),
    },
    model: { id: "here", family: "stable-diffusion", textWidth: 768, controls: {}, ...more },
  } as unknown as ControlRun;
}

const sd15 = [
  [320, 1],
  [320, 1],
  [320, 1],
  [320, 2],
  [640, 2],
  [640, 2],
  [640, 4],
  [1280, 4],
  [1280, 4],
  [1280, 8],
  [1280, 8],
  [1280, 8],
] as const;
const sdxl = [
  [320, 1],
  [320, 1],
  [320, 1],
  [320, 2],
  [640, 2],
  [640, 2],
  [640, 4],
  [1280, 4],
  [1280, 4],
] as const;

const spec = (name: string, type: string, ...dims: (number | string)[]): TensorSpec => ({
  name,
  type,
  dims,
});
const seen = (width: number, ...more: TensorSpec[]) => [
  spec("sample", "float32", "batch", 4, "height", "width"),
  spec("timestep", "int64", "batch"),
  spec("encoder_hidden_states", "float32", "batch", "tokens", width),
  spec("controlnet_cond", "float32", "batch", 3, "h8", "w8"),
  ...more,
];
const gives = (names: readonly string[], kept: readonly (readonly [number, number])[]) =>
  [...kept, kept.at(-1)!].map(([channels], i) =>
    spec(names[i]!, "float32", "batch", channels, "h", "w"),
  );

const additional = (n: number) => [
  ...Array.from({ length: n }, (_, i) => `down_block_${i}_additional_residual`),
  "mid_block_additional_residual",
];

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isUnderpaintError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "";
}

describe("bindControlNet", () => {
  it("knows OnnxStack's graphs for Stable Diffusion 1.5, whose weight is an input", () => {
    const inputs = seen(768, spec("conditioning_scale", "float32", 1));
    const names = additional(12);
    const bound = bindControlNet({ inputs, outputs: gives(names, sd15) }, "it", runOf(sd15));
    expect(bound.hint.name).toBe("controlnet_cond");
    expect(bound.network).toMatchObject({ scale: { name: "conditioning_scale" } });
    expect([...bound.down, bound.mid]).toEqual(names);
  });

  it("knows those for Stable Diffusion XL, with two inputs more", () => {
    const inputs = seen(
      2048,
      spec("conditioning_scale", "float32"),
      spec("text_embeds", "float32", "batch", 1280),
      spec("time_ids", "float32", "batch", 6),
    );
    const run = runOf(sdxl, { family: "stable-diffusion-xl", textWidth: 2048 });
    const bound = bindControlNet({ inputs, outputs: gives(additional(9), sdxl) }, "it", run);
    expect(bound.network).toMatchObject({
      textEmbeds: { name: "text_embeds" },
      timeIds: { name: "time_ids" },
    });
    expect(bound.down).toHaveLength(9);
  });

  it("knows graphs whose outputs are numbered by the exporter", () => {
    const names = ["down_block_res_samples"];
    for (let i = 0; i < 11; i++) names.push(String(4711 - i));
    names.push("mid_block_res_sample");
    const outputs = gives(names, sd15);
    const bound = bindControlNet({ inputs: seen(768), outputs }, "it", runOf(sd15));
    expect([...bound.down, bound.mid]).toEqual(names);
    expect(bound.network?.scale).toBeUndefined();
  });

  it("sorts outputs by the numbers in their names, the tenth behind the second", () => {
    const names = additional(12);
    const outputs = gives(names, sd15).sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(outputs[1]!.name).toBe("down_block_10_additional_residual");
    const bound = bindControlNet({ inputs: seen(768), outputs }, "it", runOf(sd15));
    expect([...bound.down, bound.mid]).toEqual(names);
  });

  it("goes by shape where names fail", () => {
    const inputs = [
      spec("a", "float32", "n", 4, "h", "w"),
      spec("b", "float32", 1),
      spec("c", "float32", "n", 77, 768),
      spec("d", "float32", "n", 3, "H", "W"),
    ];
    const kept = [
      [320, 1],
      [640, 2],
    ] as const;
    const outputs = gives(["x", "y", "z"], kept);
    const bound = bindControlNet({ inputs, outputs }, "it", runOf(kept));
    expect([bound.hint.name, bound.network?.latents.name, bound.network?.states.name]).toEqual([
      "d",
      "a",
      "c",
    ]);
    expect([...bound.down, bound.mid]).toEqual(["x", "y", "z"]);
    // The middle's first.
    const turned = [outputs[2]!, outputs[0]!, outputs[1]!];
    const other = bindControlNet({ inputs, outputs: turned }, "it", runOf(kept));
    expect([...other.down, other.mid]).toEqual(["x", "y", "z"]);
  });

  it("knows a graph that sees the hint alone", () => {
    const inputs = [spec("controlnet_cond", "float32", "n", 3, "h", "w")];
    const names = [
      ...Array.from({ length: 12 }, (_, i) => `down_block_res_sample_${i}`),
      "mid_block_res_sample",
    ];
    const bound = bindControlNet({ inputs, outputs: gives(names, sd15) }, "it", runOf(sd15));
    expect(bound.network).toBeUndefined();
    expect([...bound.down, bound.mid]).toEqual(names);
  });

  it.each([
    [seen(1024), /it is a control for Stable Diffusion 2, and here is Stable Diffusion 1/],
    [seen(2048), /it is a control for Stable Diffusion XL, and here is Stable Diffusion 1/],
    [
      seen(768, spec("time_ids", "float32", "batch", 6)),
      /it is a control for Stable Diffusion XL, and here is Stable Diffusion 1/,
    ],
    [
      [
        spec("hidden_states", "float32", "n", 16, "h", "w"),
        spec("pooled_projections", "float32", "n", 2048),
      ],
      /it is a control for Stable Diffusion 3, and here is Stable Diffusion 1/,
    ],
    [
      [spec("hidden_states", "float32", "n", "t", 64), spec("img_ids", "float32", "t", 3)],
      /it is a control for Flux/,
    ],
    [
      [...seen(768).slice(0, 3), spec("controlnet_conds", "float32", 2, "n", 3, "h", "w")],
      /a network with ControlNets inside/,
    ],
  ])("refuses those of other families: %#", (inputs, message) => {
    const outputs = gives(additional(12), sd15);
    const error = failure(() => bindControlNet({ inputs, outputs }, "it", runOf(sd15)));
    expect(error).toMatch(/^model-unsupported/);
    expect(error).toMatch(message);
  });

  it("says what was expected and found where residuals fit nowhere", () => {
    const outputs = gives(additional(9), sdxl);
    const error = failure(() => bindControlNet({ inputs: seen(768), outputs }, "it", runOf(sd15)));
    expect(error).toMatch(
      /the residuals of it fit nowhere in this model: their channels are 320, 320, 320, 320, 640, 640, 640, 1280, 1280, 1280; allowed: 320 at 1\/1, 320 at 1\/1, 320 at 1\/1, 320 at 1\/2, 640 at 1\/2/,
    );
  });

  it("refuses inputs that are not known", () => {
    const inputs = seen(768, spec("motion", "float32", "n", 7));
    const outputs = gives(additional(12), sd15);
    expect(failure(() => bindControlNet({ inputs, outputs }, "it", runOf(sd15)))).toMatch(
      /inputs that are not known: motion float32/,
    );
  });
});

describe("bindAdapter", () => {
  const inputs = [spec("x", "float32", "n", 3, "h", "w")];
  const features = (...channels: number[]) =>
    channels.map((count, i) => spec(`f${i}`, "float32", "n", count, "h", "w"));

  it("takes a feature for each block of the encoder", () => {
    const outputs = features(320, 640, 1280, 1280);
    // The finest features of each size are those that end its block.
    const run = runOf([
      [320, 1],
      [640, 2],
      [1280, 4],
      [1280, 8],
    ]);
    expect(bindAdapter({ inputs, outputs }, "it", run).encoder).toEqual(["f0", "f1", "f2", "f3"]);
  });

  it("says what was expected and found where features fit nowhere", () => {
    const run = runOf([
      [320, 1],
      [640, 2],
      [1280, 4],
    ]);
    const error = failure(() => bindAdapter({ inputs, outputs: features(320, 320) }, "it", run));
    expect(error).toMatch(
      /the features of it fit nowhere in this model: their channels are 320, 320; allowed: 320 at 1\/1, 640 at 1\/2/,
    );
    expect(failure(() => bindAdapter({ inputs: seen(768), outputs: [] }, "it", run))).toMatch(
      /it is no T2I-Adapter: it takes sample.*controlNet/,
    );
  });
});
