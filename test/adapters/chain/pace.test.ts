import { expect, test } from "vitest";
import { pauseMs } from "../../../adapters/chain/pace.ts";

const SETTINGS = { intervalMs: 1_000, backoffBaseMs: 2_000, backoffCapMs: 10_000 };
const NOW = 1_000_000;
const limited = (ms: number) => [{ code: "rate-limited", detail: "", retryAt: NOW + ms }] as const;

test.each([
  ["the rest of the interval", 0, 200, [], 0.5, 800],
  ["shifted by a tenth at most", 0, 200, [], 0, 700],
  ["never less than nothing", 0, 5_000, [], 0.5, 0],
  ["the back-off after a failure", 1, 200, [], 0, 1_000],
  ["twice as long after two", 2, 200, [], 0, 2_000],
  ["up to its cap", 9, 200, [], 0, 5_000],
  ["what the endpoint asked for", 1, 200, limited(60_000), 0, 60_000],
  ["but not for days", 1, 200, limited(86_400_000), 0, 900_000],
  ["a limit of one call holds back nothing", 0, 200, limited(60_000), 0.5, 800],
] as const)("%s", (_, failures, tookMs, faults, drawn, pause) => {
  expect(pauseMs({ failures, tookMs, faults, now: NOW }, SETTINGS, drawn)).toBe(pause);
});
