import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_MAX_AGE_MS } from "../../client/policy.ts";
import {
  drawBucket,
  FRESH_BUCKET,
  feedsOf,
  judgeBorrow,
  judgeLiquidation,
  judgeTrigger,
  type Loan,
  pickNumeraire,
  usableReports,
} from "../../client/portfolio.ts";
import type { Verification } from "../../client/verify.ts";
import { ONE } from "../../protocol/amount.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { BREAKER_STATES, LIQUIDATE_LEVELS, type Report } from "../../protocol/report.ts";
import { feedId, report } from "../support/rounds.ts";

const AT = 1_800_000_000_000;

/** A report in whole units: price, its interval, and what the breaker says. */
function leg(feed: string, [low, price, high]: readonly [number, number, number], overrides: Partial<Report> = {}): Report {
  const amount = (value: number) => (BigInt(Math.round(value * 1_000)) * ONE) / 1_000n;
  return report(feed, AT, { low: amount(low), price: amount(price), high: amount(high), ema: amount(price), ...overrides });
}

const OPEN = { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 } as const;
const HALF_OPEN = { state: "half-open", liquidate: "any", borrow: false, budgetBps: 1_000 } as const;
const NONE = { state: "open", liquidate: "none", borrow: false, budgetBps: 0 } as const;

const units = (amount: number) => (BigInt(Math.round(amount * 1_000)) * ONE) / 1_000n;
const held = (asset: string, amount: number, thresholdBps = 8_000) => ({ asset, amount: units(amount), thresholdBps });
const owed = (asset: string, amount: number) => ({ asset, amount: units(amount) });

/** One ether at 80 % against dollars, which are the numeraire. */
function ether(debt: number): Loan {
  return { numeraire: "USD", collateral: [held("ETH", 1)], debt: [owed("USD", debt)] };
}

const seizeEther = (loan: Loan, reports: readonly Report[], chain?: string) =>
  judgeLiquidation({ loan, seize: ["ETH"], repay: ["USD"], ...(chain === undefined ? {} : { chain }) }, reports);

const right = { ok: true, by: "right" } as const;
const refused = (reason: string) => expect.objectContaining({ ok: false, reason });

