import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEVELOPMENT_THRESHOLDS } from "../../cli/catalogue.ts";
import { trustGenesis } from "../../client/committee.ts";
import { verifyBundleDocument } from "../../client/verify.ts";
import { formatAmount } from "../../protocol/amount.ts";
import { committeeDocumentSchema } from "../../protocol/document.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { allClosed, useDevnet } from "./devnet.ts";
import { amount, type FeedView, type RoundStream, summarize } from "./stream.ts";

const ROUND_MS = 1_000;
const { quoteMs = 0, staleMs = 0 } = DEVELOPMENT_THRESHOLDS;
const IN_TROUBLE = ["LINK/USD", "UNI/USD", "ADA/USD", "AAVE/USD"];
const NOT_FALLING = ["USDT/USD", "USDC/USD", "WSTETH/ETH"];
/** The hull is with the anchor, a slow average: so far at most can it lie from the last price of a quiet market. */
const ANCHOR_LAG_BPS = 50n;
/** The dev network's quiet time and probe, 15 s, and a few rounds. */
const MAX_PAUSE_MS = 20_000;

type Sources = { readonly sources: readonly { venue: string; market: string; status: string; code?: string }[] };
type WorldState = { readonly feeds: readonly { feed: string; price: string }[] };

const devnet = useDevnet();
let feeds: readonly string[];
let stream: RoundStream;
beforeAll(async () => {
  feeds = await devnet().feeds();
  stream = devnet().stream(feeds);
  await stream.more(3);
});
afterAll(() => stream?.close());

/** DELETE /faults clears everybody's, so whoever needs it waits until nobody else has one. */
const dissentOver = Promise.withResolvers<void>();

