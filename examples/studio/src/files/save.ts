import { encodePng, type Recipe, type RgbaImage, recipeText } from "@underpaint/web";

/** A picture and the recipe that made it. */
export interface Signed {
  readonly image: RgbaImage;
  readonly recipe: Recipe;
}

/** Saves a picture as a PNG file with its recipe in it, under the name that it returns. */
export function savePicture({ image, recipe }: Signed): string {
  const png = encodePng(image, { text: recipeText(recipe) });
  const name = `${fileName(recipe.prompt)}-${recipe.seed}.png`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([png], { type: "image/png" }));
  link.download = name;
  link.click();
  // The browser has it by then; a download that has begun is not hurt.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return name;
}

/** A prompt as the beginning of a file's name: "a red apple!" is "a-red-apple". */
export function fileName(prompt: string): string {
  const words =
    prompt
      .normalize("NFKD")
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  return words.join("-").slice(0, 60).replace(/-$/, "") || "picture";
}
