import type { ConfigFault, Conversion, FeedConfig, SourceConfig } from "./config.ts";
import { baseOf, type FeedId, quoteOf } from "./feed.ts";

/** The feed that a conversion leg reads. */
export function legOf(leg: Conversion): FeedId {
  return "multiply" in leg ? leg.multiply : leg.divide;
}

/**
 * Conversion paths are typed by base and quote: A/B × B/C is A/C, A/C ÷ B/C is A/B. Every path must compose to its feed, every leg
 * must be a feed of the network, and legs must not run in a circle.
 */
export function findPathFaults(feeds: readonly FeedConfig[]): readonly ConfigFault[] {
  const known = new Set(feeds.map((feed) => feed.feed));
  const faults = feeds.flatMap((feed) => feed.sources.flatMap((source, index) => sourceFaults(feed.feed, source, index, known)));
  return faults.length > 0 ? faults : cycleFaults(feeds);
}

/** Feeds in an order in which every leg comes before the feeds that use it. The config has no cycle. */
export function conversionOrder(feeds: readonly FeedConfig[]): readonly FeedConfig[] {
  const byId = new Map(feeds.map((feed) => [feed.feed, feed]));
  const ordered = new Set<FeedConfig>();
  const visit = (feed: FeedConfig): void => {
    if (ordered.has(feed)) return;
    for (const leg of legsOf(feed)) {
      const next = byId.get(leg);
      if (next !== undefined) visit(next);
    }
    ordered.add(feed);
  };
  feeds.forEach(visit);
  return [...ordered];
}

function legsOf(feed: FeedConfig): readonly FeedId[] {
  return feed.sources.flatMap((source) => source.convert.map(legOf));
}

function sourceFaults(feed: FeedId, source: SourceConfig, index: number, known: ReadonlySet<FeedId>): readonly ConfigFault[] {
  const path = `feeds[${feed}].sources[${index}]`;
  const missing = source.convert.map(legOf).filter((leg) => !known.has(leg));
  if (missing.length > 0) {
    return missing.map((leg) => ({ path: `${path}.convert`, expected: `expected a feed of this network, found "${leg}"` }));
  }
  const end = compose(source);
  if (end === feed) return [];
  return [{ path, expected: `expected a path that composes to ${feed}, found ${end ?? "legs whose assets do not meet"}` }];
}

function compose({ market, convert }: SourceConfig): string | undefined {
  let base = baseOf(market);
  let quote = quoteOf(market);
  for (const leg of convert) {
    if ("multiply" in leg) {
      if (baseOf(leg.multiply) !== quote) return undefined;
      quote = quoteOf(leg.multiply);
    } else if (quoteOf(leg.divide) === quote) quote = baseOf(leg.divide);
    else if (baseOf(leg.divide) === base) base = quoteOf(leg.divide);
    else return undefined;
  }
  return `${base}/${quote}`;
}

function cycleFaults(feeds: readonly FeedConfig[]): readonly ConfigFault[] {
  const byId = new Map(feeds.map((feed) => [feed.feed, feed]));
  const done = new Set<FeedId>();
  const visit = (id: FeedId, trail: readonly FeedId[]): ConfigFault | undefined => {
    if (trail.includes(id)) {
      const circle = [...trail.slice(trail.indexOf(id)), id].join(" → ");
      return { path: `feeds[${id}].sources`, expected: `expected conversions without a cycle, found ${circle}` };
    }
    if (done.has(id)) return undefined;
    const feed = byId.get(id);
    for (const leg of feed === undefined ? [] : legsOf(feed)) {
      const fault = visit(leg, [...trail, id]);
      if (fault !== undefined) return fault;
    }
    done.add(id);
    return undefined;
  };
  for (const { feed } of feeds) {
    const fault = visit(feed, []);
    if (fault !== undefined) return [fault];
  }
  return [];
}