describe("liquidate (B11)", () => {
  test("collateral counts at its price when closed: 1800 · 0.8 = 1440", () => {
    const reports = [leg("ETH/USD", [1_700, 1_800, 1_900])];
    expect(seizeEther(ether(1_440.001), reports)).toEqual(right);
    expect(seizeEther(ether(1_440), reports), "a health of exactly 1 is healthy").toEqual(refused("healthy"));
  });

  test("collateral counts at high when open: 1900 · 0.8 = 1520", () => {
    const reports = [leg("ETH/USD", [1_700, 1_800, 1_900], OPEN)];
    expect(seizeEther(ether(1_520.001), reports)).toEqual(right);
    expect(seizeEther(ether(1_520), reports)).toEqual(refused("disputed"));
    expect(seizeEther(ether(1_440), reports)).toEqual(refused("healthy"));
  });

  test("debt counts at its price when closed and at low when open", () => {
    const loan: Loan = { numeraire: "USD", collateral: [held("USD", 2_500)], debt: [owed("ETH", 1)] };
    const judge = (overrides: Partial<Report>) =>
      judgeLiquidation({ loan, seize: ["USD"], repay: ["ETH"] }, [leg("ETH/USD", [1_990, 2_010, 2_020], overrides)]);
    // 2500 · 0.8 = 2000
    expect(judge({})).toEqual(right);
    expect(judge(OPEN)).toEqual(refused("disputed"));
    expect(judge({ ...OPEN, low: units(2_000.001) })).toEqual(right);
  });

  test("a level of robust is a doubt in any state", () => {
    const narrowed = { state: "half-open", liquidate: "robust", borrow: false, budgetBps: 0 } as const;
    expect(seizeEther(ether(1_500), [leg("ETH/USD", [1_700, 1_800, 1_900], narrowed)])).toEqual(refused("disputed"));
    const carried = { state: "closed", liquidate: "robust" } as const;
    expect(seizeEther(ether(1_500), [leg("ETH/USD", [1_700, 1_800, 1_900], carried)])).toEqual(refused("disputed"));
  });

  test("half-open feeds at their price as well: then through the bucket, of the share that is served", () => {
    const reports = [leg("ETH/USD", [1_700, 1_800, 1_900], { ...HALF_OPEN, budgetBps: 5_500 })];
    expect(seizeEther(ether(1_450), reports)).toEqual({ ok: true, by: "bucket", budgetBps: 5_500 });
    expect(seizeEther(ether(1_530), reports), "insolvent at both ends: without limit").toEqual(right);
    expect(seizeEther(ether(1_430), reports)).toEqual(refused("healthy"));
  });

  test("b is the smallest of the seized and repaid feeds", () => {
    const loan: Loan = { numeraire: "USD", collateral: [held("ETH", 1)], debt: [owed("DAI", 1_450)] };
    const reports = [
      leg("ETH/USD", [1_700, 1_800, 1_900], { ...HALF_OPEN, budgetBps: 5_500 }),
      leg("DAI/USD", [0.99, 1, 1.01], { ...HALF_OPEN, budgetBps: 2_000 }),
    ];
    expect(judgeLiquidation({ loan, seize: ["ETH"], repay: ["DAI"] }, reports)).toEqual({
      ok: true,
      by: "bucket",
      budgetBps: 2_000,
    });
  });

  test("a leg that is neither seized nor repaid gives no budget; seizing a disputed one has none", () => {
    const loan: Loan = {
      numeraire: "USD",
      collateral: [held("ETH", 1), held("SOL", 10)],
      debt: [owed("USD", 2_250)],
    };
    const ethereum = leg("ETH/USD", [1_700, 1_800, 1_900], HALF_OPEN);
    // At ETH's high (1900) and SOL's price or high (100): 2320 ≥ 2250. At ETH's price: 2240 < 2250.
    const closed = [ethereum, leg("SOL/USD", [100, 100, 100])];
    expect(judgeLiquidation({ loan, seize: ["SOL"], repay: ["USD"] }, closed)).toEqual({
      ok: true,
      by: "bucket",
      budgetBps: 10_000,
    });
    const open = [ethereum, leg("SOL/USD", [100, 100, 100], OPEN)];
    expect(judgeLiquidation({ loan, seize: ["SOL"], repay: ["USD"] }, open)).toEqual(refused("disputed"));
  });

  test("collateral of a paused feed counts at 2 · high and protects nobody as dust", () => {
    const loan = (dust: number): Loan => ({
      numeraire: "USD",
      collateral: [held("ETH", 1), held("DUST", dust)],
      debt: [owed("USD", 1_500)],
    });
    const reports = [leg("ETH/USD", [1_790, 1_800, 1_810]), leg("DUST/USD", [0.9, 1, 1.1], NONE)];
    const judge = (dust: number) => judgeLiquidation({ loan: loan(dust), seize: ["ETH"], repay: ["USD"] }, reports);
    // 1500 − 1440 = 60 = dust · 2.2 · 0.8, dust = 34.09…
    expect(judge(34)).toEqual(right);
    expect(judge(34.1)).toEqual(refused("disputed"));
  });

  test("debt of a paused feed counts 0", () => {
    const loan: Loan = {
      numeraire: "USD",
      collateral: [held("ETH", 1)],
      debt: [owed("USD", 1_400), owed("SOL", 10)],
    };
    const judge = (overrides: Partial<Report>) =>
      judgeLiquidation({ loan, seize: ["ETH"], repay: ["USD"] }, [
        leg("ETH/USD", [1_790, 1_800, 1_810]),
        leg("SOL/USD", [99, 100, 101], overrides),
      ]);
    expect(judge({})).toEqual(right);
    expect(judge(NONE)).toEqual(refused("disputed"));
  });

  test("only assets of level robust or better are seized or repaid", () => {
    const loan: Loan = { numeraire: "USD", collateral: [held("ETH", 1), held("SOL", 1)], debt: [owed("USD", 9_000)] };
    const reports = [leg("ETH/USD", [1_790, 1_800, 1_810], NONE), leg("SOL/USD", [99, 100, 101], OPEN)];
    expect(judgeLiquidation({ loan, seize: ["ETH"], repay: ["USD"] }, reports)).toEqual(refused("paused"));
    expect(judgeLiquidation({ loan, seize: ["SOL"], repay: ["USD"] }, reports)).toEqual(right);
    expect(judgeLiquidation({ loan, seize: ["SOL", "ETH"], repay: ["USD"] }, reports)).toEqual(refused("paused"));
  });

  test("closed collateral and open debt: collateral at price, debt at low, and the debt may be repaid", () => {
    const loan: Loan = { numeraire: "USD", collateral: [held("ETH", 1)], debt: [owed("DAI", 1_450)] };
    const judge = (low: number) =>
      judgeLiquidation({ loan, seize: ["ETH"], repay: ["DAI"] }, [
        leg("ETH/USD", [1_700, 1_800, 1_900]),
        leg("DAI/USD", [low, 1.1, 1.2], OPEN),
      ]);
    // 1440 / 1450 = 0.9931
    expect(judge(0.994)).toEqual(right);
    expect(judge(0.993)).toEqual(refused("disputed"));
  });

  test("direction needs no flag: collateral that jumped up is valued higher, and its loan was healthy anyway", () => {
    const pumped = leg("ETH/USD", [1_800, 18_000, 18_100], OPEN);
    expect(seizeEther(ether(1_400), [pumped])).toEqual(refused("healthy"));
  });

  test("the weaker of feed and chain wins", () => {
    const closed = leg("ETH/USD", [1_700, 1_800, 1_900]);
    const chain = (overrides: Partial<Report>) => leg("CHAIN/ETHEREUM", [30, 30, 30], overrides);
    const judge = (debt: number, overrides: Partial<Report>) =>
      seizeEther(ether(debt), [closed, chain(overrides)], "CHAIN/ETHEREUM");
    expect(judge(1_450, {})).toEqual(right);
    expect(judge(1_450, OPEN), "congested: disputed loans wait").toEqual(refused("disputed"));
    expect(judge(1_530, OPEN), "what is insolvent at both ends does not").toEqual(right);
    expect(judge(1_450, HALF_OPEN)).toEqual({ ok: true, by: "bucket", budgetBps: 1_000 });
    expect(judge(9_000, NONE), "nothing of that chain may be seized").toEqual(refused("paused"));
    expect(seizeEther(ether(9_000), [closed], "CHAIN/ETHEREUM")).toEqual(refused("no-feed"));
  });

  test("a leg without a report is a no, and what is not in the loan cannot be taken", () => {
    expect(seizeEther(ether(9_000), [])).toEqual(refused("no-feed"));
    const reports = [leg("ETH/USD", [1_790, 1_800, 1_810])];
    const judge = (seize: readonly string[], repay: readonly string[]) =>
      judgeLiquidation({ loan: ether(9_000), seize, repay }, reports);
    expect(judge(["BTC"], ["USD"])).toEqual(refused("not-in-loan"));
    expect(judge(["ETH"], ["DAI"])).toEqual(refused("not-in-loan"));
    expect(judge([], ["USD"])).toEqual(refused("not-in-loan"));
  });
});

