import { expect, test } from "vitest";
import { walkThrough } from "../docs/walkthrough.ts";

test("docs/operators.md works word for word in a fresh clone", { timeout: 1_800_000 }, async () => {
  const walk = await walkThrough("docs/operators.md");
  expect(walk.compared, "blocks whose output is shown").toBeGreaterThan(5);
});
