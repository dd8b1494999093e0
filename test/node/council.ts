import { configDigest, type Network, type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import { type FeedId, parseFeedId } from "../../protocol/feed.ts";
import type { DocumentContent, FeedScope, PauseAction, SignedDocument } from "../../protocol/governance.ts";
import { approveDocument, approvedDocument, type KeyholderKey } from "../../protocol/governance-codec.ts";
import { digestOf, plainSources, type TestKey, testKey } from "../support/network.ts";

export const GOVERNORS: readonly TestKey[] = [50, 51, 52, 53, 54].map(testKey);
export const GUARDIANS: readonly TestKey[] = [60, 61].map(testKey);
const QUORUM = 3;

function keyholders(keys: readonly TestKey[], name: string) {
  return keys.map(({ address }, index) => ({ name: `${name}${index}`, address }));
}

/** Five governors of whom three decide, two guardians, and the shortest times that a config may have. */
export const GOVERNED = {
  governance: {
    governors: keyholders(GOVERNORS, "governor"),
    quorum: QUORUM,
    guardians: keyholders(GUARDIANS, "guardian"),
    timelockMs: 1_000,
    shadowMs: 1_000,
    lapseMs: 600_000,
    replayRounds: 1,
  },
} as const;

export const ETH_USD: FeedId = feedOf("ETH/USD");

export function guardian(index: number): TestKey {
  return keyOf(GUARDIANS, index);
}

/** A pause by guardians, until so many ms after `at`. */
export function pauseBy(
  network: Network,
  by: readonly TestKey[],
  {
    at,
    forMs = 60_000,
    nonce = 1,
    feed = ETH_USD,
    action = "none",
  }: {
    readonly at: number;
    readonly forMs?: number;
    readonly nonce?: number;
    readonly feed?: FeedScope;
    readonly action?: PauseAction;
  },
): SignedDocument {
  return signBy(network, by, { kind: "pause", feed, action, until: at + forMs }, nonce);
}

/** The config in force with changes, one version on. */
export function successorOf({ config }: Network, changes: Record<string, unknown>): NetworkConfig {
  const parsed = parseNetworkConfig({
    ...(config as unknown as Record<string, unknown>),
    version: config.version + 1,
    ...changes,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

/** The proposal of a config by three governors. */
export function proposalOf(network: Network, config: NetworkConfig, activation: number): SignedDocument {
  const content = {
    kind: "config",
    version: config.version,
    replaces: network.configDigest,
    configDigest: configDigest(config),
    activation,
    replayTo: 0,
    replay: digestOf(1),
    config,
  } as const;
  return signBy(network, GOVERNORS.slice(0, QUORUM), content, 0);
}

export function signBy(network: Network, by: readonly KeyholderKey[], content: DocumentContent, nonce: number): SignedDocument {
  return approvedDocument(
    content,
    by.map((key) => approveDocument(content, key, nonce, network.domain)),
  );
}

/** A member of a committee exchanged for another. */
export function exchange(config: NetworkConfig, leaves: string, comes: { readonly address: string }) {
  const kept = config.committee.filter(({ address }) => address !== leaves);
  return [...kept, { name: "guest", address: comes.address }];
}

/** Other weights: the price of the feed comes from the same venues, and yet it is another one. */
export function reweighted() {
  const [first, ...others] = plainSources("ETH/USD", 6);
  return [{ feed: "ETH/USD", preset: "major", sources: [{ ...first, weight: 2 }, ...others] }];
}

function keyOf(keys: readonly TestKey[], index: number): TestKey {
  const key = keys[index];
  if (key === undefined) throw new Error(`no key ${index}`);
  return key;
}

function feedOf(text: string): FeedId {
  const feed = parseFeedId(text);
  if (!feed.ok) throw new Error(feed.error);
  return feed.value;
}