describe("borrow (B11)", () => {
  const borrowing = { state: "closed", liquidate: "any", borrow: true } as const;
  const ask = (loan: Loan, reports: readonly Report[], takes: string | null = "USD", chain?: string) =>
    judgeBorrow({ loan, ...(takes === null ? {} : { takes }), ...(chain === undefined ? {} : { chain }) }, reports);

  test("collateral counts at min(low, ema): 1600 · 0.8 = 1280", () => {
    const reports = [leg("ETH/USD", [1_700, 1_800, 1_900], { ...borrowing, ema: units(1_600) })];
    expect(ask(ether(1_280), reports), "a health of exactly 1 is enough").toEqual({ ok: true });
    expect(ask(ether(1_280.001), reports)).toEqual(refused("unhealthy"));
    const below = [leg("ETH/USD", [1_500, 1_800, 1_900], { ...borrowing, ema: units(1_600) })];
    expect(ask(ether(1_200), below)).toEqual({ ok: true });
    expect(ask(ether(1_200.001), below)).toEqual(refused("unhealthy"));
  });

  test("debt counts at max(high, ema), whether or not it may be borrowed", () => {
    const loan: Loan = { numeraire: "USD", collateral: [held("USD", 2_500)], debt: [owed("ETH", 1)] };
    const judge = (high: number, ema: number, borrow = true) =>
      ask(loan, [leg("ETH/USD", [1_700, 1_800, high], { ...borrowing, borrow, ema: units(ema) })], null);
    expect(judge(2_000, 1_800)).toEqual({ ok: true });
    expect(judge(2_000.001, 1_800)).toEqual(refused("unhealthy"));
    expect(judge(1_900, 2_000.001)).toEqual(refused("unhealthy"));
    expect(judge(2_000.001, 1_800, false)).toEqual(refused("unhealthy"));
  });

  test("an asset with borrow = false counts nothing as collateral", () => {
    const loan: Loan = { numeraire: "USD", collateral: [held("ETH", 1), held("MNGO", 1_000_000)], debt: [owed("USD", 1_400)] };
    const judge = (borrow: boolean) =>
      ask(loan, [leg("ETH/USD", [1_700, 1_800, 1_900], borrowing), leg("MNGO/USD", [0.9, 0.91, 0.92], { ...borrowing, borrow })]);
    expect(judge(true)).toEqual({ ok: true });
    expect(judge(false)).toEqual(refused("unhealthy"));
  });

  test("the borrowed asset's own borrow must be true, whatever the health", () => {
    const loan: Loan = { numeraire: "USD", collateral: [held("USD", 1_000_000)], debt: [owed("ETH", 1)] };
    const reports = [leg("ETH/USD", [1_700, 1_800, 1_900], { ...borrowing, borrow: false })];
    expect(ask(loan, reports, "ETH")).toEqual(refused("paused"));
    expect(ask(loan, reports, null), "withdrawing beside that debt is a question of health").toEqual({ ok: true });
  });

  test("a chain that may not be borrowed on stops all borrowing on it", () => {
    const reports = [leg("ETH/USD", [1_700, 1_800, 1_900], borrowing), leg("CHAIN/ETHEREUM", [30, 30, 30], OPEN)];
    expect(ask(ether(100), reports, "USD")).toEqual({ ok: true });
    expect(ask(ether(100), reports, "USD", "CHAIN/ETHEREUM")).toEqual(refused("paused"));
  });

  test("withdrawing without a debt never asks", () => {
    expect(ask({ numeraire: "USD", collateral: [held("ETH", 1)], debt: [] }, [], null)).toEqual({ ok: true });
    expect(ask(ether(0), [], null)).toEqual({ ok: true });
    expect(ask(ether(1), [], null)).toEqual(refused("no-feed"));
    expect(ask(ether(0), [], "USD"), "who takes something asks").toEqual(refused("no-feed"));
  });
});

