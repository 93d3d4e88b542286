/** The whole file's size as an answer to `Range: bytes=<from>-` tells it, if it does. */
export function totalOf(response: Response, from: number): number | undefined {
  const { headers, status } = response;
  const range = rangeOf(response);
  if (range) return range.total;
  // Where the server compresses although it was asked not to, the length is not the file's.
  const encoded = (headers.get("content-encoding") ?? "identity") !== "identity";
  const length = headers.get("content-length");
  if (length === null || encoded || !/^\d+$/.test(length)) return undefined;
  return (status === 206 ? from : 0) + Number(length);
}

/**
 * Where a 206 begins, and the whole file's size; undefined where the server of another origin does
 * not expose its Content-Range.
 */
export function rangeOf(response: Response): { start: number; total: number } | undefined {
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  return range ? { start: Number(range[1]), total: Number(range[2]) } : undefined;
}

/**
 * What tells whether a file is still the same: a strong ETag, a date, or a weak ETag. Servers of
 * another origin must expose their ETag; the date is always seen.
 */
export function validatorOf(response: Response): string | undefined {
  const etag = response.headers.get("etag") ?? undefined;
  const date = response.headers.get("last-modified") ?? undefined;
  return etag?.startsWith("W/") ? (date ?? etag) : (etag ?? date);
}

/** Whether bytes may be put together that come under the same validator: not under a weak ETag. */
export function isStrong(validator: string | undefined): validator is string {
  return validator !== undefined && !validator.startsWith("W/");
}
