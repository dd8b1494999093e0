/** Texts of keys that strangers choose, so that what is asked for again and again is made once. */
export type KeptTexts = (key: string, make: () => string | undefined) => string | undefined;

/**
 * Keeps what was made until that is so many characters together; from then on a new text is made each time it is asked for.
 *
 * @example
 * const texts = createKeptTexts(3);
 * texts("a", () => "aaa"); // kept
 * texts("b", () => "bbb"); // made again the next time
 */
export function createKeptTexts(maxChars: number): KeptTexts {
  const texts = new Map<string, string | undefined>();
  let chars = 0;
  return (key, make) => {
    if (texts.has(key)) return texts.get(key);
    const text = make();
    const size = key.length + (text?.length ?? 0);
    if (chars + size > maxChars) return text;
    chars += size;
    texts.set(key, text);
    return text;
  };
}
