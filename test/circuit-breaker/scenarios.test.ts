import { describe, expect, test } from "vitest";
import { BIT } from "../../circuit-breaker/rules/rule.ts";
import type { Report } from "../../protocol/report.ts";
import { type Chain, cents, closedChain, createChain, ETH, networkWith, PRICE } from "./chain.ts";

/** The states of a chain as runs: `[["open", 59], ["half-open", 300], …]`. */
function runsOf(reports: readonly Report[]): readonly (readonly [string, number])[] {
  const runs: [string, number][] = [];
  for (const { state } of reports) {
    const last = runs.at(-1);
    if (last?.[0] === state) last[1] += 1;
    else runs.push([state, 1]);
  }
  return runs;
}

function watch(chain: Chain, rounds: number, priceAt: (round: number) => bigint | undefined, missed = 0): readonly Report[] {
  return Array.from({ length: rounds }, (_, index) => {
    const price = priceAt(index);
    return chain.eth(price === undefined ? undefined : { price }, index === 0 ? missed : 0).report;
  });
}

const spans = ({ low, high }: Report, ...prices: readonly bigint[]) => prices.every((price) => low < price && price < high);

describe("a step in one feed alone", () => {
  test("−12 % of a major is held on the hull for confirmMs, then probed, then closed", () => {
    const after = cents(158_400);
    const reports = watch(closedChain(), 400, () => after);
    expect(runsOf(reports)).toEqual([
      ["open", 59],
      ["half-open", 300],
      ["closed", 41],
    ]);
    for (const report of reports.slice(0, 59)) {
      expect(report).toMatchObject({ price: after, liquidate: "robust", borrow: false, budgetBps: 0 });
      expect(spans(report, after, PRICE)).toBe(true);
    }
    expect(reports[59]).toMatchObject({ liquidate: "any", borrow: false, budgetBps: 1_000 });
    expect(spans(reports[59] as Report, PRICE)).toBe(false);
    const budgets = reports.slice(60, 359).map(({ budgetBps }) => budgetBps);
    expect(budgets).toEqual([...budgets].sort((a, b) => a - b));
    expect(reports[359]).toMatchObject({ state: "closed", liquidate: "any", budgetBps: 10_000, reasons: 0 });
  });

  test("−20 % of a large cap as well", () => {
    const reports = watch(closedChain(networkWith({ [ETH]: { preset: "large" } })), 400, () => cents(144_000));
    expect(runsOf(reports).map(([state]) => state)).toEqual(["open", "half-open", "closed"]);
    expect(reports[0]).toMatchObject({ liquidate: "robust", reasons: BIT.jump });
    expect(spans(reports[0] as Report, cents(144_000), PRICE)).toBe(true);
  });

  test("a step back while the new price is probed opens again, with the hull", () => {
    const chain = closedChain();
    watch(chain, 100, () => cents(158_400));
    const [report] = watch(chain, 1, () => PRICE);
    expect(report).toMatchObject({ state: "open", liquidate: "robust", reasons: BIT.jump });
    expect(spans(report as Report, cents(158_400), PRICE)).toBe(true);
    expect(runsOf(watch(chain, 500, () => PRICE)).map(([state]) => state)).toEqual(["open", "half-open", "closed"]);
  });

  test("a wick that goes as it came leaves the price alone: open, quiet, probed, closed at the old anchor", () => {
    const chain = closedChain();
    const reports = watch(chain, 450, (round) => (round < 5 ? cents(170_000) : PRICE));
    expect(runsOf(reports).map(([state]) => state)).toEqual(["open", "half-open", "closed"]);
    expect(chain.memoryOf().waived).toBe(0);
  });
});