test("a trigger order needs the traded feed closed", () => {
  const judge = (overrides: Partial<Report>, chain?: string) =>
    judgeTrigger("ETH/USD", [leg("ETH/USD", [1_700, 1_800, 1_900], overrides), leg("CHAIN/X", [1, 1, 1], OPEN)], chain);
  expect(judge({})).toEqual({ ok: true });
  expect(judge(HALF_OPEN), "a wick in half-open is not their market").toEqual(refused("disputed"));
  expect(judge(OPEN)).toEqual(refused("disputed"));
  expect(judge({}, "CHAIN/X")).toEqual(refused("disputed"));
  expect(judgeTrigger("BTC/USD", [])).toEqual(refused("no-feed"));
});

test.each<readonly [what: string, assets: readonly string[], feeds: readonly string[], numeraire: string | undefined]>([
  ["a ratio before two dollar feeds", ["WSTETH", "ETH"], ["ETH/USD", "WSTETH/ETH", "WSTETH/USD"], "ETH"],
  ["two dollar feeds when no ratio exists", ["WSTETH", "ETH"], ["ETH/USD", "WSTETH/USD"], "USD"],
  ["dollars when one leg has no ratio", ["WSTETH", "ETH", "UNI"], ["ETH/USD", "UNI/USD", "WSTETH/ETH", "WSTETH/USD"], "USD"],
  ["two ratios to one base", ["WSTETH", "CBETH"], ["CBETH/ETH", "CBETH/USD", "WSTETH/ETH", "WSTETH/USD"], "ETH"],
  [
    "a ratio before dollars, whatever comes first by name",
    ["RETH", "STETH"],
    ["RETH/USD", "RETH/WETH", "STETH/USD", "STETH/WETH"],
    "WETH",
  ],
  ["the base that needs fewer feeds", ["WBTC", "BTC"], ["BTC/EUR", "WBTC/BTC", "WBTC/EUR"], "BTC"],
  ["nothing in common", ["UNI", "ETH"], ["UNI/USD", "ETH/EUR"], undefined],
])("numeraire: %s", (_, assets, feeds, numeraire) => {
  expect(pickNumeraire(assets, feeds.map(feedId))).toBe(numeraire);
  expect(pickNumeraire([...assets].reverse(), feeds.map(feedId).reverse())).toBe(numeraire);
});

