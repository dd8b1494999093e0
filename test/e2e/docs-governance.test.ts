import { expect, test } from "vitest";
import { walkThrough } from "../docs/walkthrough.ts";

test("docs/governance.md works word for word in a fresh clone", { timeout: 1_200_000 }, async () => {
  const walk = await walkThrough("docs/governance.md");
  expect(walk.compared, "blocks whose output is shown").toBeGreaterThan(0);
});
