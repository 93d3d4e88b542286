/** The files of the embedded model, as paths inside it. */
export function starterFiles(): string[];
/** The content of packages/starter/index.js. */
export function starterIndex(): string;
