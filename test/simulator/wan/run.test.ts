import { describe, expect, test } from "vitest";
import { RECORDED_COSTS } from "../../../simulator/wan/costs.ts";
import { PRODUCTION_MESH } from "../../../simulator/wan/mesh.ts";
import { quantile, reportLines, tableRow } from "../../../simulator/wan/report.ts";
import { runWan, type WanSettings } from "../../../simulator/wan/run.ts";

const SETTINGS: WanSettings = {
  seed: 1,
  nodes: 7,
  feeds: 20,
  carried: 1,
  roundMs: 1_000,
  graceMs: 150,
  hopBudgetMs: 50,
  rounds: 4,
  lossPpm: 0,
  law: "cubic",
  mbitPerSecond: 1_000,
  mesh: PRODUCTION_MESH,
  costs: RECORDED_COSTS,
};

describe("a committee over five regions", () => {
  test("the same settings give the same outcome, another seed another one", () => {
    const lossy = { ...SETTINGS, lossPpm: 10_000 };
    expect(runWan(lossy)).toEqual(runWan(lossy));
    expect(runWan({ ...lossy, seed: 2 }).traffic.bytesOf).not.toEqual(runWan(lossy).traffic.bytesOf);
  });

  test("few feeds without loss: every round is certified everywhere, and no faster than light", () => {
    const outcome = runWan(SETTINGS);
    expect(outcome.certified).toBe(4);
    expect(outcome.everywhere).toBe(4);
    // Observation, proposal and signatures: three ways of at least the nearest region's 43 ms.
    expect(outcome.first[0]).toBeGreaterThan(3 * 43);
    expect(outcome.last.at(-1)).toBeLessThan(1_000);
    expect(outcome.traffic.cuts).toBe(0);
    expect(outcome.traffic.byKind.repeat).toBe(0);
  });

  test("feeds that are only weighed give what feeds that are carried give", () => {
    const weighed = runWan(SETTINGS);
    const carried = runWan({ ...SETTINGS, carried: 20 });
    expect(weighed.sizes.entryBytes).toBe(carried.sizes.entryBytes);
    expect(weighed.certified).toBe(carried.certified);
    const middle = [weighed, carried].map(({ median }) => quantile(median, 0.5) ?? Number.NaN);
    expect(Math.abs((middle[0] ?? 0) - (middle[1] ?? 0))).toBeLessThan(5);
    const bytes = [weighed, carried].map(({ traffic }) => traffic.bytesOf.reduce((sum, sent) => sum + sent, 0));
    expect((bytes[0] ?? 0) / (bytes[1] ?? 1)).toBeCloseTo(1, 1);
  });

  test("members on the other side of the world leave their quarantine: nobody goes on asking", () => {
    // Sydney and Frankfurt are 251 ms apart: two round trips would be too long to compare clocks within maxSkewMs.
    const outcome = runWan({ ...SETTINGS, nodes: 10, feeds: 1 });
    expect(outcome.everywhere).toBe(4);
    expect(outcome.events.get("hello-unusable")).toBeUndefined();
  });

  test("loss costs time; a slow machine costs time", () => {
    const quiet = quantile(runWan(SETTINGS).median, 0.5) ?? 0;
    const lossy = quantile(runWan({ ...SETTINGS, lossPpm: 30_000 }).median, 0.5) ?? 0;
    const slow = { ...RECORDED_COSTS, foldFeed: 5 };
    const busy = quantile(runWan({ ...SETTINGS, costs: slow }).median, 0.5) ?? 0;
    expect(lossy).toBeGreaterThan(quiet);
    // The leader folds before it proposes, everybody else before he signs: 20 feeds of 5 ms each time.
    expect(busy).toBeGreaterThan(quiet + 150);
  });

  test("the report says what was asked and what came of it", () => {
    const outcome = runWan(SETTINGS);
    const lines = reportLines(SETTINGS, outcome);
    expect(lines[0]).toBe(
      "7 nodes · 20 feeds (1 carried) · rounds of 1000 ms, grace 150 ms · loss 0 % · cubic · 1000 Mbit/s · mesh 6–12 · seed 1",
    );
    expect(lines).toContain("rounds certified      4 of 4, by every node 4; at most 0 in a row without");
    expect(tableRow(SETTINGS, outcome)).toMatch(/^\| 7 \| 20 \| 1 s \| 0 % \| cubic \| 6–12 \| 4 \/ 4 \| 4 \|/);
  });
});
