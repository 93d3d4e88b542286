/** Bytes, gzipped, of an application that imports `createPipeline` of @underpaint/web alone. */
export interface Sizes {
  /** What a page loads whose pipeline is in a worker. */
  readonly page: number;
  /** What makes a first picture with the embedded model. */
  readonly picture: number;
  /** All that may ever be loaded. */
  readonly all: number;
  readonly later: readonly { readonly name: string; readonly bytes: number }[];
}

/** @param without packages that are not counted. */
export function measure(without?: readonly RegExp[]): Promise<Sizes>;
