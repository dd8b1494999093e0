import type { Quote } from "../../adapters/adapter.ts";
import { applyAnswer, type MarketState, marketKey } from "../../adapters/snapshot.ts";
import { ONE } from "../../protocol/amount.ts";
import { assert } from "../../protocol/assert.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import { baseOf, type FeedId, quoteOf } from "../../protocol/feed.ts";
import { fail, ok } from "../../protocol/result.ts";
import type { MarketFault } from "../cluster/fault.ts";
import type { Prices, Sleep } from "../cluster/market.ts";
import { createRandom } from "../random.ts";
import { createPricePath, crossPrice, DEFAULT_STEP_MS, type Move, type PricePath, wave } from "./price-path.ts";
import { venueIndex, venueName } from "./settings.ts";
import { createFaultLog, type FaultLog } from "./venue-faults.ts";

/** Every node asks every venue once a second, each at its own moment within it. */
export const POLL_MS = 1_000;
/** A venue shows the market as it was at most so long ago. */
export const MAX_VENUE_LAG_MS = 1_000;
const ROUND_TRIP_MS = [20, 120] as const;
/** A quote that a node holds of a healthy venue shows a price that was true at most so long ago. */
export const MAX_QUOTE_AGE_MS = 2 * POLL_MS + MAX_VENUE_LAG_MS;

const BPS = 10_000n;
const NANO = 1_000_000_000n;
/** A healthy venue's mid lies within this of the true price of that moment. */
export const MAX_STRAY_BPS = 3;
const STRAY = { periodMs: 4_000, amplitude: MAX_STRAY_BPS * 100_000 } as const;
/** Half a healthy book's width. */
const HALF_SPREAD_NANO = [20_000, 200_000] as const;
/** Half of a wide one: beyond the tolBps of every preset. */
const WIDE_HALF_NANO = 50_000_000;

/** What one unit is worth in USD at the start, and how restless it is, in percent of an ordinary asset. */
const ASSETS: ReadonlyMap<string, { readonly usd: bigint; readonly restlessness: number }> = new Map([
  ["BTC", { usd: 60_000n * ONE, restlessness: 60 }],
  ["ETH", { usd: 1_800n * ONE, restlessness: 80 }],
  ["SOL", { usd: 140n * ONE, restlessness: 100 }],
  ["LINK", { usd: 12n * ONE, restlessness: 100 }],
  ["UNI", { usd: 6n * ONE, restlessness: 150 }],
  ["USDT", { usd: ONE, restlessness: 10 }],
]);

/** What a venue's time means: it gives none, the time of its book, or the time of its answer, however old the book. */
type Dating = "none" | "book" | "answer";
type Venue = {
  readonly name: string;
  readonly dating: Dating;
  readonly lagMs: number;
  readonly halfSpreadNano: number;
  readonly markets: readonly VenueMarket[];
};
type VenueMarket = { readonly market: string; readonly base: string; readonly quote: string; readonly salt: number };
/** When a node asks a venue within each {@link POLL_MS}, and how long the answer takes. */
type Phase = { readonly offsetMs: number; readonly roundTripMs: number };

export type MarketOptions = {
  readonly seed: number;
  readonly config: NetworkConfig;
  /** True time, Unix ms. */
  readonly startAt: number;
  readonly stepMs?: number;
};

/**
 * A market in closed form: what is true and what a venue shows at an instant follow from the seed and the faults so far, so nobody's
 * looking changes what another one sees, and an hour of outage costs nothing. The venues of the config, each with a lag, a spread, a way
 * of dating its books and a stray of its own; each node polls each of them every second at its own moment.
 *
 * A node's poller is taken to have had its present clock all the time: a step of the clock ages the answers of the last second wrongly.
 */
