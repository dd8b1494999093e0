import type { Random } from "../../simulator/random.ts";
import { BYTE_MUTATIONS } from "./mutate-bytes.ts";
import { insertWord, JSON_MUTATIONS } from "./mutate-json.ts";
import type { Shape } from "./target.ts";

/** As many changes at once, mostly few. */
const MAX_CHANGES = 6;
/** The newest members of the corpus are drawn half of the time: they reached something last. */
const NEWEST = 24;

export type MutationOptions = { readonly shape: Shape; readonly maxBytes: number; readonly dictionary: readonly string[] };

/** A new input from the corpus, which is not empty. */
export function mutate(
  corpus: readonly Uint8Array[],
  random: Random,
  { shape, maxBytes, dictionary }: MutationOptions,
): Uint8Array {
  const draw = () => corpus[drawn(corpus.length, random)] ?? new Uint8Array(0);
  let input = draw();
  const changes = 1 + random.below(1 + random.below(MAX_CHANGES));
  for (let i = 0; i < changes; i++) {
    const isStructural = shape === "json" && random.below(8) !== 0;
    const mutations = isStructural ? JSON_MUTATIONS : BYTE_MUTATIONS;
    const byWord = dictionary.length > 0 && random.below(shape === "text" ? 3 : 10) === 0;
    const mutation = mutations[random.below(mutations.length)];
    if (byWord) input = insertWord(input, random, dictionary);
    else if (mutation !== undefined) input = mutation(input, random, draw());
    if (input.length > maxBytes) input = input.slice(0, maxBytes);
  }
  return input;
}

function drawn(size: number, random: Random): number {
  return random.below(2) === 0 ? random.below(size) : size - 1 - random.below(Math.min(size, NEWEST));
}
