import { expect, it } from "vitest";
import { createKeptTexts } from "../../gateway/kept-texts.ts";

it("texts are made once, until they are too many characters together; an absent one counts by its key", () => {
  const made: string[] = [];
  const texts = createKeptTexts(100);
  const ask = (key: string, text: string | undefined) =>
    texts(key, () => {
      made.push(key);
      return text;
    });
  for (let time = 0; time < 3; time++) {
    expect(ask("a", "x".repeat(60))).toHaveLength(60);
    expect(ask("none", undefined)).toBeUndefined();
    expect(ask("b", "x".repeat(60))).toHaveLength(60);
    expect(ask("c", "x".repeat(30))).toHaveLength(30);
  }
  expect(made).toEqual(["a", "none", "b", "c", "b", "b"]);
  for (let key = 0; key < 50; key++) for (let time = 0; time < 2; time++) ask(`absent ${key}`, undefined);
  expect(made.length).toBeGreaterThan(6 + 90);
});
