import { describe, expect, test } from "vitest";
import type { FeedId } from "../../../protocol/feed.ts";
import { BEHAVIOURS } from "../../../simulator/byzantine/index.ts";
import { FAULT_KINDS, type PlannedFault } from "../../../simulator/cluster/fault.ts";
import { createRandom } from "../../../simulator/random.ts";
import {
  closeBound,
  closeBoundMs,
  faultyBound,
  isWrongClock,
  toleratedStepMs,
  wrongClocks,
} from "../../../simulator/trial/bounds.ts";
import { createDice } from "../../../simulator/trial/dice.ts";
import { drawPlan } from "../../../simulator/trial/draw.ts";
import { FAULT_TABLE } from "../../../simulator/trial/draw-faults.ts";
import { type Plan, SETTINGS } from "../../../simulator/trial/plan.ts";
import { createSettings, MAX_SKEW_MS, SHAPES, VENUES } from "../../../simulator/trial/settings.ts";
import { testKeys } from "../../support/network.ts";

const SEEDS = 500;
const plans = Array.from({ length: SEEDS }, (_, index) => drawPlan(index + 1));
const beyond = Array.from({ length: 100 }, (_, index) => drawPlan(index + 1, "beyond"));
const everything = [...plans, ...beyond];
const share = (predicate: (plan: Plan) => boolean): number => plans.filter(predicate).length / SEEDS;
const has = (plan: Plan, kind: string): boolean => plan.faults.some(({ fault }) => fault.kind === kind);
const nodesIn = ({ fault }: PlannedFault): readonly number[] => {
  if ("node" in fault) return [fault.node];
  if ("nodes" in fault) return fault.nodes ?? [];
  if (fault.kind === "one-way") return [...fault.from, ...fault.to];
  return fault.kind === "clog" ? [fault.from, fault.to] : [];
};
const venuesIn = ({ fault }: PlannedFault): readonly number[] => {
  if ("venue" in fault) return [fault.venue];
  return "venues" in fault ? fault.venues : [];
};
const CLOCK = ["clock-step", "clock-drift"];
/** What happens to a node's clock, or to its process: two of the same sort at once would undo each other. */
const nodeFaults = (plan: Plan, node: number, sort: "clock" | "process"): readonly PlannedFault[] =>
  plan.faults.filter(
    ({ fault }) =>
      ("node" in fault && fault.node === node && CLOCK.includes(fault.kind) === (sort === "clock")) ||
      (fault.kind === "outage" && sort === "process"),
  );

