/** Ends the last symbol of a word, so that "at" inside a word and at its end are two tokens. */
export const wordEnd = "</w>";

/**
 * The character that a vocabulary's files write for each byte: printable Latin-1 characters stand
 * for themselves, the others for U+0100 and on (as GPT-2's byte-level vocabularies have it).
 */
export const byteSymbols: readonly string[] = (() => {
  const symbols: string[] = [];
  let hidden = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    symbols.push(String.fromCharCode(printable ? byte : hidden++));
  }
  return symbols;
})();