describe("a discontinuity no market makes", () => {
  const lost = PRICE / 1_900n;

  test("is held on the hull until it returns, whatever the time", () => {
    const chain = closedChain();
    for (const report of watch(chain, 4_000, () => lost)) {
      expect(report).toMatchObject({ state: "open", liquidate: "robust", borrow: false, budgetBps: 0 });
      expect(spans(report, lost, PRICE)).toBe(true);
    }
    expect(chain.memoryOf().openMs.every((ms) => ms === 0)).toBe(true);
    const back = watch(chain, 400, () => PRICE);
    expect(back[0]).toMatchObject({ state: "open", liquidate: "robust" });
    expect(runsOf(back)).toEqual([
      ["open", 30],
      ["half-open", 300],
      ["closed", 70],
    ]);
  });

  test("−20 % of a major in one round is one: 2500 bps of the smaller price are beyond 1500", () => {
    const reports = watch(closedChain(), 1_000, () => cents(144_000));
    expect(reports[0]?.reasons).toBe(BIT.jump | BIT.gap);
    expect(runsOf(reports)).toEqual([["open", 1_000]]);
  });

  test("−20 % across two minutes without a price is not", () => {
    const reports = watch(closedChain(), 500, () => cents(144_000), 120);
    expect(reports[0]?.reasons).toBe(BIT.jump | BIT.restart);
    expect(runsOf(reports).map(([state]) => state)).toEqual(["open", "half-open", "closed"]);
  });
});

describe("a crash of the whole market", () => {
  const BASKET = ["BTC/USD", ETH, "SOL/USD", "XRP/USD", "LINK/USD", "DOGE/USD"];
  const presets = { "BTC/USD": { preset: "major" }, [ETH]: { preset: "major" } } as const;
  const network = networkWith(
    Object.fromEntries(BASKET.map((feed) => [feed, presets[feed as keyof typeof presets] ?? { preset: "large" }])),
    { basket: BASKET.map((feed, index) => ({ feed, weight: [30, 30, 12, 12, 8, 8][index] })) },
  );
  /** −15 % evenly over a minute, then level. */
  const crash = (second: number) => PRICE - (PRICE * 15n * BigInt(Math.min(second, 60))) / 6_000n;

  test("leaves feeds that fall together closed", () => {
    const chain = closedChain(network);
    for (let second = 1; second <= 600; second++) {
      const price = crash(second);
      for (const { report } of chain.step(Object.fromEntries(BASKET.map((feed) => [feed, { price }])))) {
        expect(report).toMatchObject({ state: "closed", liquidate: "any", price });
      }
    }
  });

  test("holds the one that falls alone", () => {
    const chain = closedChain(network);
    let opened = 0;
    for (let second = 1; second <= 60; second++) {
      const scene = Object.fromEntries(BASKET.map((feed) => [feed, { price: feed === ETH ? crash(second) : PRICE }]));
      for (const { report } of chain.step(scene)) {
        if (report.feed !== ETH) expect(report.state).toBe("closed");
        else if (report.state === "open") opened += 1;
      }
    }
    expect(opened).toBeGreaterThan(20);
  });

  test("a slide alone is believed sooner than a step of the same depth", () => {
    const chain = closedChain();
    const reports = watch(chain, 120, (round) => crash(round + 1));
    const firstOpen = reports.findIndex(({ state }) => state === "open");
    const believed = reports.findIndex(({ state }) => state === "half-open");
    expect(believed - firstOpen).toBeGreaterThan(20);
    expect(believed - firstOpen).toBeLessThan(50);
  });
});

describe("what one faulty leader of four can do with the observations he includes", () => {
  const wide = { rawLow: cents(170_000), rawHigh: cents(190_000) };
  const run = (chain: Chain, rounds: number, price: bigint, faulty: readonly number[]) =>
    Array.from({ length: rounds }, () => {
      const own = faulty.includes(chain.nextLeader());
      return { own, report: chain.eth({ price, ...(own ? { ...wide, rawLow: price - PRICE / 10n } : {}) }).report };
    });

  test("narrows his rounds, and cannot keep the feed open or its probe from ending", () => {
    const chain = closedChain();
    const rounds = run(chain, 420, PRICE, [0]);
    const runs = runsOf(rounds.map(({ report }) => report));
    expect(chain.memoryOf().trips).toBe(0);
    expect(runs.filter(([state]) => state === "open").every(([, length]) => length === 1)).toBe(true);
    const probes = runs.filter(([state]) => state === "half-open").map(([, length]) => length);
    expect(probes[0]).toBeLessThanOrEqual(401);
    expect(runs.some(([state]) => state === "closed")).toBe(true);
    for (const { own, report } of rounds) {
      if (own) expect(report).toMatchObject({ liquidate: "robust", budgetBps: 0, borrow: false });
      else expect(report.liquidate).toBe("any");
    }
  });

  test("cannot keep a jump from being corroborated", () => {
    const rounds = run(closedChain(), 81, cents(158_400), [0]);
    expect(rounds.at(-1)?.report.state).toBe("half-open");
  });

  test("two of four can: f is one", () => {
    const chain = closedChain();
    const runs = runsOf(run(chain, 600, PRICE, [0, 2]).map(({ report }) => report));
    expect(runs.at(-1)?.[0]).toBe("open");
    expect(runs.at(-1)?.[1]).toBeGreaterThan(500);
  });
});