describe("four feeds in trouble at once, each of its own kind", () => {
  it.concurrent("LINK −20 % everywhere in one step: never closed at the disputed price, half-open and closed without help", async ({
    expect,
  }) => {
    const old = latest("LINK/USD");
    const isNew = ({ price }: FeedView): boolean => price < percent(old.price, 90n);
    await devnet().post("/market", { feed: "LINK/USD", moveBps: -2_000, overMs: 0 });
    const first = await stream.until("LINK/USD", isNew, { what: "the new price", after: old.round });
    expect(first).toMatchObject({ state: "open", liquidate: "robust", borrow: false, budgetBps: 0, carried: false });
    expect(first.reasons).toContain("jump");
    expect(first.price).toBeGreaterThan(percent(old.price, 79n));
    spansBoth(first, old.price);

    const probing = await stream.until("LINK/USD", ({ state }) => state === "half-open", {
      what: "half-open",
      after: first.round,
    });
    for (const view of stream.of("LINK/USD", first.round - 1).filter(({ round }) => round < probing.round)) {
      expect(view).toMatchObject({ state: "open", liquidate: "robust", borrow: false, budgetBps: 0 });
      spansBoth(view, old.price);
    }
    const closed = await stream.until("LINK/USD", ({ state }) => state === "closed", { what: "closed", after: probing.round });
    expect(isNew(closed)).toBe(true);
    expect(closed).toMatchObject({ liquidate: "any", borrow: true, budgetBps: 10_000, reasons: [] });
    // Re-anchored: the old price is no part of the evidence any more.
    expect(closed.high).toBeLessThan(percent(old.price, 85n));
    const probe = stream.of("LINK/USD", probing.round - 1).filter(({ round }) => round < closed.round);
    expect(
      probe.map(({ state }) => state),
      summarize(probe),
    ).toEqual(probe.map(() => "half-open"));
    expect(probe.every(({ borrow, budgetBps }) => !borrow && budgetBps >= 1_000 && budgetBps < 10_000)).toBe(true);
    expect(probe.at(-1)?.budgetBps).toBeGreaterThan(probe[0]?.budgetBps ?? 10_000);
  });

  it.concurrent("UNI at 1/1900 in one round: gap holds the hull, does not close by itself, ends when the price is back", async ({
    expect,
  }) => {
    const old = latest("UNI/USD");
    const isGone = ({ price }: FeedView): boolean => price * 1_000n < old.price;
    const price = await trueText("UNI/USD");
    await devnet().post("/market", { feed: "UNI/USD", price: formatAmount(amount(price) / 1_900n), overMs: 0 });
    const first = await stream.until("UNI/USD", isGone, { what: "the price at 1/1900", after: old.round });
    await stream.until("UNI/USD", ({ timestamp }) => timestamp >= first.timestamp + 45 * ROUND_MS, {
      what: "45 s of watching",
      withinMs: 90_000,
    });
    const watched = stream.of("UNI/USD", first.round - 1);
    for (const view of watched) {
      expect(view, summarize(watched)).toMatchObject({
        state: "open",
        liquidate: "robust",
        borrow: false,
        budgetBps: 0,
        carried: false,
      });
      expect(view.reasons).toContain("gap");
      spansBoth(view, old.price);
    }
    const after = stream.newest();
    await devnet().post("/market", { feed: "UNI/USD", price, overMs: 0 });
    const back = await stream.until("UNI/USD", (view) => !isGone(view), { what: "the price back", after });
    expect(back.reasons).not.toContain("gap");
    const closed = await stream.until("UNI/USD", ({ state }) => state === "closed", { what: "closed", after: back.round });
    expect(closed).toMatchObject({ liquidate: "any", borrow: true, budgetBps: 10_000 });
    expect(stream.of("UNI/USD", first.round - 1).every((view) => !isGone(view) || view.state === "open")).toBe(true);
  });

  it.concurrent("AAVE with 35 % of its weight at −30 %: divergence, robust, and the interval shows both sides", async ({
    expect,
  }) => {
    try {
      const old = latest("AAVE/USD");
      await offsetAave(-3_000);
      const isSplit = ({ reasons }: FeedView): boolean => reasons.includes("divergence");
      const first = await stream.until("AAVE/USD", isSplit, { what: "divergence", after: old.round });
      await stream.until("AAVE/USD", ({ round }) => round >= first.round + 6, { what: "six more rounds" });
      const split = stream.of("AAVE/USD", first.round - 1);
      for (const view of split) {
        expect(view, summarize(split)).toMatchObject({ state: "open", liquidate: "robust", borrow: false, carried: false });
        expect(view.reasons).toContain("divergence");
        expect(view.low).toBeLessThan(percent(view.price, 71n));
        expect(view.high).toBeGreaterThan(view.price);
        expect(view.price).toBeGreaterThan(percent(old.price, 99n));
      }
      const { sources } = await devnet().get<Sources>("/v1/feeds/AAVE-USD/sources");
      const dropped = sources.filter(({ status }) => status === "dropped");
      expect(dropped.map(({ venue, code }) => `${venue} ${code}`).sort()).toEqual(["binance outlier", "okx outlier"]);
      await offsetAave(0);
    } finally {
      dissentOver.resolve();
    }
    await stream.until("AAVE/USD", ({ state }) => state === "closed", { what: "closed again", after: stream.newest() });
  });

  it.concurrent("ADA silent at every source: carried in time, none once stale, back to closed when they speak again", async ({
    expect,
  }) => {
    const { sources } = await devnet().get<Sources>("/v1/feeds/ADA-USD/sources");
    expect(sources.length).toBeGreaterThanOrEqual(8);
    for (const { venue, market } of sources) await devnet().post("/faults", { venue, market, fault: "malformed" });
    const silentAt = Date.now();
    const stale = await stream.until("ADA/USD", ({ liquidate }) => liquidate === "none", { what: "none" });
    await stream.until("ADA/USD", ({ round }) => round >= stale.round + 2, { what: "two more rounds" });
    await dissentOver.promise;
    const lastSilent = stream.newest();
    await devnet().remove("/faults");

    const seen = stream.of("ADA/USD").filter(({ round }) => round <= lastSilent);
    const lastFresh = seen.findLast(({ carried }) => !carried);
    const silent = seen.filter(({ round }) => round > (lastFresh?.round ?? 0));
    expect(lastFresh?.timestamp, summarize(seen)).toBeLessThanOrEqual(silentAt + quoteMs + 2 * ROUND_MS);
    expect(silent.length).toBeGreaterThan(5);
    for (const view of silent) {
      const isStale = view.timestamp - view.observedAt > staleMs;
      expect(view, summarize(silent)).toMatchObject({ carried: true, state: "open", borrow: false, budgetBps: 0 });
      expect(view.liquidate, summarize(silent)).toBe(isStale ? "none" : "robust");
      expect(view.reasons.includes("stale")).toBe(isStale);
      expect([view.price, view.observedAt]).toEqual([lastFresh?.price, lastFresh?.observedAt]);
    }
    expect(new Set(silent.map(({ liquidate }) => liquidate))).toEqual(new Set(["robust", "none"]));
    const closed = await stream.until("ADA/USD", ({ state }) => state === "closed", { what: "closed again", after: lastSilent });
    expect(closed).toMatchObject({ carried: false, liquidate: "any", borrow: true });
  });
});

