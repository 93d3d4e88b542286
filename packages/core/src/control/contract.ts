import type { DeviceTensor, InferenceSession } from "../backend/contract.js";
import type { ResidualPort } from "../graph/controllable.js";
import type { Branch, StepPosition } from "../guidance/contract.js";
import type { RgbaImage } from "../image/image.js";
import type { ModelFamily } from "../model/family.js";
import type { ModelSource } from "../model/source.js";
import type { FloatTensor, Tensor } from "../tensor/tensor.js";

/**
 * Which of the prompt and a control wins.
 *
 * - `balanced`: the control's residuals as they are, on both halves of the guidance.
 * - `promptFirst`: soft weights (see {@link softWeights}), on both halves.
 * - `controlFirst`: soft weights on the prompt's half alone, so that guidance amplifies what the
 *   control says: diffusers' `guess_mode`.
 */
export type ControlMode = "balanced" | "promptFirst" | "controlFirst";

/**
 * How much, when and where a control acts. The pipeline applies it to whatever a control gives, so
 * that all of it is there for every control and none has to know of it.
 */
export interface ControlStrength {
  /**
   * What residuals and features are multiplied with, 1 when left out: one number, or one for each
   * block that the control gives something for, in the order of {@link ControlPorts} (a ControlNet
   * for Stable Diffusion 1.5 has 13: 12 and the middle; a T2I-Adapter 4). −10 to 10.
   */
  readonly weight?: number | readonly number[];
  /** The share of the steps after which it begins, 0 to 1; 0 when left out. */
  readonly start?: number;
  /**
   * The share of the steps at which it ends, `start` to 1; 1 when left out. Step i of n is active
   * unless i / n < start or (i + 1) / n > end, as in diffusers.
   */
  readonly end?: number;
  /**
   * Where it acts, of the picture's size: fully where it is white, not at all where it is black or
   * transparent. Everywhere when left out.
   */
  readonly mask?: RgbaImage;
  /** `balanced` when left out. */
  readonly mode?: ControlMode;
}

/** Steers pictures by something that is no text: a plug-in kind. A plain object, made by a factory. */
export interface Control {
  /** As in a recipe: "controlnet". */
  readonly name: string;
  /** The factory's options, plain JSON, without pictures and strength. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The pictures that it was made with, by role ("hint"): recipes hold their digests. */
  readonly pictures?: Readonly<Record<string, RgbaImage>>;
  /** Applied by the pipeline, never by the control itself. */
  readonly strength?: ControlStrength;
  /**
   * Whether it gives features for the encoder: a network is given the inputs for them only where
   * they are needed. False when left out.
   */
  readonly givesFeatures?: boolean;
  /**
   * What it was made with that its options cannot hold, so that it can neither be made again of a
   * recipe nor sent to a worker: a `source` as its model, or a model that draws its hint
   * (`hint-model`). Left out where name, options, pictures and strength are all there is to it.
   */
  readonly holds?: "source" | "hint-model";
  /**
   * The hint exactly as the network will see it in a picture of this size.
   *
   * @param size pixels; the hint's own when left out.
   */
  preview?(size?: { readonly width: number; readonly height: number }): Promise<RgbaImage>;
  /**
   * Begins a request: opens what it needs, checks that it fits the model, and returns the function
   * that is called while the picture is made. State lives in that closure, so that requests cannot
   * mix.
   *
   * @throws UnderpaintError `model-unsupported` for a network that it does not fit,
   * `invalid-request` for options that cannot be.
   */
  start(run: ControlRun): Promise<ControlStep>;
}

/**
 * Called whenever the network is about to be run, in the steps and for the branches that the
 * control is to act in. Undefined steers nothing in this call.
 */
export type ControlStep = (call: ControlCall) => Promise<ControlContribution | undefined>;