export function createMarket({ seed, config, startAt, stepMs = DEFAULT_STEP_MS }: MarketOptions): Prices {
  const paths = openPaths(config, { seed, startAt, stepMs });
  const venues = openVenues(config, seed);
  const phases = new Map<number, readonly Phase[]>();
  const faults = createFaultLog();

  const usd = (asset: string, at: number): bigint => (asset === "USD" ? ONE : pathOf(paths, asset).priceAt(at));
  const snapshot: Prices["snapshot"] = (node, { now, clock, asleep }) => {
    const seen = new Map<string, MarketState>();
    const own = phases.get(node) ?? drawPhases(seed, node, venues.length);
    phases.set(node, own);
    venues.forEach((venue, index) => {
      const phase = own[index];
      assert(phase !== undefined, "a node has a moment for every venue");
      const poll = lastPoll(phase, { now, asleep });
      if (poll === undefined) return;
      for (const market of venue.markets) {
        const state = stateAt({ venue, index, market, faults, usd, startAt }, poll, phase);
        seen.set(marketKey(venue.name, market.market), shiftClock(state, clock - now));
      }
    });
    return seen;
  };

  return {
    snapshot,
    truth: (feed, at) => pathOf(paths, baseOf(feed)).priceAt(at),
    truthRange: (feed, from, to) => pathOf(paths, baseOf(feed)).range(from, to),
    faultyShareBps: (feed, now) => faultyShareBps({ config, faults }, feed, now),
    begin: (fault, span) => {
      if (isMove(fault)) pathOf(paths, baseOf(fault.feed as FeedId)).begin(fault, span);
      else faults.begin(fault, span.at);
    },
    end: (fault, now) => {
      if (isMove(fault)) pathOf(paths, baseOf(fault.feed as FeedId)).end(fault, now);
      else faults.end(fault, now);
    },
  };
}

type Paths = ReadonlyMap<string, PricePath>;

function openPaths({ feeds }: NetworkConfig, options: { seed: number; startAt: number; stepMs: number }): Paths {
  return new Map(
    feeds.map(({ feed }) => {
      const asset = ASSETS.get(baseOf(feed));
      assert(asset !== undefined && quoteOf(feed) === "USD", `the trial market knows ${feed}`);
      const { usd, restlessness } = asset;
      return [baseOf(feed), createPricePath({ ...options, name: feed, price: usd, restlessness })];
    }),
  );
}

function pathOf(paths: Paths, asset: string): PricePath {
  const path = paths.get(asset);
  assert(path !== undefined, `the trial market has a price of ${asset}`);
  return path;
}

function openVenues({ feeds }: NetworkConfig, seed: number): readonly Venue[] {
  const sources = feeds.flatMap((feed) => feed.sources);
  const count = 1 + Math.max(...sources.map(({ venue }) => venueIndex(venue)));
  return Array.from({ length: count }, (_, index) => {
    const name = venueName(index);
    const random = createRandom(seed, `trial ${name}`);
    const markets = new Set(sources.filter(({ venue }) => venue === name).map(({ market }) => market));
    return {
      name,
      dating: (["none", "book", "book", "answer"] as const)[random.below(4)] ?? "none",
      lagMs: random.below(MAX_VENUE_LAG_MS + 1),
      halfSpreadNano: between(random.u32(), HALF_SPREAD_NANO),
      markets: [...markets].map((market) => ({ market, base: baseOf(market), quote: quoteOf(market), salt: random.u32() })),
    };
  });
}

function drawPhases(seed: number, node: number, venues: number): readonly Phase[] {
  const random = createRandom(seed, `trial polls of node ${node}`);
  return Array.from({ length: venues }, () => ({
    offsetMs: random.below(POLL_MS),
    roundTripMs: between(random.u32(), ROUND_TRIP_MS),
  }));
}

/** The last request whose answer is there: when it was sent. None was sent while the node slept. */
function lastPoll(
  { offsetMs, roundTripMs }: Phase,
  { now, asleep }: { readonly now: number; readonly asleep: Sleep | undefined },
): number | undefined {
  const before = (at: number): number => Math.floor((at - offsetMs) / POLL_MS) * POLL_MS + offsetMs;
  const sentAt = before(now - roundTripMs);
  if (asleep === undefined || sentAt >= asleep.until) return sentAt;
  return asleep.from === undefined ? undefined : Math.min(sentAt, before(asleep.from - roundTripMs));
}