it("meanwhile every other feed stayed closed in every certificate (P8), and every certificate is proven", async () => {
  for (const feed of feeds.filter((name) => !IN_TROUBLE.includes(name))) {
    const views = stream.of(feed);
    expect(views.length).toBe(stream.rounds.length);
    expect(
      views.filter(({ state, carried }) => state !== "closed" || carried),
      `${feed}: ${summarize(views)}`,
    ).toEqual([]);
  }
  const committee = committeeDocumentSchema.parse(await devnet().get("/v1/committee?config=1"));
  const trust = trustGenesis(committee, committee.genesisConfigDigest);
  if (!trust.ok) throw new Error(trust.error);
  const scheme = loadSecp256k1();
  for (const bundle of stream.rounds) expect(verifyBundleDocument(bundle, { trust: trust.value, scheme }).faults).toEqual([]);
});

it("everything but stables and ratios −15 % evenly over 60 s: majors stay closed or are back in seconds, nothing is ever none", async () => {
  await allClosed(devnet());
  const falling = feeds.filter((feed) => !NOT_FALLING.includes(feed));
  const start = stream.newest();
  const before = new Map(falling.map((feed) => [feed, latest(feed).price]));
  await Promise.all(falling.map((feed) => devnet().post("/market", { feed, moveBps: -1_500, overMs: 60_000 })));
  await stream.until("BTC/USD", ({ timestamp }) => timestamp > (start + 62) * ROUND_MS, {
    what: "the end of the fall",
    withinMs: 120_000,
  });
  for (const feed of feeds) {
    const views = stream.of(feed, start);
    expect(
      views.filter(({ liquidate }) => liquidate === "none"),
      `${feed}: ${summarize(views)}`,
    ).toEqual([]);
    const fell = before.get(feed);
    if (fell !== undefined) expect(latest(feed).price, feed).toBeLessThan(percent(fell, 86n));
  }
  for (const feed of ["BTC/USD", "ETH/USD"]) {
    const views = stream.of(feed, start);
    expect(longestPauseMs(views), `${feed}: ${summarize(views)}`).toBeLessThanOrEqual(MAX_PAUSE_MS);
    expect(views.at(-1)?.state, summarize(views)).toBe("closed");
  }
});

/** From the first certificate that is not closed to the next that is. */
function longestPauseMs(views: readonly FeedView[]): number {
  let longest = 0;
  let pausedAt: number | undefined;
  for (const { state, timestamp } of views) {
    if (state !== "closed") pausedAt ??= timestamp;
    if (pausedAt !== undefined) longest = Math.max(longest, timestamp - pausedAt);
    if (state === "closed") pausedAt = undefined;
  }
  return longest;
}

function latest(feed: string): FeedView {
  const view = stream.of(feed).at(-1);
  if (view === undefined) throw new Error(`no certificate has ${feed}`);
  return view;
}

/** The served interval holds the price of this round and the one before the trouble. */
function spansBoth(view: FeedView, old: bigint): void {
  expect(view.low).toBeLessThanOrEqual(view.price);
  expect(view.high, `${view.feed} ${formatAmount(view.high)} against ${formatAmount(old)}`).toBeGreaterThan(
    (old * (10_000n - ANCHOR_LAG_BPS)) / 10_000n,
  );
}

async function offsetAave(bps: number): Promise<void> {
  for (const venue of ["binance", "okx"]) await devnet().post("/faults", { venue, market: "AAVE/USDT", fault: "offset", bps });
}

/** The simulated market's own price, which no node is told. */
async function trueText(feed: string): Promise<string> {
  const state = (await (await fetch(`${devnet().control}/market`)).json()) as WorldState;
  const price = state.feeds.find((item) => item.feed === feed)?.price;
  if (price === undefined) throw new Error(`the market has no ${feed}`);
  return price;
}

function percent(price: bigint, of: bigint): bigint {
  return (price * of) / 100n;
}
