import { marketKey, type VenueSnapshot } from "../../adapters/snapshot.ts";
import { ONE } from "../../protocol/amount.ts";
import { assert } from "../../protocol/assert.ts";
import { genesisNetwork, type Network, parseNetworkConfig } from "../../protocol/config.ts";
import type { Market } from "../cluster/market.ts";
import type { Key } from "../cluster/signatures.ts";
import { createRandom } from "../random.ts";

/** Venues of every feed: six provenance groups, one more than `wantGroups` needs. */
const VENUES = 6;
const MAJORS = 10;
const BASKET = 5;
const BPS_TENTHS = 100_000n;

export type Timing = { readonly roundMs: number; readonly graceMs: number; readonly hopBudgetMs: number };

/** Production presets and defaults; only what is named may differ. The lease covers f + 2 rounds, or the default minute. */
export function createWanNetwork(keys: readonly Key[], feeds: number, { roundMs, graceMs, hopBudgetMs }: Timing): Network {
  const names = Array.from({ length: feeds }, (_, index) => feedName(index));
  const f = Math.floor((keys.length - 1) / 3);
  const parsed = parseNetworkConfig({
    network: "wan",
    rules: 1,
    committee: keys.map(({ address }, index) => ({ name: `node${index}`, address })),
    roundMs,
    graceMs,
    hopBudgetMs,
    leaseMs: Math.max(60_000, (f + 2) * roundMs),
    basket: feeds < BASKET ? [] : names.slice(0, BASKET).map((feed) => ({ feed, weight: 20 })),
    feeds: names.map((feed, index) => ({
      feed,
      preset: index < MAJORS ? "major" : "large",
      sources: Array.from({ length: VENUES }, (_, venue) => ({ venue: `venue${venue}`, market: feed, weight: 1 })),
    })),
  });
  assert(parsed.ok, parsed.ok ? "" : `the network is valid: ${JSON.stringify(parsed.error)}`);
  return genesisNetwork(parsed.value);
}

function feedName(index: number): string {
  return `A${String(index).padStart(4, "0")}/USD`;
}

/** Quiet prices of some hundred dollars; every look differs by tenths of a basis point, so that no two observations are alike. */
export function createWanMarket(seed: number, { config }: Network): Market {
  const random = createRandom(seed, "market");
  const snapshot: Market["snapshot"] = (_, { clock }) => {
    const seen = new Map<string, VenueSnapshot extends ReadonlyMap<string, infer S> ? S : never>();
    config.feeds.forEach(({ feed, sources }, index) => {
      const price = truth(index);
      for (const { venue, market } of sources) {
        const mid = price + (price * BigInt(random.below(9))) / BPS_TENTHS;
        const half = mid / 20_000n;
        const sentAt = clock - 100 - random.below(800);
        const quote = { market: feed, bid: mid - half, ask: mid + half };
        seen.set(marketKey(venue, market), { venue, market, quote, sentAt, receivedAt: sentAt + 50 });
      }
    });
    return seen;
  };
  return {
    snapshot,
    gauges: () => [],
    truth: () => truth(0),
    truthRange: () => ({ low: truth(0), high: truth(0) }),
    faultyShareBps: () => 0,
    begin: () => undefined,
    end: () => undefined,
  };
}

function truth(index: number): bigint {
  return BigInt(100 + index) * ONE + ONE / 7n;
}