type Sight = {
  readonly venue: Venue;
  readonly index: number;
  readonly market: VenueMarket;
  readonly faults: FaultLog;
  readonly usd: (asset: string, at: number) => bigint;
  readonly startAt: number;
};

/** What a poll sent at `sentAt` left behind, in true time: after a venue fell silent, its last answer with the failure upon it. */
function stateAt(sight: Sight, sentAt: number, phase: Phase): MarketState {
  const { venue, index, market, faults } = sight;
  const answeredAt = sentAt + (phase.roundTripMs >> 1);
  const poll = { venue: venue.name, sentAt, receivedAt: sentAt + phase.roundTripMs };
  const silentSince = faults.since(index, "venue-outage", answeredAt);
  if (silentSince !== undefined) {
    const polls = Math.floor((answeredAt - silentSince) / POLL_MS) + 1;
    const previous = stateAt(sight, sentAt - polls * POLL_MS, phase);
    const answer = fail({ code: "timeout", detail: "no answer in time" } as const);
    return applyAnswer(previous, { ...poll, answer: { market: market.market, answer } });
  }
  if (faults.since(index, "venue-crossed", answeredAt) !== undefined) {
    const answer = fail({ code: "crossed", detail: "bid above ask" } as const);
    return applyAnswer(undefined, { ...poll, answer: { market: market.market, answer } });
  }
  return applyAnswer(undefined, { ...poll, answer: { market: market.market, answer: ok(quoteAt(sight, answeredAt)) } });
}

/** The book that a venue shows at an instant, with every fault of its prices and times. */
function quoteAt({ venue, index, market, faults, usd, startAt }: Sight, at: number): Quote {
  const bookAt = (faults.since(index, "venue-freeze", at) ?? at) - venue.lagMs - faults.lagMs(index, at);
  const stray = wave(market.salt, bookAt - startAt, STRAY);
  let mid = (crossPrice(usd(market.base, bookAt), usd(market.quote, bookAt)) * (NANO + BigInt(stray))) / NANO;
  for (const bps of faults.offsetsBps(index, at)) mid = (mid * (BPS + BigInt(bps))) / BPS;
  const isWide = faults.since(index, "venue-wide", at) !== undefined;
  const half = (mid * BigInt(isWide ? WIDE_HALF_NANO : venue.halfSpreadNano)) / NANO;
  const bid = mid - half;
  const dated = venue.dating === "none" ? {} : { bookAt: venue.dating === "book" ? bookAt : at };
  return { market: market.market, bid: bid > 0n ? bid : 1n, ask: mid + half + 1n, ...dated };
}

function shiftClock(state: MarketState, offsetMs: number): MarketState {
  if (offsetMs === 0) return state;
  const { faultAt } = state;
  const shifted = { ...state, sentAt: state.sentAt + offsetMs, receivedAt: state.receivedAt + offsetMs };
  return faultAt === undefined ? shifted : { ...shifted, faultAt: faultAt + offsetMs };
}

/** A fault is felt for as long as a quote of its time may still be used. */
function faultyShareBps({ config, faults }: { config: NetworkConfig; faults: FaultLog }, feed: FeedId, now: number): number {
  const found = config.feeds.find((item) => item.feed === feed);
  assert(found !== undefined, `the config has ${feed}`);
  const since = now - found.thresholds.quoteMs - POLL_MS;
  let whole = 0;
  let faulty = 0;
  for (const { venue, weight } of found.sources) {
    whole += weight;
    if (faults.hadAny(venueIndex(venue), since, now)) faulty += weight;
  }
  return Math.ceil((faulty * 10_000) / whole);
}

function between(drawn: number, [least, most]: readonly [number, number]): number {
  return least + (drawn % (most - least + 1));
}

function isMove(fault: MarketFault): fault is Move {
  return fault.kind === "market-jump" || fault.kind === "market-slide" || fault.kind === "market-wick";
}
