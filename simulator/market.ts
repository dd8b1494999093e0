import { ONE } from "../protocol/amount.ts";
import { assert } from "../protocol/assert.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import { ASSETS, type Asset } from "./assets.ts";
import { concerns, createFaultBook, MAX_FAULTS, type VenueFault } from "./faults.ts";
import { createRandom, GAUSSIAN_SD, type Random } from "./random.ts";
import type { SimulatedTicker } from "./venue.ts";
import { createWorld, MAX_LAG_STEPS, STEP_MS, type World } from "./world.ts";

const NANO = 1_000_000_000n;
const BPS = 10_000n;
/** Prices are quoted in seven significant digits, a tick of at most a tenth of a basis point, as venues do. */
const SIGNIFICANT_DIGITS = 7;
/** Volumes are quoted in eight decimals. */
const VOLUME_TICK = 10n ** 10n;
/** A venue's stray loses a sixteenth a step; with it 0.35 of the wanted deviation a step makes the whole: √(1 − (15/16)²). */
const NOISE_DECAY = 16n;
const NOISE_STEP_PERCENT = 35n;

/** Each venue's markets, `BASE/QUOTE`, of assets in {@link ASSETS} or USD. */
export type Listings = ReadonlyMap<string, readonly string[]>;

/** What is wrong with a command, and in which of its fields. */
export type CommandFault = { readonly field: string; readonly problem: string };

export type MoveCommand = { readonly feed: string; readonly moveBps: number; readonly overMs: number };
export type SetPriceCommand = { readonly feed: string; readonly price: bigint; readonly overMs: number };

/** A seeded market as every venue shows it. Commands take effect at `now`; reading is as of the last `advance`. */
export type SimulatedMarket = {
  readonly advance: (now: number) => void;
  /** Undefined where the venue does not list the market. */
  readonly ticker: (venue: string, market: string) => SimulatedTicker | undefined;
  /** All of a venue's markets, with `offset` and `freeze` applied. */
  readonly tickers: (venue: string) => ReadonlyMap<string, SimulatedTicker>;
  /** Moves the base asset of a feed by a share of its value; the walk goes on from where it ends. */
  readonly move: (command: MoveCommand, now: number) => Result<void, CommandFault>;
  readonly setPrice: (command: SetPriceCommand, now: number) => Result<void, CommandFault>;
  readonly addFault: (fault: VenueFault, now: number) => Result<void, CommandFault>;
  readonly clearFaults: () => void;
  readonly faults: () => readonly VenueFault[];
  readonly faultsOf: (venue: string) => readonly VenueFault[];
  /** The true values, by feed: `ETH/USD`, `WSTETH/ETH`. */
  readonly feeds: () => ReadonlyMap<string, bigint>;
  readonly at: () => number;
};

type Book = { readonly base: Asset; readonly quote: string; readonly random: Random; noiseNano: bigint };
type Place = { readonly lagSteps: number; readonly volumePercent: bigint; readonly books: ReadonlyMap<string, Book> };

/**
 * A world of true prices, seen by venues that each lag by at most a second, stray by a few basis points, and quote a spread.
 * Same seed, listings and commands at the same times → the same tickers, however often `advance` was called.
 *
 * @throws when a listed market names an asset the world does not have.
 */
export function createMarket({
  seed,
  listings,
  startAt,
}: {
  seed: number;
  listings: Listings;
  startAt: number;
}): SimulatedMarket {
  const world = createWorld({ seed, startAt });
  const places = new Map([...listings].map(([venue, markets]) => [venue, openPlace(seed, venue, markets)]));
  const faults = createFaultBook();
  const frozen = new Map<string, SimulatedTicker>();

  const tickers = (venue: string): ReadonlyMap<string, SimulatedTicker> => {
    const shown = new Map<string, SimulatedTicker>();
    const place = places.get(venue);
    if (place === undefined) return shown;
    const inForce = faults.of(venue);
    for (const [market, book] of place.books) {
      const ticker = frozen.get(frozenKey(venue, market)) ?? quote(world, place, book);
      shown.set(market, applyOffset(ticker, market, inForce));
    }
    return shown;
  };

  const advance = (now: number) => {
    const steps = world.advance(now);
    for (const place of places.values()) for (const book of place.books.values()) stray(book, steps);
  };

  const setPrice = ({ feed, price, overMs }: SetPriceCommand, now: number): Result<void, CommandFault> => {
    if (!world.feeds().has(feed)) return fail(unknownFeed(feed, world));
    advance(now);
    world.setPrice({ feed, price, overMs }, now);
    return ok(undefined);
  };

  return {
    advance,
    ticker: (venue, market) => tickers(venue).get(market),
    tickers,
    setPrice,
    move: ({ feed, moveBps, overMs }, now) => {
      advance(now);
      const value = world.feeds().get(feed) ?? 0n;
      return setPrice({ feed, price: (value * (BPS + BigInt(moveBps))) / BPS, overMs }, now);
    },
    addFault: (fault, now) => {
      const place = places.get(fault.venue);
      if (place === undefined) return fail({ field: "venue", problem: `expected one of ${[...listings.keys()].join(", ")}` });
      if (fault.market !== undefined && !place.books.has(fault.market)) {
        return fail({ field: "market", problem: `${fault.venue} lists ${[...place.books.keys()].join(", ")}` });
      }
      if (!faults.add(fault)) return fail({ field: "fault", problem: `at most ${MAX_FAULTS} faults at once; clear them first` });
      advance(now);
      if (fault.fault === "freeze") {
        for (const [market, book] of place.books) {
          const key = frozenKey(fault.venue, market);
          if (concerns(fault, market) && !frozen.has(key)) frozen.set(key, quote(world, place, book));
        }
      }
      return ok(undefined);
    },
    clearFaults: () => {
      faults.clear();
      frozen.clear();
    },
    faults: faults.list,
    faultsOf: faults.of,
    feeds: world.feeds,
    at: world.at,
  };
}

