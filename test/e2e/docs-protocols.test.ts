import { expect, test } from "vitest";
import { walkThrough } from "../docs/walkthrough.ts";

test("docs/protocols.md works word for word in a fresh clone", { timeout: 1_200_000 }, async () => {
  const walk = await walkThrough("docs/protocols.md");
  expect(walk.compared, "blocks whose output is shown").toBeGreaterThan(0);
});
