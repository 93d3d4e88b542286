import type {
  ComponentName,
  FloatTensor,
  GenerateResult,
  ModelManifest,
  ModelProgress,
  PipelineWarning,
  ResultEvent,
  RgbaImage,
  StepEvent,
} from "@underpaint/core";
import type { SentControls } from "../controls/sent-controls.js";
import type { ErrorMessage } from "./error-message.js";

// What goes between a page and the worker that its pipeline runs in. Every call is answered once,
// by its id. Nothing else but aborts goes to the worker, and nothing else but notices comes back.

/** A step without what can be called. */
export type StepMessage = Omit<StepEvent, "preview">;

/** What is known of a pipeline that was opened. */
export interface OpenedMessage {
  readonly manifest: ModelManifest;
  /** What the pipeline says of itself besides, such as its device. */
  readonly state: PipelineState;
}

/** The plain properties of a pipeline besides its manifest. */
export type PipelineState = Readonly<Record<string, unknown>>;

/** A request without what stays in the page, and its controls where there are any. */
export interface RequestMessage {
  readonly request: unknown;
  readonly controls?: SentControls;
}

/** What the worker can be asked for, by name: what it is handed, and what it answers. */
export interface Calls {
  /** Opens the model; the first call, and made once. */
  open: { asked: { version: string; options: PipelineState }; answer: OpenedMessage };
  generate: { asked: RequestMessage; answer: GenerateResult };
  /** Begins a request and answers its first event. */
  stream: { asked: RequestMessage; answer: StepMessage | ResultEvent };
  /** The next event of a request, which is not worked on in between. */
  next: { asked: object; answer: StepMessage | ResultEvent };
  /** Ends a request whose reader left. */
  leave: { asked: object; answer: undefined };
  preview: {
    asked: { latents: FloatTensor; index: number };
    answer: RgbaImage;
  };
  load: { asked: object; answer: undefined };
  unload: { asked: { component: ComponentName | "controls" | undefined }; answer: undefined };
}

export type CallName = keyof Calls;

/** One call of the page. */
export type CallMessage = {
  [N in CallName]: {
    readonly id: number;
    readonly run: number;
    readonly call: N;
  } & Calls[N]["asked"];
}[CallName];

/** To the worker. `run` numbers a request, which a stream makes several calls for. */
export type ToWorker = CallMessage | { readonly abort: number } | { readonly end: true };

/** To the page. */
export type FromWorker =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: ErrorMessage }
  /** The call ended because the page had aborted it. */
  | { readonly id: number; readonly aborted: true }
  | { readonly progress: ModelProgress }
  | { readonly warning: PipelineWarning }
  | { readonly state: PipelineState }
  /** A message arrived that could not be read, and so could not be answered. */
  | { readonly unreadable: true };
