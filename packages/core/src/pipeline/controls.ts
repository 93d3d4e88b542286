import { untilAborted } from "../backend/queue.js";
import type { ControlGraph, ControlRun } from "../control/contract.js";
import { type Steering, startControls } from "../control/steering.js";
import { UnderpaintError } from "../errors.js";
import type { RgbaImage } from "../image/image.js";
import { configCount } from "../model/json.js";
import type { ModelSource } from "../model/source.js";
import { cropOver } from "../painting/crop-pixels.js";
import type { GenerationContext, GenerationPlan } from "./generate.js";
import { networkForm } from "./network-form.js";
import type { ModelParts } from "./parts.js";

/** Finds the source behind a model's name: the platform's own. */
export type ModelResolver = (model: string) => Promise<ModelSource>;

/** Starts a request's controls, so that what does not fit is said before anything is computed. */
export async function beginControls(
  plan: GenerationPlan,
  context: GenerationContext,
): Promise<Steering> {
  const { request, schedule, guidance, begin, seeds } = plan;
  const { parts, stopwatch, signal, warn, resolveModel } = context;
  const { width, height } = request;
  const { network, ports, release } = await stopwatch.time("load", () =>
    parts.borrowNetwork(signal, networkForm(plan)),
  );
  const view = (picture: RgbaImage): RgbaImage => viewed(plan, picture);
  try {
    const run: ControlRun = {
      width,
      height,
      latentDims: parts.latentDims(width, height),
      view,
      steps: schedule.levels.length - 1,
      begin,
      count: seeds.length,
      branches: guidance.branches,
      model: {
        id: parts.manifest.id,
        family: parts.manifest.family,
        textWidth:
          network.textWidth ??
          configCount(parts.manifest.components.unet.config, "cross_attention_dim"),
        controls: parts.manifest.controls,
      },
      ports: ports ?? noPorts(),
      async openGraph({ source, file }: ControlGraph) {
        const files = typeof file === "string" ? [file] : file;
        const found = await sourceOf(source, parts, resolveModel, signal);
        return stopwatch.time("load", () => parts.graphs.open(found, files, signal));
      },
      warn,
      signal,
    };
    const controls = request.controls.map(({ control, strength }) => {
      const mask = strength.mask && view(strength.mask);
      return { control, strength: { ...strength, mask } };
    });
    const steering = await startControls(controls, run, await parts.mixer());
    return {
      steer: (call) => stopwatch.time("controls", () => steering.steer(call)),
      end() {
        steering.end();
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

function viewed({ painting }: GenerationPlan, picture: RgbaImage): RgbaImage {
  if (!painting) return picture;
  const { image, crop } = painting;
  const { source, target, size } = crop;
  const seesAll = source.width === image.width && source.height === image.height;
  const isFilled = target.width === size.width && target.height === size.height;
  // All of it: controls have their own way to bring a hint to the network's size.
  return seesAll && isFilled ? picture : cropOver(picture, image, crop);
}

function noPorts(): never {
  throw new Error("unreachable: a network that is asked for residuals has ports");
}

async function sourceOf(
  source: ModelSource | string | undefined,
  parts: ModelParts,
  resolve: ModelResolver | undefined,
  signal: AbortSignal | undefined,
): Promise<ModelSource> {
  if (source === undefined) return parts.source;
  if (typeof source !== "string") return source;
  if (resolve) {
    return untilAborted(
      parts.graphs.named(source, () => resolve(source)),
      signal,
    );
  }
  throw new UnderpaintError({
    code: "invalid-request",
    what: "this pipeline was not told how to find a control's model by its name",
    value: source,
    remedy: "pass a model source, or createPipeline's option resolveModel",
  });
}
