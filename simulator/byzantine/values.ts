import { MAX_AMOUNT } from "../../protocol/amount.ts";
import { compareBigint } from "../../protocol/bytes.ts";
import type { FeedEntry } from "../../protocol/observation.ts";
import type { AdversaryView, CreateBehaviour } from "../cluster/adversary.ts";
import { pick } from "./craft.ts";
import { misreport } from "./interception.ts";

/** Long enough to hear the others' observations of the round, short enough to be counted in it. */
const LISTEN_PERCENT = 8;
const BPS = 10_000n;

type Distortion = (entry: FeedEntry) => FeedEntry;

/** Everything an entry can say that no market says. A negative amount has no encoding, so nobody can say it. */
const EXTREMES: Readonly<Record<string, Distortion>> = {
  zero: (entry) => ({ ...entry, price: 0n, low: 0n, high: 0n }),
  wei: (entry) => ({ ...entry, price: 1n, low: 1n, high: 1n }),
  largest: (entry) => ({ ...entry, price: MAX_AMOUNT, low: MAX_AMOUNT, high: MAX_AMOUNT }),
  "everything between": (entry) => ({ ...entry, low: 1n, high: MAX_AMOUNT }),
  inverted: (entry) => ({ ...entry, low: entry.high + 1n, high: entry.low - 1n }),
  "beside its interval": (entry) => ({ ...entry, price: entry.high + 1n }),
  double: (entry) => scale(entry, 2n * BPS),
  half: (entry) => scale(entry, BPS / 2n),
  saturated: (entry) => ({ ...entry, groups: 255, topBps: 65_535, outsideBps: 65_535 }),
};

function scale(entry: FeedEntry, bps: bigint): FeedEntry {
  const by = (amount: bigint): bigint => (amount * bps) / BPS;
  return { ...entry, price: by(entry.price), low: by(entry.low), high: by(entry.high) };
}

/** Hopes to set the price, or to make the fold throw (P1, P8): each entry something else that no market says. */
export const createExtremeValues: CreateBehaviour = (view) =>
  misreport(view, (entries) =>
    entries.map((entry) => {
      const name = pick(view, Object.keys(EXTREMES)) ?? "zero";
      view.misbehaved(`${entry.feed} ${name}`);
      return EXTREMES[name]?.(entry) ?? entry;
    }),
  );

/** Hopes that old prices pass for new ones (P3, P9): an asOf at the very edge of quoteMs, on this side and on the other. */
export const createStaleValues: CreateBehaviour = (view) =>
  misreport(view, (entries, round) => {
    const { feeds, roundMs } = view.network.config;
    return entries.map((entry) => {
      const quoteMs = feeds.find(({ feed }) => feed === entry.feed)?.thresholds.quoteMs ?? 0;
      const beyond = view.random.below(2);
      view.misbehaved(beyond === 1 ? "asOf just too old" : "asOf as old as counts");
      return { ...entry, asOf: round * roundMs - quoteMs - roundMs - beyond };
    });
  });

/** Hopes that a price of tomorrow is never stale (P3): an asOf at the edge of what counts, just beyond it, and far ahead. */
export const createFutureValues: CreateBehaviour = (view) =>
  misreport(view, (entries, round) => {
    const { roundMs, maxSkewMs } = view.network.config;
    const edge = (round + 1) * roundMs + maxSkewMs;
    return entries.map((entry) => {
      const ahead = pick(view, [0, 1, 86_400_000]) ?? 0;
      view.misbehaved(`asOf ${ahead} ms beyond what counts`);
      return { ...entry, asOf: edge + ahead };
    });
  });

/** Hopes to hold the price where it was (P1, P9): its entries of earlier rounds again, some with fresh times. */
export const createReplayedObservations: CreateBehaviour = (view) => {
  const KEPT = 40;
  const past: (readonly FeedEntry[])[] = [];
  return misreport(view, (entries) => {
    past.push(entries);
    if (past.length > KEPT) past.shift();
    const old = past.length > 1 ? pick(view, past.slice(0, -1)) : undefined;
    if (old === undefined) return undefined;
    const refreshed = view.random.below(2) === 1;
    view.misbehaved(`earlier entries ${refreshed ? "with fresh times" : "as they were"}`);
    return refreshed ? old.map((entry) => ({ ...entry, asOf: view.now() })) : old;
  });
};

/** Hopes to move the median as far as nobody can object to (P1): waits for the others and names their highest, or lowest, price. */
export const createEdgePrice: CreateBehaviour = (view) => {
  const highest = view.random.below(2) === 1;
  return misreport(
    view,
    (entries, round) =>
      entries.map((entry) => {
        const prices = heardPrices(view, entry, round);
        const price = highest ? prices.at(-1) : prices[0];
        if (price === undefined) return entry;
        view.misbehaved(`the ${highest ? "highest" : "lowest"} price heard`);
        return { ...entry, price, low: price, high: price };
      }),
    (view.network.config.roundMs * LISTEN_PERCENT) / 100,
  );
};

function heardPrices(view: AdversaryView, { feed }: FeedEntry, round: number): readonly bigint[] {
  const entries = view.heard(round).flatMap(({ observation }) => observation.entries.filter((entry) => entry.feed === feed));
  return entries.map(({ price }) => price).sort(compareBigint);
}

/** Hopes to fire `dispersion` and so to pause a healthy feed (P5, P8): the true price in an interval of ±20 %. */
export const createWideInterval: CreateBehaviour = (view) =>
  misreport(view, (entries) => {
    view.misbehaved("an interval of ±20 %");
    return entries.map((entry) => ({ ...entry, low: (entry.price * 8n) / 10n, high: (entry.price * 12n) / 10n }));
  });

/** Hopes to fire `thin` and `divergence` (P5, P8): the true price, said to come from no group at all and against all others. */
export const createThinEvidence: CreateBehaviour = (view) =>
  misreport(view, (entries) => {
    view.misbehaved("no groups, all outside");
    return entries.map((entry) => ({ ...entry, groups: 0, topBps: 10_000, outsideBps: 10_000 }));
  });

/** Hopes to unprice feeds (P8, P5): observes only the first of them, or none. */
export const createMissingFeeds: CreateBehaviour = (view) =>
  misreport(view, (entries) => {
    const kept = view.random.below(Math.max(1, entries.length));
    view.misbehaved(`${kept} of ${entries.length} feeds`);
    return entries.slice(0, kept);
  });
