import { setTimeout as sleep } from "node:timers/promises";
import { ADAPTERS } from "../../adapters/index.ts";
import { marketKey } from "../../adapters/snapshot.ts";
import { createPolling } from "../../node/io/polling.ts";
import type { NodeConfig } from "../../node/node-config.ts";
import { marketsByVenue } from "../../node/sampler.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import type { VenueOutcome } from "./judge-venues.ts";

/** Time for a slow venue's first answer, and for a refused batch to be asked again market by market once every venue has said something. */
const PATIENCE_MS = 8_000;
const SECOND_LOOK_MS = 3_000;
const LOOK_MS = 100;

/** What each venue of the config says of each of its markets, through the node's own way of polling: all venues at once. */
export async function probeVenues(node: NodeConfig, config: NetworkConfig, now: () => number): Promise<readonly VenueOutcome[]> {
  const nothing = () => undefined;
  const polling = createPolling({
    ...{ adapters: ADAPTERS, addressSharedBy: node.addressSharedBy, config: withoutStreams(node), now, random: Math.random },
    ...{ log: { info: nothing, warn: nothing, error: nothing }, metrics: { onRequest: nothing, onFault: nothing } },
  });
  const wanted = [...marketsByVenue(config)].filter(([venue]) => Object.hasOwn(ADAPTERS, venue));
  const keys = wanted.flatMap(([venue, markets]) => markets.map((market) => marketKey(venue, market)));
  try {
    polling.follow([config]);
    const startedAt = performance.now();
    for (let waited = 0; waited < PATIENCE_MS; waited = performance.now() - startedAt) {
      const seen = polling.snapshot();
      const states = keys.map((key) => seen.get(key));
      if (states.every((state) => state?.quote !== undefined)) break;
      if (waited > SECOND_LOOK_MS && states.every((state) => state !== undefined)) break;
      await sleep(LOOK_MS);
    }
    const snapshot = polling.snapshot();
    return wanted.map(([venue, markets]) => ({
      venue,
      markets: markets.map((market) => {
        const state = snapshot.get(marketKey(venue, market));
        if (state?.quote !== undefined) return { market, outcome: "ok" as const };
        return { market, outcome: state?.fault === undefined ? ("silent" as const) : state.fault };
      }),
    }));
  } finally {
    await polling.stop();
  }
}

/** One answer is enough: no stream is opened for it. */
function withoutStreams(node: NodeConfig): NodeConfig {
  const quiet = Object.keys(ADAPTERS).map((venue) => [venue, { ...node.venues[venue], stream: false as const }] as const);
  return { ...node, venues: Object.fromEntries(quiet) };
}