test("a loan in a ratio needs one feed, and none for the numeraire itself", () => {
  const loan: Loan = { numeraire: "ETH", collateral: [held("WSTETH", 1_000, 9_500)], debt: [owed("ETH", 1_155)] };
  expect(feedsOf(loan, "CHAIN/ETHEREUM")).toEqual(["WSTETH/ETH", "CHAIN/ETHEREUM"]);
  const judge = (price: number, overrides: Partial<Report> = {}) =>
    judgeLiquidation({ loan, seize: ["WSTETH"], repay: ["ETH"] }, [leg("WSTETH/ETH", [1.193, price, 1.228], overrides)]);
  // 1155 / 950 = 1.2157
  expect(judge(1.216)).toEqual(refused("healthy"));
  expect(judge(1.215)).toEqual(right);
  expect(judge(1.193, OPEN), "a cap 2.85 % too low, held on its hull").toEqual(refused("disputed"));
});

describe("the bucket (B10)", () => {
  const limitPerHour = 600_000n;
  const draw = (bucket: typeof FRESH_BUCKET, repay: bigint, seconds: number, budgetBps = 1_000) =>
    drawBucket(bucket, { limitPerHour, budgetBps, now: AT + seconds * 1_000, repay });

  test("holds a sixth of the hour's share, and fills by the share of the hour that passed", () => {
    const first = draw(FRESH_BUCKET, 10_000n, 0);
    expect(first).toEqual({ ok: true, bucket: { room: 0n, at: AT } });
    expect(draw(FRESH_BUCKET, 10_001n, 0).ok).toBe(false);
    // 600 000 · 10 % / 60 = 1000 a minute
    expect(draw(first.bucket, 1_001n, 60)).toEqual({ ok: false, bucket: first.bucket });
    expect(draw(first.bucket, 1_000n, 60)).toEqual({ ok: true, bucket: { room: 0n, at: AT + 60_000 } });
    expect(draw(first.bucket, 10_001n, 3_600).ok, "never more than ten minutes' worth").toBe(false);
  });

  test("a refused draw changes nothing; a clock that runs back adds nothing; a smaller b shrinks what is there", () => {
    const half = draw(FRESH_BUCKET, 4_000n, 0).bucket;
    expect(half.room).toBe(6_000n);
    expect(draw(half, 6_001n, -60)).toEqual({ ok: false, bucket: half });
    expect(draw(half, 6_000n, -60).ok).toBe(true);
    // At b = 100 the bucket holds 600 000 / 600 = 1000.
    expect(draw(half, 1_001n, 0, 100).ok).toBe(false);
    expect(draw(half, 1_000n, 0, 100).ok).toBe(true);
  });

  test("no sequence of draws takes more than a bucket and the rate of its time", () => {
    const repays = fc.array(fc.record({ after: fc.nat(120_000), repay: fc.bigInt({ min: 0n, max: 20_000n }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(repays, fc.integer({ min: 1, max: 10_000 }), (draws, budgetBps) => {
        let bucket = FRESH_BUCKET;
        let taken = 0n;
        let now = AT;
        for (const { after, repay } of draws) {
          now += after;
          const drawn = drawBucket(bucket, { limitPerHour, budgetBps, now, repay });
          if (drawn.ok) taken += repay;
          bucket = drawn.bucket;
        }
        const rate = limitPerHour * BigInt(budgetBps);
        expect(taken * 36_000_000_000n <= rate * 600_000n + rate * BigInt(now - AT)).toBe(true);
      }),
    );
  });
});

test("reports are usable only from a proven document that is young and names every feed", () => {
  const header = { round: 1_800_000_000, timestamp: AT, validUntil: AT + 60_000 };
  const reports = [leg("ETH/USD", [1_700, 1_800, 1_900]), leg("SOL/USD", [99, 100, 101], NONE)];
  const proven = { ok: true, checks: [], faults: [], header, reports } as unknown as Verification;
  const use = (feeds: readonly string[], overrides: Partial<Verification> = {}, now = AT + 100) =>
    usableReports(feeds, { ...proven, ...overrides }, { now });
  expect(use(["ETH/USD", "SOL/USD"]), "a paused feed is usable").toEqual({ ok: true, reports });
  expect(use(["ETH/USD"], { ok: false })).toEqual(refused("unproven"));
  expect(use(["ETH/USD", "BTC/USD"])).toEqual(refused("no-feed"));
  expect(use(["ETH/USD"], {}, AT + DEFAULT_MAX_AGE_MS + 1)).toEqual(refused("old"));
  expect(use(["SOL/USD"], {}, AT + 60_001)).toEqual(refused("expired"));
});

describe("for any loan and any verdicts", () => {
  const price = fc.integer({ min: 1, max: 1_000_000 });
  const verdict = fc
    .tuple(fc.constantFrom(...BREAKER_STATES), fc.constantFrom(...LIQUIDATE_LEVELS), fc.integer({ min: 0, max: 10_000 }))
    .map(([state, liquidate, budgetBps]) => ({ state, liquidate, budgetBps }));
  const feed = fc.tuple(price, fc.nat(500_000), fc.nat(500_000), verdict);
  const amounts = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 2 });
  const scene = fc.record({
    feeds: fc.array(feed, { minLength: 4, maxLength: 4 }),
    held: amounts,
    owed: amounts,
    thresholdBps: fc.integer({ min: 1, max: 9_900 }),
    chain: fc.option(verdict, { nil: undefined }),
  });
  const NAMES = ["AAA", "BBB", "CCC", "DDD"] as const;

  type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

  function build({ feeds, held: heldAmounts, owed: owedAmounts, thresholdBps, chain }: Scene) {
    const reports = feeds.map(([middle, below, above, said], index) =>
      leg(`${NAMES[index]}/USD`, [Math.max(0.001, middle - below), middle, middle + above], said),
    );
    const loan: Loan = {
      numeraire: "USD",
      collateral: heldAmounts.map((amount, index) => held(NAMES[index] ?? "", amount, thresholdBps)),
      debt: owedAmounts.map((amount, index) => owed(NAMES[index + 2] ?? "", amount)),
    };
    const leaf = chain === undefined ? [] : [leg("CHAIN/X", [1, 1, 1], chain)];
    const question = { loan, seize: ["AAA"], repay: ["CCC"], ...(chain === undefined ? {} : { chain: "CHAIN/X" }) };
    return { loan, reports: [...reports, ...leaf], question };
  }

  /** Health at chosen prices, as a sum that owes nothing to the judge's own arithmetic. */
  function balance(loan: Loan, reports: readonly Report[], end: "favourable" | "harsh"): bigint {
    const find = (asset: string) => reports.find((item) => item.feed === (`${asset}/USD` as FeedId)) as Report;
    const favourable = end === "favourable";
    let sum = 0n;
    for (const { asset, amount, thresholdBps } of loan.collateral) {
      sum += amount * (favourable ? find(asset).high : find(asset).low) * BigInt(thresholdBps);
    }
    for (const { asset, amount } of loan.debt) sum -= amount * (favourable ? find(asset).low : find(asset).high) * 10_000n;
    return sum;
  }

  test("one that is healthy at every price within its intervals is never liquidated", () => {
    let healthy = 0;
    fc.assert(
      fc.property(scene, (given) => {
        const { loan, reports, question } = build(given);
        if (balance(loan, reports, "harsh") < 0n) return;
        healthy += 1;
        expect(judgeLiquidation(question, reports).ok).toBe(false);
      }),
      { numRuns: 3_000 },
    );
    expect(healthy).toBeGreaterThan(50);
  });

  test("one that is insolvent at both ends is always liquidated by right where every level is robust or better", () => {
    let insolvent = 0;
    fc.assert(
      fc.property(scene, (given) => {
        const { loan, reports, question } = build(given);
        const paused = reports.some(({ liquidate }) => liquidate === "none");
        if (paused || balance(loan, reports, "favourable") >= 0n) return;
        insolvent += 1;
        expect(judgeLiquidation(question, reports)).toEqual(right);
      }),
      { numRuns: 3_000 },
    );
    expect(insolvent).toBeGreaterThan(50);
  });

  test("a weaker chain never permits more, and a paused leg never more than an open one", () => {
    fc.assert(
      fc.property(scene, (given) => {
        const { question, reports } = build({ ...given, chain: undefined });
        const rank = (answer: ReturnType<typeof judgeLiquidation>) => (!answer.ok ? 0 : answer.by === "bucket" ? 1 : 2);
        const without = rank(judgeLiquidation(question, reports));
        for (const said of [OPEN, HALF_OPEN, NONE]) {
          const chained = [...reports, leg("CHAIN/X", [1, 1, 1], said)];
          expect(rank(judgeLiquidation({ ...question, chain: "CHAIN/X" }, chained))).toBeLessThanOrEqual(without);
        }
        const asOpen = reports.map((item, index) => (index === 1 ? { ...item, ...OPEN } : item));
        const asPaused = reports.map((item, index) => (index === 1 ? { ...item, ...NONE } : item));
        expect(rank(judgeLiquidation(question, asPaused))).toBeLessThanOrEqual(rank(judgeLiquidation(question, asOpen)));
      }),
    );
  });
});
