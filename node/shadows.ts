import type { PendingConfig } from "../circuit-breaker/governance-memory.ts";
import type { Network, NetworkConfig } from "../protocol/config.ts";
import type { FeedEntry, ShadowEntry } from "../protocol/observation.ts";

/**
 * What this node would say under the pending config of the feeds that it changes, by ascending feed; nothing before they are due (BREAKER.md
 * B7), and nothing without the config's content. A feed that it cannot price has no shadow, which keeps the config out.
 *
 * @param sample this node's entries under a config, now
 * @example shadows begin with the first round whose timestamp is at least activation − shadowMs
 */
export function shadowsOf(
  {
    network,
    pending,
    content,
    timestamp,
  }: {
    readonly network: Network;
    readonly pending: PendingConfig | undefined;
    readonly content: NetworkConfig | undefined;
    readonly timestamp: number;
  },
  sample: (config: NetworkConfig) => readonly FeedEntry[],
): readonly ShadowEntry[] {
  if (pending === undefined || content === undefined || pending.feeds.length === 0) return [];
  if (timestamp < pending.activation - network.config.governance.shadowMs) return [];
  const changed = new Set(pending.feeds.map(({ feed }) => feed));
  return sample(content).flatMap(({ feed, price }) => (changed.has(feed) ? [{ feed, price }] : []));
}