describe("a plan", () => {
  test("follows from its seed and is plain data", () => {
    for (const plan of plans.slice(0, 50)) {
      expect(drawPlan(plan.seed)).toEqual(plan);
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    }
    expect(new Set(plans.map((plan) => JSON.stringify({ ...plan, seed: 0 }))).size).toBe(SEEDS);
  });

  test("names only nodes, venues and feeds that are there, and behaviours that exist", () => {
    for (const plan of everything) {
      const { n, setting, faults, byzantine, skewsMs, startsMs, downAfterHeal } = plan;
      const feeds: readonly string[] = SHAPES[setting].feeds.map(({ feed }) => feed);
      expect([skewsMs.length, startsMs.length]).toEqual([n, n]);
      for (const node of [...faults.flatMap(nodesIn), ...byzantine.map((item) => item.node), ...downAfterHeal]) {
        expect(node).toBeGreaterThanOrEqual(0);
        expect(node).toBeLessThan(n);
      }
      for (const venue of faults.flatMap(venuesIn)) expect(venue).toBeLessThan(VENUES[setting]);
      for (const { fault } of faults) if ("feed" in fault) expect(feeds).toContain(fault.feed);
      for (const { behaviour } of byzantine) expect(Object.keys(BEHAVIOURS)).toContain(behaviour);
    }
  });

  test("is over with every fault when it heals, each fault lasting some time in whole ms", () => {
    for (const { faults, safetyMs, startsMs } of everything) {
      for (const { at, until } of faults) {
        expect(Number.isSafeInteger(at) && Number.isSafeInteger(until)).toBe(true);
        expect(at).toBeGreaterThanOrEqual(0);
        expect(until).toBeGreaterThan(at);
        expect(until).toBeLessThanOrEqual(safetyMs);
      }
      for (const ms of startsMs) expect(ms).toBeLessThan(safetyMs);
    }
  });

  test("has parameters that mean something: both sides of a cut, a copy older than the restart, a price above zero", () => {
    for (const { n, faults } of everything) {
      for (const { at, until, fault } of faults) {
        if (fault.kind === "partition") expect([0, n]).not.toContain(fault.nodes.length);
        if (fault.kind === "one-way") expect(fault.from.filter((node) => fault.to.includes(node))).toEqual([]);
        if (fault.kind === "clog") expect(fault.from).not.toBe(fault.to);
        if (fault.kind === "disk-restored") expect(fault.afterMs).toBeLessThan(until - at);
        if ("bps" in fault) expect(fault.bps).toBeGreaterThan(-10_000);
        if ("bps" in fault) expect(fault.bps).not.toBe(0);
        if ("percent" in fault) expect(fault.percent).toBeGreaterThan(0);
      }
    }
  });

  test("a process and a clock suffer one thing at a time, and a process nothing of its own while everybody is down", () => {
    for (const plan of everything) {
      for (let node = 0; node < plan.n; node++) {
        for (const sort of ["clock", "process"] as const) {
          const own = nodeFaults(plan, node, sort);
          own.forEach((one, index) => {
            for (const other of own.slice(index + 1)) expect(one.at < other.until && other.at < one.until).toBe(false);
          });
        }
      }
    }
  });
});

describe("what makes a node a faulty one", () => {
  test("byzantine nodes, wrong clocks and those that stay down are at most f, and different ones", () => {
    for (const { n, byzantine, faults, downAfterHeal, skewsMs } of plans) {
      const faulty = [...byzantine.map(({ node }) => node), ...wrongClocks(faults, MAX_SKEW_MS), ...downAfterHeal];
      expect(new Set(faulty).size).toBe(faulty.length);
      expect(faulty.length).toBeLessThanOrEqual(faultyBound(n));
      for (const skew of skewsMs) expect(Math.abs(skew)).toBeLessThanOrEqual(toleratedStepMs(MAX_SKEW_MS));
    }
  });

  test("beyond f there is one byzantine node more than allowed, of one mind", () => {
    for (const { n, byzantine, faults } of beyond) {
      expect(byzantine.length).toBe(faultyBound(n) + 1);
      expect(new Set(byzantine.map(({ behaviour }) => behaviour)).size).toBe(1);
      expect(wrongClocks(faults, MAX_SKEW_MS)).toEqual([]);
    }
  });

  const span = { at: 1_000, until: 11_000 };
  test.each([
    ["a step within tolerance", { kind: "clock-step", node: 1, ms: -31 }, false],
    ["a step beyond", { kind: "clock-step", node: 1, ms: -32 }, true],
    ["a drift of 31 ms in all", { kind: "clock-drift", node: 1, ppm: 3_100 }, false],
    ["a drift beyond", { kind: "clock-drift", node: 1, ppm: -3_101 }, true],
    ["a wiped disk", { kind: "disk-wiped", node: 1 }, false],
  ] as const)("%s", (_, fault, counts) => {
    expect(isWrongClock({ ...span, fault }, MAX_SKEW_MS)).toBe(counts);
    expect(wrongClocks([{ ...span, fault }], MAX_SKEW_MS)).toEqual(counts ? [1] : []);
  });
});

