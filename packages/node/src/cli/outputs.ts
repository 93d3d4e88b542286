import { existsSync } from "node:fs";

/**
 * The files that pictures go to: the name itself for one, `name-1.png`, `name-2.png`, … for more.
 * Without a name, `picture.png`, or the first of `picture-2.png`, … such that nothing there is
 * overwritten.
 */
export function outputFiles(
  output: string | undefined,
  count: number,
  isTaken: (file: string) => boolean = existsSync,
): readonly string[] {
  if (output !== undefined) return numbered(output.replace(/\.png$/i, ""), count, output);
  for (let attempt = 1; ; attempt++) {
    const stem = attempt === 1 ? "picture" : `picture-${attempt}`;
    const files = numbered(stem, count, `${stem}.png`);
    if (!files.some(isTaken)) return files;
  }
}

function numbered(stem: string, count: number, single: string): readonly string[] {
  if (count === 1) return [single];
  return Array.from({ length: count }, (_, index) => `${stem}-${index + 1}.png`);
}
