import { isDeepStrictEqual } from "node:util";
import type { Adapter } from "../../adapters/adapter.ts";
import { createPoller, type Poller, type PollerOptions, type VenuePoll } from "../../adapters/io/poller.ts";
import type { VenueSnapshot } from "../../adapters/snapshot.ts";
import { marketKey } from "../../adapters/snapshot.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { NodeConfig } from "../node-config.ts";
import { marketsByVenue } from "../sampler.ts";

export type PollingOptions = Omit<PollerOptions, "venues" | "settings"> & {
  readonly config: NodeConfig;
  readonly adapters: Readonly<Record<string, Adapter>>;
};

/** The venues that the configs of the moment ask for: one poller each, so that a change of one leaves the others alone (P8). */
export type Polling = {
  readonly snapshot: () => VenueSnapshot;
  /** Polls the markets of these configs and no others. A venue whose list changes keeps its last quotes until it has answered again. */
  readonly follow: (configs: readonly NetworkConfig[]) => void;
  readonly stop: () => Promise<void>;
};

type Run = { readonly poll: VenuePoll; readonly poller: Poller; readonly before: VenueSnapshot };

export function createPolling(options: PollingOptions): Polling {
  const runs = new Map<string, Run>();
  const leaving = new Set<Promise<void>>();
  const leave = ({ poller }: Run): void => {
    const done: Promise<void> = poller.stop().finally(() => leaving.delete(done));
    leaving.add(done);
  };
  const open = (poll: VenuePoll, before: VenueSnapshot): Run => {
    const poller = createPoller({ ...options, venues: [poll] });
    poller.start();
    return { poll, poller, before };
  };
  return {
    snapshot: () => new Map([...runs.values()].flatMap((run) => [...snapshotOf(run)])),
    follow: (configs) => {
      const polls = new Map(venuePolls(options, configs).map((poll) => [poll.adapter.venue as string, poll]));
      for (const [venue, run] of runs) {
        const poll = polls.get(venue);
        if (poll !== undefined && isDeepStrictEqual(poll.markets, run.poll.markets)) continue;
        runs.delete(venue);
        if (poll !== undefined) runs.set(venue, open(poll, snapshotOf(run)));
        leave(run);
      }
      for (const [venue, poll] of polls) if (!runs.has(venue)) runs.set(venue, open(poll, new Map()));
    },
    stop: async () => {
      await Promise.all([...leaving, ...[...runs.values()].map(({ poller }) => poller.stop())]);
    },
  };
}

/** The newest answers; of a market that was asked before and has not answered to this poller, the last one. */
function snapshotOf({ poll, poller, before }: Run): VenueSnapshot {
  const fresh = poller.snapshot();
  const kept = poll.markets.flatMap((market) => {
    const key = marketKey(poll.adapter.venue, market);
    const state = fresh.get(key) ?? before.get(key);
    return state === undefined ? [] : [[key, state] as const];
  });
  return new Map(kept);
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
