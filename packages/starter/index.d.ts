/** The version of the embedded model, as recipes name it: `starter@0.1.0`. */
export declare const version: string;

/** A file of the embedded model. */
export interface StarterFile {
  /** Where it is. */
  readonly url: string;
  readonly bytes: number;
}

/**
 * The files of the embedded model by their paths inside the model: `files["unet/model.onnx"].url`.
 * Bundlers that understand `new URL("…", import.meta.url)` (Vite, webpack) copy the files and put
 * their own addresses here.
 */
export declare const files: Readonly<Record<string, StarterFile>>;