describe("how often", () => {
  test.each(FAULT_KINDS)("%s is drawn in at least 8 % of the plans and at most half", (kind) => {
    expect(share((plan) => has(plan, kind))).toBeGreaterThan(0.08);
    expect(share((plan) => has(plan, kind))).toBeLessThan(0.5);
  });

  test("some plans have no fault, some one kind only, some more than eight kinds", () => {
    const kinds = plans.map(({ faults }) => new Set(faults.map(({ fault }) => fault.kind)).size);
    for (const [least, most] of [
      [0, 0],
      [1, 1],
      [9, FAULT_KINDS.length],
    ] as const) {
      expect(kinds.filter((count) => count >= least && count <= most).length).toBeGreaterThan(SEEDS / 40);
    }
  });

  test("sizes, settings and behaviours are all drawn, four nodes mostly", () => {
    expect(share(({ n }) => n === 4)).toBeGreaterThan(0.6);
    for (const n of [7, 10, 13]) expect(share((plan) => plan.n === n)).toBeGreaterThan(0.01);
    for (const setting of SETTINGS) expect(share((plan) => plan.setting === setting)).toBeGreaterThan(0.2);
    const drawn = new Set(plans.flatMap(({ byzantine }) => byzantine.map(({ behaviour }) => behaviour)));
    expect([...drawn].sort()).toEqual(Object.keys(BEHAVIOURS).sort());
  });

  test("wrong clocks, nodes that stay down, healed and unhealed liars, outages of hours", () => {
    const rare: readonly ((plan: Plan) => boolean)[] = [
      ({ faults }) => wrongClocks(faults, MAX_SKEW_MS).length > 0,
      ({ downAfterHeal }) => downAfterHeal.length > 0,
      ({ byzantine, healsByzantine }) => byzantine.length > 0 && healsByzantine,
      ({ byzantine, healsByzantine }) => byzantine.length > 0 && !healsByzantine,
      ({ setting, safetyMs }) => safetyMs > SHAPES[setting].thresholds.gapHoldMs,
      ({ faults }) => faults.filter(({ fault }) => fault.kind === "clog").length > 2,
    ];
    expect(rare.map((predicate) => share(predicate) > 0.03)).toEqual(rare.map(() => true));
  });

  test.each(FAULT_KINDS)("the row of %s draws that kind first, also where no clock may be wrong", (kind) => {
    const shape = {
      n: 4,
      roundMs: 1_000,
      leaseMs: 8_000,
      maxSkewMs: MAX_SKEW_MS,
      thresholds: SHAPES.second.thresholds,
      spanMs: 30_000,
      venues: 7,
    };
    const scene = { ...shape, dice: createDice(createRandom(7, kind)), feeds: ["BTC/USD", "USDT/USD"] };
    for (const wrong of [[], [2]]) {
      const drawn = FAULT_TABLE[kind].draw({ ...scene, wrongClocks: wrong });
      expect(drawn[0]?.fault.kind).toBe(kind);
      expect(wrongClocks(drawn, MAX_SKEW_MS).filter((node) => !wrong.includes(node))).toEqual([]);
    }
  });
});

describe("the time to close", () => {
  const settings = createSettings(testKeys(13));

  test("worked by hand", () => {
    const thresholds = { quoteMs: 4_000, confirmMs: 6_000, clearCapMs: 48_000, probeMs: 4_000 };
    expect(closeBound({ n: 4, roundMs: 1_000, restartRounds: 3, thresholds })).toBe(77_334);
  });

  test.each(SETTINGS)("of %s: a network's is its slowest feed's, and a plan's healing lasts at least as long", (setting) => {
    for (const n of [4, 7, 10, 13]) {
      const { config } = settings.network(setting, n);
      const all = config.feeds.map(({ feed }) => closeBoundMs(config, feed));
      expect(closeBoundMs(config)).toBe(Math.max(...all));
      for (const plan of plans)
        if (plan.n === n && plan.setting === setting) expect(plan.healMs).toBeGreaterThanOrEqual(closeBoundMs(config));
    }
    expect(() => closeBoundMs(settings.network(setting, 4).config, "XRP/USD" as FeedId)).toThrow("XRP/USD");
  });
});