describe("an outage", () => {
  test("permits nothing for restartRounds, then robust through what is left, then a probe, then everything", () => {
    const chain = closedChain();
    const reports = watch(chain, 400, () => PRICE, 60);
    expect(reports.slice(0, 4).map(({ liquidate }) => liquidate)).toEqual(["none", "none", "none", "any"]);
    expect(runsOf(reports)).toEqual([
      ["open", 3],
      ["half-open", 300],
      ["closed", 97],
    ]);
    expect(chain.memoryOf().trips).toBe(0);
  });

  test("never resumes on quotes from before it", () => {
    const chain = closedChain();
    const before = chain.timestamp() - 300;
    chain.eth({ price: PRICE, observedAt: chain.timestamp() + 61_000 }, 60);
    for (let round = 0; round < 20; round++) {
      expect(chain.eth({ price: PRICE, observedAt: before + 50_000 }).report.liquidate).toBe("none");
    }
    expect(chain.eth({ price: PRICE }).report).toMatchObject({ state: "half-open", liquidate: "any" });
  });

  test("within the lease is none", () => {
    expect(watch(closedChain(), 3, () => PRICE, 59).every(({ state }) => state === "closed")).toBe(true);
  });
});

describe("a disagreement that does not end", () => {
  test("is waived at its cap, holds the budget at its floor, and never opens the feed again", () => {
    const chain = closedChain();
    const reports = Array.from({ length: 4_000 }, () => chain.eth({ price: PRICE, outsideBps: 5_000 }).report);
    expect(runsOf(reports)).toEqual([
      ["open", 1_800],
      ["half-open", 2_200],
    ]);
    expect(reports.at(-1)).toMatchObject({ liquidate: "any", budgetBps: 1_000, borrow: false, reasons: BIT.divergence });
    expect(runsOf(watch(chain, 400, () => PRICE)).map(([state]) => state)).toEqual(["half-open", "closed"]);
  });
});

test("all sources silent: robust at once, nothing once stale, and back by itself", () => {
  const chain = closedChain();
  const silent = watch(chain, 120, () => undefined);
  expect(silent.findIndex(({ liquidate }) => liquidate === "none")).toBe(59);
  expect(silent.every(({ borrow, state }) => !borrow && state === "open")).toBe(true);
  expect(runsOf(watch(chain, 400, () => PRICE)).map(([state]) => state)).toEqual(["open", "half-open", "closed"]);
});

test("silence is never permission: after hours of it nothing is waived, nothing probed, nobody liquidated", () => {
  const silent = watch(closedChain(), 4_000, () => undefined).slice(60);
  expect(silent.every(({ state, liquidate, budgetBps }) => state === "open" && liquidate === "none" && budgetBps === 0)).toBe(
    true,
  );
});

test("steps that nobody corroborates, all day, stretch the interval for pauseBudgetMs and what leaks back", () => {
  const chain = createChain();
  chain.settle({ [ETH]: { price: PRICE } });
  let hulled = 0;
  let open = 0;
  for (let second = 0; second < 86_400; second++) {
    const [price, other] = Math.floor(second / 6_000) % 2 === 0 ? [cents(159_000), PRICE] : [PRICE, cents(159_000)];
    const { report } = chain.eth({ price, groups: second % 6_000 < 1_900 ? 3 : 6 });
    if (report.state === "open") open += 1;
    if (report.state === "open" && spans(report, price, other)) hulled += 1;
  }
  // Fifteen half-hours; the hull has an hour's budget and the hour that leaks in a day.
  expect(open).toBeGreaterThan(25_000);
  expect(hulled).toBeGreaterThan(3_600);
  expect(hulled).toBeLessThan(7_200);
});