function openPlace(seed: number, venue: string, markets: readonly string[]): Place {
  const random = createRandom(seed, venue);
  const lagSteps = random.below(MAX_LAG_STEPS + 1);
  const volumePercent = BigInt(50 + random.below(101));
  return { lagSteps, volumePercent, books: new Map(markets.map((market) => [market, openBook(seed, venue, market)])) };
}

function openBook(seed: number, venue: string, market: string): Book {
  const [baseName = "", quoteName = ""] = market.split("/");
  const base = ASSETS.find(({ asset }) => asset === baseName);
  const known = base !== undefined && (quoteName === "USD" || ASSETS.some(({ asset }) => asset === quoteName));
  if (!known)
    throw new Error(`the simulated market has no ${market} (listed at ${venue}); its assets are ${assetNames()} and USD`);
  return { base, quote: quoteName, random: createRandom(seed, `${venue} ${market}`), noiseNano: 0n };
}

/** The venue's own drift away from the true price, mean-reverting. */
function stray(book: Book, steps: number): void {
  for (let i = 0; i < steps; i++) {
    const kick = (book.base.noiseNano * book.random.gaussian() * NOISE_STEP_PERCENT) / (GAUSSIAN_SD * 100n);
    book.noiseNano += kick - book.noiseNano / NOISE_DECAY;
  }
}

function quote(world: World, place: Place, book: Book): SimulatedTicker {
  const baseUsd = world.usd(book.base.asset, place.lagSteps);
  const quoteUsd = world.usd(book.quote, place.lagSteps);
  assert(baseUsd !== undefined && quoteUsd !== undefined, "a listed market's assets are in the world");
  const mid = (((baseUsd * ONE) / quoteUsd) * (NANO + book.noiseNano)) / NANO;
  const half = (mid * book.base.halfSpreadNano) / NANO;
  const tick = tickOf(mid);
  const low = ((mid - half) / tick) * tick;
  const bid = low > 0n ? low : tick;
  const high = ((mid + half + tick - 1n) / tick) * tick;
  const ask = high > bid ? high : bid + tick;
  // Trades bounce between the two sides of the book; which side is next needs no dice of its own.
  const last = (book.noiseNano & 1n) === 0n ? bid : ask;
  const volume = (book.base.volumeUsd * place.volumePercent * ONE * ONE) / (100n * baseUsd);
  return { bid, ask, last, volume: (volume / VOLUME_TICK) * VOLUME_TICK, at: world.at() - place.lagSteps * STEP_MS };
}

/** @example tickOf(60_000n * 10n ** 18n); // 10n ** 16n: 60000.00 */
function tickOf(price: bigint): bigint {
  return 10n ** BigInt(Math.max(0, price.toString().length - SIGNIFICANT_DIGITS));
}

/** Prices move, sizes and times do not. Truncated: an offset of −10 000 bps is a price of zero. */
function applyOffset(ticker: SimulatedTicker, market: string, faults: readonly VenueFault[]): SimulatedTicker {
  let shown = ticker;
  for (const fault of faults) {
    if (fault.fault !== "offset" || !concerns(fault, market)) continue;
    const shifted = (amount: bigint) => (amount * (BPS + BigInt(fault.bps))) / BPS;
    shown = { ...shown, bid: shifted(shown.bid), ask: shifted(shown.ask), last: shifted(shown.last) };
  }
  return shown;
}

function unknownFeed(feed: string, world: World): CommandFault {
  return { field: "feed", problem: `${JSON.stringify(feed)} is not one of ${[...world.feeds().keys()].join(", ")}` };
}

function assetNames(): string {
  return ASSETS.map(({ asset }) => asset).join(", ");
}

function frozenKey(venue: string, market: string): string {
  return `${venue} ${market}`;
}
