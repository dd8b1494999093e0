import { isDeepStrictEqual } from "node:util";
import type { Adapter } from "../../adapters/adapter.ts";
import type { PollerOptions, VenuePoll } from "../../adapters/io/poller.ts";
import type { StreamMetrics } from "../../adapters/io/stream-metrics.ts";
import { type FeedStream, openVenueFeed, type VenueFeed } from "../../adapters/io/venue-feed.ts";
import type { VenueSnapshot } from "../../adapters/snapshot.ts";
import type { StreamAdapter } from "../../adapters/stream.ts";
import { STREAMS } from "../../adapters/streams/index.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { NodeConfig } from "../node-config.ts";
import { marketsByVenue } from "../sampler.ts";

export type PollingOptions = Omit<PollerOptions, "venues" | "settings"> & {
  readonly config: NodeConfig;
  readonly adapters: Readonly<Record<string, Adapter>>;
  /** Of the venues that push; {@link STREAMS} unless a test has its own. */
  readonly streams?: Readonly<Record<string, StreamAdapter>>;
  readonly streamMetrics?: StreamMetrics;
};

/** The venues that the configs of the moment ask for: one feed each, so that a change of one leaves the others alone (P8). */
export type Polling = {
  readonly snapshot: () => VenueSnapshot;
  /** Asks for the markets of these configs and no others. A venue whose list changes keeps its last quotes until it has answered again. */
  readonly follow: (configs: readonly NetworkConfig[]) => void;
  readonly stop: () => Promise<void>;
};

export function createPolling(options: PollingOptions): Polling {
  const feeds = new Map<string, VenueFeed>();
  const leaving = new Set<Promise<void>>();
  warnOfStreams(options);
  const leave = (feed: VenueFeed): void => {
    const done: Promise<void> = feed.stop().finally(() => leaving.delete(done));
    leaving.add(done);
  };
  const open = (poll: VenuePoll, before: VenueSnapshot): VenueFeed =>
    openVenueFeed(poll, streamOf(options, poll.adapter.venue), options, before);
  return {
    snapshot: () => new Map([...feeds.values()].flatMap((feed) => [...feed.snapshot()])),
    follow: (configs) => {
      const polls = new Map(venuePolls(options, configs).map((poll) => [poll.adapter.venue as string, poll]));
      for (const [venue, feed] of feeds) {
        const poll = polls.get(venue);
        if (poll !== undefined && isDeepStrictEqual(poll.markets, feed.poll.markets)) continue;
        feeds.delete(venue);
        if (poll !== undefined) feeds.set(venue, open(poll, feed.snapshot()));
        leave(feed);
      }
      for (const [venue, poll] of polls) if (!feeds.has(venue)) feeds.set(venue, open(poll, new Map()));
    },
    stop: async () => {
      await Promise.all([...leaving, ...[...feeds.values()].map((feed) => feed.stop())]);
    },
  };
}

/** A stream that no adapter reads would be polled in silence, and its operator believe otherwise. */
function warnOfStreams({ config, streams = STREAMS, log }: PollingOptions): void {
  for (const [venue, { stream }] of Object.entries(config.venues)) {
    if (typeof stream !== "string" || Object.hasOwn(streams, venue)) continue;
    const known = Object.keys(streams).join(", ");
    log.warn({ venue }, `${venue} is polled alone: there are streams of ${known}; take venues.${venue}.stream out of node.yaml`);
  }
}

/**
 * The venue's stream, unless the operator wants none. An adapter that is pointed elsewhere is pointed away from the venue: it has the
 * stream that it is given beside its URL, or none.
 */
function streamOf({ config, streams = STREAMS, streamMetrics }: PollingOptions, venue: string): FeedStream | undefined {
  const adapter = Object.hasOwn(streams, venue) ? (streams as Readonly<Record<string, StreamAdapter>>)[venue] : undefined;
  const { url, stream } = config.venues[venue] ?? {};
  if (adapter === undefined || stream === false || (stream === undefined && url !== undefined)) return undefined;
  return {
    adapter,
    ...(stream === undefined ? {} : { url: stream }),
    ...(streamMetrics === undefined ? {} : { metrics: streamMetrics }),
  };
}

function venuePolls({ config, adapters }: PollingOptions, configs: readonly NetworkConfig[]): readonly VenuePoll[] {
  const venues = new Map<string, Set<string>>();
  for (const [venue, markets] of configs.flatMap((of) => [...marketsByVenue(of)])) {
    venues.set(venue, new Set([...(venues.get(venue) ?? []), ...markets]));
  }
  return [...venues].flatMap(([venue, markets]) => {
    const adapter = adapters[venue];
    if (adapter === undefined) return [];
    const { url, requestsPerSecond, intervalMs, timeoutMs } = config.venues[venue] ?? {};
    return {
      adapter,
      markets: [...markets],
      ...(url === undefined ? {} : { baseUrl: url }),
      ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
      settings: { ...(intervalMs === undefined ? {} : { intervalMs }), ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    };
  });
}
