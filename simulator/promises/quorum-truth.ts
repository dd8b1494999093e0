import type { FeedConfig, NetworkConfig } from "../../protocol/config.ts";
import type { FeedEntry, Observation } from "../../protocol/observation.ts";

export type Included = { readonly node: number; readonly observation: Observation };
export type IncludedEntry = { readonly node: number; readonly entry: FeedEntry };

/** What a body's observations say of one feed, worked out again from BREAKER.md B1 alone. */
export type QuorumTruth = {
  /** Entries that count, whoever signed them. */
  readonly counted: readonly IncludedEntry[];
  readonly priced: boolean;
  /** All below are 0 unless priced. */
  readonly price: bigint;
  readonly rawLow: bigint;
  readonly rawHigh: bigint;
  readonly observedAt: number;
  readonly groups: number;
  readonly topBps: number;
  readonly outsideBps: number;
};

const UNPRICED = { priced: false, price: 0n, rawLow: 0n, rawHigh: 0n, observedAt: 0, groups: 0, topBps: 0, outsideBps: 0 };

export function quorumTruth(
  included: readonly Included[],
  { feed, thresholds }: FeedConfig,
  { config, f, timestamp }: { readonly config: NetworkConfig; readonly f: number; readonly timestamp: number },
): QuorumTruth {
  const { roundMs, maxSkewMs } = config;
  const counted: IncludedEntry[] = [];
  for (const { node, observation } of included) {
    const entry = observation.entries.find((candidate) => candidate.feed === feed);
    if (entry === undefined) continue;
    const ordered = 0n < entry.low && entry.low <= entry.price && entry.price <= entry.high;
    const timely = entry.asOf <= timestamp + roundMs + maxSkewMs && entry.asOf >= timestamp - thresholds.quoteMs - roundMs;
    if (ordered && timely) counted.push({ node, entry });
  }
  if (counted.length < 2 * f + 1) return { counted, ...UNPRICED };
  const middle = counted.length >> 1;
  const at = (field: "asOf" | "groups" | "topBps" | "outsideBps") =>
    counted.map(({ entry }) => entry[field]).sort((a, b) => a - b)[middle] ?? 0;
  const amounts = (field: "price" | "low" | "high") =>
    counted.map(({ entry }) => entry[field]).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const price = amounts("price")[middle] ?? 0n;
  const chosenAt = Math.min(...counted.flatMap(({ entry }) => (entry.price === price ? [entry.asOf] : [])));
  return {
    counted,
    priced: true,
    price,
    rawLow: amounts("low")[f] ?? 0n,
    rawHigh: amounts("high")[counted.length - 1 - f] ?? 0n,
    observedAt: Math.min(at("asOf"), chosenAt, timestamp),
    groups: at("groups"),
    topBps: at("topBps"),
    outsideBps: at("outsideBps"),
  };
}

/** @example movedBps(80n, 100n); // 2500, of the smaller one */
export function movedBps(a: bigint, b: bigint): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low <= 0n ? Number.POSITIVE_INFINITY : Number(((high - low) * 10_000n) / low);
}