/** What a control's own start is told of a request, and what it may use. */
export interface ControlRun {
  /** The picture's size in pixels. */
  readonly width: number;
  readonly height: number;
  /** [channels, height, width] of a picture's latents. */
  readonly latentDims: readonly number[];
  /**
   * What the network sees of a picture that lies over the result: all of it, or, where the request
   * paints into a picture, the part of `width` × `height` that the network works on. A picture of
   * another size than the result is taken to be stretched over it.
   */
  view(picture: RgbaImage): RgbaImage;
  /** Steps of the schedule. */
  readonly steps: number;
  /** The first of them that is run: above 0 for image-to-image. */
  readonly begin: number;
  /** Pictures of the request. */
  readonly count: number;
  /** The branches that the guidance may ask for. */
  readonly branches: readonly Branch[];
  readonly model: ControlledModel;
  /** Where the network takes something in. */
  readonly ports: ControlPorts;
  /**
   * Loads a graph on the pipeline's device. It is kept for the next request that asks for it, and
   * is the pipeline's to dispose; outputs stay on the device where it has one.
   *
   * @throws UnderpaintError `model-not-found` when there is none of these files; the errors of
   * loading.
   */
  openGraph(graph: ControlGraph): Promise<OpenedGraph>;
  /** Tells the user something that stops nothing. */
  warn(warning: ControlWarning): void;
  readonly signal: AbortSignal | undefined;
}

/** The model that a control is to steer. */
export interface ControlledModel {
  /** Its source's id. */
  readonly id: string;
  readonly family: ModelFamily;
  /** The width of its text states: 768 for Stable Diffusion 1, 1024 for 2. Undefined where unknown. */
  readonly textWidth: number | undefined;
  /** The controls that it brings along: their folders in the model, by name. */
  readonly controls: Readonly<Record<string, string>>;
}

/** A network's inputs for controls, each with its channels and how much smaller than the latents it is. */
export interface ControlPorts {
  /**
   * A ControlNet's residuals, in the order of diffusers' `down_block_res_samples`; added to what
   * the up path takes in of the down path.
   */
  readonly down: readonly ResidualPort[];
  /** A ControlNet's last residual, added to the middle block's end. */
  readonly mid: ResidualPort;
  /**
   * A T2I-Adapter's features, one for each block of the encoder and one for the middle block's end
   * (diffusers' `down_intrablock_additional_residuals`); added inside it, so that all that follows
   * sees them. Empty where no control of the request {@link Control.givesFeatures}, and where the
   * network's export cannot take them.
   */
  readonly encoder: readonly ResidualPort[];
}

/** A graph that a control runs. */
export interface ControlGraph {
  /**
   * Where it is: a source, or the name of a model as the platform's `createPipeline` takes it; the
   * pipeline's own model when left out. A graph that was loaded is known again by the name, or by
   * the source's object.
   */
  readonly source?: ModelSource | string;
  /** Its path inside the source, or several of which the first that is there is taken. */
  readonly file: string | readonly string[];
}

/** A graph that was loaded. */
export interface OpenedGraph {
  readonly session: InferenceSession;
  /** What errors call it: the source's id and the path. */
  readonly label: string;
}

/** What a control may tell the user. */
export interface ControlWarning {
  /**
   * - `hint-resized`: a hint was brought to the picture's size.
   * - `hint-inverted`: a hint was drawn the other way round than the network wants it.
   * - `control-note`: anything else.
   */
  readonly code: "hint-resized" | "hint-inverted" | "control-note";
  /** One sentence. */
  readonly message: string;
}

/** What the network is about to be asked, of one picture. */
export interface ControlCall {
  /** [n, channels, height, width], scaled as the network takes them, one entry for each branch. */
  readonly latents: FloatTensor;
  /** On the model's training scale, mostly 0 to 1000; may be fractional. */
  readonly timestep: number;
  /** Text states [n, tokens, width]. */
  readonly states: FloatTensor;
  /** The branches of the n entries. */
  readonly branches: readonly Branch[];
  readonly at: StepPosition;
  /** The picture's index in the request. */
  readonly picture: number;
  /** What networks of Stable Diffusion XL are told besides: pooled text [n, width], sizes [n, 6]. */
  readonly added?: { readonly textEmbeds: FloatTensor; readonly timeIds: FloatTensor };
}

/**
 * What a control adds to the network, where its {@link ControlPorts} are: [1 or n, channels,
 * height, width], on the CPU or the device. Height and width may be 1: the same everywhere.
 * Entries that are undefined, or missing at the end, add nothing.
 */
export interface ControlContribution {
  readonly down?: readonly (Tensor | DeviceTensor | undefined)[];
  readonly mid?: Tensor | DeviceTensor;
  readonly encoder?: readonly (Tensor | DeviceTensor | undefined)[];
  /**
   * `call` (when left out): for this call alone. `run`: the same for every step, branch and picture
   * of the request, [1, …]; the control is not called again.
   *
   * Device tensors are disposed by the pipeline, when the call or the request ends.
   */
  readonly scope?: "call" | "run";
}
