import { describe, expect, test } from "vitest";
import type { ThresholdOverrides } from "../../../protocol/thresholds.ts";
import { parsePresetThresholds } from "../../../simulator/incidents/preset-thresholds.ts";
import { AS_EXPECTED, runScenario } from "../../../simulator/incidents/run.ts";
import { compareIncidents, INCIDENT_NAMES, playIncidents, SCENARIOS } from "../../../simulator/incidents/suite.ts";

describe("fourteen incidents", () => {
  test("are all there, each once", () => {
    expect(SCENARIOS).toHaveLength(14);
    expect(new Set(INCIDENT_NAMES).size).toBe(INCIDENT_NAMES.length);
  });

  test.each(SCENARIOS)("$name: $title", (scenario) => {
    const result = runScenario(scenario);
    expect(result.faults).toEqual([]);
    expect(result).toMatchObject({ outcome: "caught", summary: AS_EXPECTED, asExpected: true, roundsLate: 0 });
    for (const loan of result.loans) expect(loan.throttledMs, `${loan.name}: healthy, and never even through the bucket`).toBe(0);
  });

  test.each(SCENARIOS)("$name says where its figures are from and whom it is about", (scenario) => {
    expect(scenario.sources.length).toBeGreaterThan(0);
    for (const { url, title, says } of scenario.sources) {
      expect(url).toMatch(/^https:\/\//);
      expect(Math.min(title.length, says.length)).toBeGreaterThan(10);
    }
    expect([...scenario.figures, ...scenario.assumed].length).toBeGreaterThan(0);
    expect(scenario.loans?.flatMap(({ expected }) => expected).length, "loans with expected answers").toBeGreaterThan(0);
    for (const { from, to } of scenario.expected)
      expect([from < to, from >= 0, to <= scenario.until]).toEqual([true, true, true]);
  });
});

const WITHOUT_GAP: ThresholdOverrides = { gapBps: 50_000, jumpBps: 10_000, pegBps: 1_000 };
const DEAF: ThresholdOverrides = {
  divergenceBps: 10_000,
  dispersionBps: 3_000,
  tolBps: 3_000,
  jumpBps: 3_000,
  gapBps: 6_000,
  pegBps: 1_000,
};
const NERVOUS: ThresholdOverrides = { jumpBps: 20, gapBps: 200, dispersionBps: 10, divergenceBps: 300 };

test.each<readonly [what: string, thresholds: ThresholdOverrides, name: string, outcome: string, fault: RegExp]>([
  [
    "no jump, no peg and hardly a gap",
    WITHOUT_GAP,
    "capo-2026",
    "missed",
    /^healthy-loan-liquidated in 1800 rounds, first at 0 s/,
  ],
  ["no jump, no peg and hardly a gap", WITHOUT_GAP, "outage-4h", "missed", /expected jump/],
  ["disagreement does not count", DEAF, "dai-2020", "missed", /^closed-at-disputed-price/],
  ["disagreement does not count", DEAF, "uwu-2024", "missed", /expected open, found closed/],
  ["everything counts", NERVOUS, "pyth-2021", "false pause", /expected closed, found open/],
  ["everything counts", NERVOUS, "luna-2022", "false pause", /expected no gap/],
  ["every jump forbids everything", { liquidateNone: ["jump"] }, "crash", "false pause", /^insolvent-loan-waits/],
  [
    "more groups than there are",
    { wantGroups: 9, minGroups: 8 },
    "mngo-2022",
    "missed",
    /^no config under these thresholds: .*sources/,
  ],
])("%s: %o shows in %s", (_, thresholds, name, outcome, fault) => {
  const [result] = playIncidents({ only: name, thresholdsOf: () => thresholds });
  expect(result).toMatchObject({ name, outcome, asExpected: false });
  expect(
    result?.faults.some((text) => fault.test(text)),
    result?.summary,
  ).toBe(true);
});

test("the same scenario gives the same result, which is data alone", () => {
  const [first] = playIncidents({ only: "crash" });
  const [again] = playIncidents({ only: "crash" });
  expect(first).toEqual(again);
  expect(JSON.parse(JSON.stringify(first))).toEqual(first);
});

test("two runs are compared by name, as a replay report does", () => {
  const before = [...playIncidents({ only: "pyth-2021" })];
  const after = [...playIncidents({ only: "pyth-2021", thresholdsOf: () => NERVOUS })];
  expect(compareIncidents(before, before)).toEqual([{ name: "pyth-2021", before: AS_EXPECTED, after: AS_EXPECTED }]);
  expect(compareIncidents(before, after)).toEqual([
    { name: "pyth-2021", before: AS_EXPECTED, after: expect.stringMatching(/^BTC\/USD at 0 s: expected closed, found open/) },
  ]);
});

test("a threshold file sets all presets or one, and nothing else", () => {
  const parsed = parsePresetThresholds({ thresholds: { jumpBps: 400 }, presets: { stable: { jumpBps: 200 } } });
  expect(parsed.ok && [parsed.value("major"), parsed.value("stable")]).toEqual([{ jumpBps: 400 }, { jumpBps: 200 }]);
  expect(parsePresetThresholds(null)).toMatchObject({ ok: true });
  expect(parsePresetThresholds({ presets: { minor: {} } })).toMatchObject({ ok: false });
  expect(parsePresetThresholds({ thresholds: { jumpBps: 0 } })).toMatchObject({
    ok: false,
    error: [{ path: "thresholds.jumpBps", expected: expect.stringContaining("10") }],
  });
});
