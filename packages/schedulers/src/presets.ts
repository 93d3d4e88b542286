import { type OptionField, readOptions } from "@underpaint/core";

type Fields = Readonly<Record<string, OptionField<unknown>>>;
type Read<F extends Fields> = { readonly [K in keyof F]: ReturnType<F[K]> };

/**
 * Reads the options of a preset, the scheduler `name` that is another one with some options fixed.
 *
 * @returns all settings, and those that the preset leaves open.
 * @throws UnderpaintError `invalid-request`, for the fixed options too.
 */
export function readPreset<F extends Fields>(
  name: string,
  options: object,
  fields: F,
  preset: Readonly<Record<string, unknown>>,
): { readonly settings: Read<F>; readonly open: Readonly<Record<string, unknown>> } {
  const openFields = Object.fromEntries(Object.entries(fields).filter(([key]) => !(key in preset)));
  const open = readOptions(name, options, openFields);
  return { settings: readOptions(name, { ...open, ...preset }, fields), open };
}
