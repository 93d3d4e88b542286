// Draws every usable icon of the emoji sets once, as 128 x 128 RGBA, into a cache folder outside git.
//
//   node render.mjs CACHE [SIZE]
//
// Writes CACHE/pictures.rgba (SIZE * SIZE * 4 bytes a picture, straight alpha) and
// CACHE/pictures.json: one record a picture with where it comes from and under which licence.
// Icons of people with a skin tone, of families, flags, keycaps, clocks and letters are left out:
// near-duplicates, or nothing that a prompt would ask for.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import sharp from "sharp";

const require = createRequire(import.meta.url);
const [cache, sizeText = "128"] = process.argv.slice(2);
if (!cache) throw new Error("usage: node render.mjs CACHE [SIZE]");
const size = Number(sizeText);

/** npm package of the set → the style word that captions use for it. */
const SETS = {
  noto: "noto",
  "noto-v1": "blob",
  fxemoji: "fxemoji",
  "fluent-emoji": "fluent",
  "fluent-emoji-flat": "flat",
  twemoji: "twemoji",
  emojione: "emojione",
};
/** Only these licences may enter: share-alike sets would bind the weights' users. */
const ALLOWED = new Set(["Apache-2.0", "MIT", "CC-BY-4.0"]);

const SKIP = [
  /skin-tone|skintone/,
  /-(dark|light|medium|medium-dark|medium-light)$/,
  /family|couple|kiss-|people-holding|holding-hands|-with-bunny-ears/,
  /^flag-|regional-indicator|keycap|^digit-|cjk-?unified|o-?clock|-thirty$|button$/,
];
const skipped = (name) => SKIP.some((pattern) => pattern.test(name)) && name !== "flag-in-hole";

/** Puts the icon into a square canvas, centred. */
function toSvg(icon, set) {
  const width = icon.width ?? set.width ?? 16;
  const height = icon.height ?? set.height ?? 16;
  const side = Math.max(width, height);
  const left = (icon.left ?? 0) - (side - width) / 2;
  const top = (icon.top ?? 0) - (side - height) / 2;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
    `viewBox="${left} ${top} ${side} ${side}" width="${size}" height="${size}">${icon.body}</svg>`
  );
}

/** Draws one icon; undefined when it cannot be drawn or is almost empty. */
async function draw(svg) {
  try {
    const pixels = await sharp(Buffer.from(svg)).resize(size, size).ensureAlpha().raw().toBuffer();
    if (pixels.length !== size * size * 4) return undefined;
    let alpha = 0;
    for (let i = 3; i < pixels.length; i += 4) alpha += pixels[i];
    return alpha < 255 * size * size * 0.01 ? undefined : pixels;
  } catch {
    return undefined;
  }
}

fs.mkdirSync(cache, { recursive: true });
const out = fs.openSync(path.join(cache, "pictures.rgba"), "w");
const records = [];
for (const [prefix, style] of Object.entries(SETS)) {
  const set = require(`@iconify-json/${prefix}/icons.json`);
  const { license, author } = require(`@iconify-json/${prefix}/info.json`);
  const { version } = require(`@iconify-json/${prefix}/package.json`);
  if (!ALLOWED.has(license.spdx)) throw new Error(`${prefix}: licence ${license.spdx} not allowed`);
  const hexcodeOf = {};
  for (const [hexcode, name] of Object.entries(require(`@iconify-json/${prefix}/chars.json`))) {
    hexcodeOf[name] ??= hexcode;
  }
  let drawn = 0;
  let failed = 0;
  for (const [name, icon] of Object.entries(set.icons)) {
    if (icon.hidden || skipped(name)) continue;
    const pixels = await draw(toSvg(icon, set));
    if (!pixels) {
      failed++;
      continue;
    }
    fs.writeSync(out, pixels);
    records.push({
      package: `@iconify-json/${prefix}`,
      version,
      icon: name,
      style,
      hexcode: hexcodeOf[name] ?? null,
      licence: license.spdx,
      author: author.name,
      source: author.url,
    });
    drawn++;
  }
  console.log(`${prefix}: ${drawn} drawn, ${failed} failed or empty`);
}
fs.closeSync(out);
fs.writeFileSync(path.join(cache, "pictures.json"), JSON.stringify(records));
console.log(`${records.length} pictures of ${size} x ${size}`);
