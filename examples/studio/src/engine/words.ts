import { files } from "@underpaint/starter";

/** Colours that go before a thing or a ground: "a blue car on a red background". */
export const colours = [
  "red",
  "orange",
  "yellow",
  "green",
  "blue",
  "purple",
  "pink",
  "brown",
  "black",
  "gray",
] as const;

/** The emoji sets that the model has learnt to draw like. */
export const styles = [
  "noto style",
  "twemoji style",
  "fluent style",
  "flat style",
  "emojione style",
] as const;

/** Things that this model draws well, to begin with. */
const favourites = [
  "apple",
  "house with garden",
  "car",
  "owl",
  "star",
  "rocket",
  "guitar",
  "tree",
  "hamburger",
  "umbrella",
  "heart",
  "mushroom",
  "sailboat",
  "penguin",
  "castle",
  "cactus",
  "butterfly",
  "crown",
  "strawberry",
  "snowman",
  "hut",
  "teapot",
] as const;

/** The things that the model knows; none where they cannot be fetched, which stops nothing. */
export async function fetchThings(): Promise<readonly string[]> {
  try {
    const response = await fetch(files["words.json"]!.url);
    const things: unknown = await response.json();
    return Array.isArray(things) ? things.filter((word) => typeof word === "string") : [];
  } catch {
    return [];
  }
}

/** Some prompts that are worth trying, others each time. */
export function ideas(count: number, random: () => number = Math.random): string[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const things = new Set<string>();
  while (things.size < count) things.add(pick(favourites));
  const grounds = colours.filter((colour) => colour !== "brown");
  const shapes: ((thing: string) => string)[] = [
    (thing) => thing,
    (thing) => `${pick(colours)} ${thing}`,
    (thing) => `${thing} on ${withArticle(pick(grounds))} background`,
    (thing) => `${thing}, ${pick(styles)}`,
  ];
  return [...things].map((thing, index) => shapes[index % shapes.length]!(thing));
}

function withArticle(word: string): string {
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`;
}
