import { describe, expect, test } from "vitest";
import { ACT_KINDS } from "../../../simulator/cluster/act.ts";
import { createChains } from "../../../simulator/trial/chains.ts";
import { drawPlan } from "../../../simulator/trial/draw.ts";
import { parsePlan } from "../../../simulator/trial/plan-file.ts";
import { SHAPES } from "../../../simulator/trial/settings.ts";

const SEEDS = 400;
const plans = Array.from({ length: SEEDS }, (_, index) => drawPlan(index + 1));

describe("what keyholders do", () => {
  test("is drawn for about half of the seeds, in order, on nodes and feeds that there are, before the healing", () => {
    const acting = plans.filter(({ acts }) => acts.length > 0);
    expect(acting.length).toBeGreaterThan(0.45 * SEEDS);
    expect(acting.length).toBeLessThan(0.65 * SEEDS);
    for (const { acts, n, safetyMs, setting } of acting) {
      const feeds: readonly string[] = SHAPES[setting].feeds.map(({ feed }) => feed);
      expect(acts.map(({ at }) => at)).toEqual(acts.map(({ at }) => at).sort((a, b) => a - b));
      for (const { at, nodes, act } of acts) {
        expect(at).toBeGreaterThanOrEqual(0);
        expect(at).toBeLessThanOrEqual(safetyMs);
        expect(nodes.length).toBeGreaterThan(0);
        for (const node of nodes) expect(node).toBeLessThan(n);
        expect(feeds).toContain(act.feed);
      }
    }
  });

  test.each(ACT_KINDS)("%s is drawn in at least two of a hundred plans", (kind) => {
    const drawn = plans.filter(({ acts }) => acts.some(({ act }) => act.kind === kind));
    expect(drawn.length).toBeGreaterThan(0.02 * SEEDS);
  });

  test("is nothing beyond f: there is enough to see without it", () => {
    expect(drawPlan(3, "beyond").acts).toEqual([]);
  });

  test("goes through a file as it is; a plan of before there were acts has none", () => {
    const plan = plans.find(({ acts }) => acts.length > 1);
    expect(parsePlan(JSON.stringify(plan))).toEqual({ ok: true, value: plan });
    const { acts: _, ...older } = plan ?? {};
    expect(parsePlan(JSON.stringify(older))).toMatchObject({ ok: true, value: { acts: [] } });
  });
});

describe("a chain of a trial", () => {
  const NOW = 1_800_000_000_500;
  const chain = () => createChains({ chains: [{ chain: "ETHEREUM", blockMs: 1_000, feeFloorGwei: "20", liquidateNone: false }] });
  const read = (chains: ReturnType<typeof chain>, now: number) =>
    Object.fromEntries(chains.gauges({ now, clock: now + 7 }).map(({ gauge, value, asOf }) => [gauge, [value, asOf]]));

  test("has a block at every multiple of its time, by ascending names and each node's own clock", () => {
    expect(read(chain(), NOW)).toEqual({
      "fee.ETHEREUM": [30n * 10n ** 18n, NOW + 7],
      "head.ETHEREUM": [1_800_000_000_000n, NOW + 7],
      "wait.ETHEREUM": [1_000n, NOW + 7],
    });
  });

  test("halts, grows dear and full, each while its fault lasts", () => {
    const chains = chain();
    const faults = [{ kind: "chain-halt" }, { kind: "chain-fee" }, { kind: "chain-jam" }] as const;
    for (const fault of faults) chains.begin(fault, NOW);
    expect(read(chains, NOW + 60_000)).toEqual({
      "fee.ETHEREUM": [600n * 10n ** 18n, NOW + 60_007],
      "head.ETHEREUM": [1_800_000_000_000n, NOW + 60_007],
      "wait.ETHEREUM": [8_000n, NOW + 60_007],
    });
    for (const fault of faults) chains.end(fault);
    expect(read(chains, NOW + 60_000)["head.ETHEREUM"]).toEqual([1_800_000_060_000n, NOW + 60_007]);
  });
});
