import type { RoundMachine } from "../../node/machine.ts";
import { type Digest, keccakHex, utf8, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { configDigest, type Network, type NetworkConfig, networkUnder, parseNetworkConfig } from "../../protocol/config.ts";
import { type FeedId, parseFeedId } from "../../protocol/feed.ts";
import { ALL_FEEDS, type DocumentContent, type FeedScope, type SignedDocument } from "../../protocol/governance.ts";
import { approveDocument, approvedDocument } from "../../protocol/governance-codec.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Act } from "./act.ts";
import { GOVERNORS, GUARDIANS, QUORUM, STRANGER } from "./keyholders.ts";
import type { Key } from "./signatures.ts";

/** What every honest node's replay of a sound config gives. */
export const SOUND_REPLAY: Digest = keccakHex(utf8("the report that a replay gives"));
const UNSOUND_REPLAY: Digest = keccakHex(utf8("a report that no replay gives"));

/** Between a proposal and the earliest moment at which its timelock lets it activate: it is reviewed, and carried by others. */
const SLACK_ROUNDS = 6;
const DAY_MS = 86_400_000;
/** No market of a trial trades so low. */
const CAP_VALUE = "0.0001";

/** A document as it is handed in, and what it is of. */
export type Handed = { readonly bytes: Uint8Array; readonly document: SignedDocument["document"]; readonly digest: Digest };

/** What keyholders look at before they sign. */
type Seen = Pick<RoundMachine, "network" | "governance">;

/** The keyholders of a trial: what they sign depends on what the node that they hand it to holds for true. */
export type Council = {
  /** Undefined when there is nothing to say in this state. */
  readonly draft: (act: Act, node: { readonly machine: Seen; readonly now: number }) => Handed | undefined;
  /** Every config that somebody proposed so far. */
  readonly networkOf: (digest: Digest) => Network | undefined;
};

/** `nodes`: the keys that a committee is made of, one more than it has members. */
export function createCouncil({
  genesis,
  scheme,
  nodes,
}: {
  readonly genesis: Network;
  readonly scheme: Secp256k1;
  readonly nodes: readonly Key[];
}): Council {
  const networks = new Map<Digest, Network>([[genesis.configDigest, genesis]]);
  let nonce = 0;
  let version = genesis.config.version;
  let last: Handed | undefined;

  const sign = (by: readonly Key[], content: DocumentContent): SignedDocument => {
    nonce += 1;
    return approvedDocument(
      content,
      by.map((key) => approveDocument(content, { scheme, ...key }, nonce, genesis.domain)),
    );
  };
  const succeed = (config: NetworkConfig, changes: object): NetworkConfig | undefined => {
    version += 1;
    const parsed = parseNetworkConfig({ ...config, version, ...changes });
    if (!parsed.ok) return undefined;
    const digest = configDigest(parsed.value);
    networks.set(digest, networkUnder(genesis, parsed.value));
    return parsed.value;
  };

  const draft = (act: Act, { machine, now }: { readonly machine: Seen; readonly now: number }) => {
    const { config, configDigest: inForce } = machine.network();
    const content = contentOf(act, {
      config,
      inForce,
      machine,
      now,
      nodes,
      succeed,
      networkOf: (digest) => networks.get(digest),
    });
    return content === undefined ? undefined : sign(signersOf(act), content);
  };

  return {
    networkOf: (digest) => networks.get(digest),
    draft: (act, node) => {
      if (act.kind === "again") return last;
      const signed = draft(act, node);
      if (signed === undefined) return undefined;
      const { document, digest, bytes } = signed;
      const handed = act.kind === "altered" ? alter(bytes) : bytes;
      last = { bytes: handed, document, digest: handed === bytes ? digest : keccakHex(handed) };
      return last;
    },
  };
}

function signersOf({ kind, who }: Act): readonly Key[] {
  const guardian = GUARDIANS[who % GUARDIANS.length] as Key;
  switch (kind) {
    case "pause-feed":
    case "pause-robust":
    case "pause-chain":
    case "withdraw":
    case "altered":
    case "of-no-feed":
    case "over":
    case "too-long":
      return [guardian];
    case "pause-all":
      return GUARDIANS.slice(0, 2);
    case "by-stranger":
      return [STRANGER];
    case "by-too-few":
      return GOVERNORS.slice(0, QUORUM - 1);
    default:
      return GOVERNORS.slice(0, QUORUM);
  }
}

type Scene = {
  readonly config: NetworkConfig;
  readonly inForce: Digest;
  readonly machine: Seen;
  readonly networkOf: (digest: Digest) => Network | undefined;
  readonly now: number;
  readonly nodes: readonly Key[];
  readonly succeed: (config: NetworkConfig, changes: object) => NetworkConfig | undefined;
};

function contentOf(act: Act, scene: Scene): DocumentContent | undefined {
  const { kind, who, forMs } = act;
  const { now, machine, inForce, config } = scene;
  const until = now + forMs;
  const governance = machine.governance();
  switch (kind) {
    case "pause-feed":
    case "by-stranger":
    case "altered":
      return pause(feedOf(act.feed), "none", until);
    case "pause-robust":
      return pause(who % 2 === 0 ? ALL_FEEDS : feedOf(act.feed), "robust", until);
    case "pause-chain":
      return pause(feedOf(`CHAIN/${config.chains[0]?.chain ?? "ETHEREUM"}`), "none", until);
    case "pause-all":
    case "pause-by-governors":
      return pause(ALL_FEEDS, "none", until);
    case "withdraw":
      return pause(governance.pauses[0]?.feed ?? feedOf(act.feed), "withdraw", 0);
    case "of-no-feed":
      return pause(feedOf("NOBODY/USD"), "none", until);
    case "over":
      return pause(feedOf(act.feed), "none", now - forMs);
    case "too-long":
      return pause(feedOf(act.feed), "none", now + DAY_MS);
    case "accept":
      return acceptance(act, scene);
    case "by-too-few":
    case "rollback":
      return { kind: "rollback", from: inForce, to: governance.previous };
    case "drop-pending":
      return { kind: "rollback", from: governance.pending?.configDigest ?? inForce, to: inForce };
    case "removal":
      return { kind: "removal", guardian: (GUARDIANS[who % GUARDIANS.length] as Key).address };
    case "again":
      return undefined;
    default:
      return proposal(act, scene);
  }
}

function pause(feed: FeedScope, action: "none" | "robust" | "withdraw", until: number): DocumentContent {
  return { kind: "pause", feed, action, until };
}

/** Of the first feed that holds the pending config back, unless it is right to; else of a gap. */
function acceptance({ feed }: Act, { machine, config, networkOf }: Scene): DocumentContent | undefined {
  const { pending } = machine.governance();
  const proposed = pending === undefined ? undefined : networkOf(pending.configDigest)?.config;
  const held = pending?.feeds.find((item) => !item.accepted && !isMispriced(item.feed, proposed));
  const content = { kind: "accept", feed: held?.feed ?? feedOf(feed) } as const;
  if (pending === undefined || held === undefined) return { ...content, configDigest: ZERO_DIGEST, gapAt: config.roundMs };
  return { ...content, configDigest: pending.configDigest, gapAt: 0 };
}

/** Governors who accept a wrong price get it: no judge of prices could tell. */
function isMispriced(feed: FeedId, proposed: NetworkConfig | undefined): boolean {
  return proposed?.feeds.find((item) => item.feed === feed)?.sources.some(({ cap }) => cap?.value === CAP_VALUE) ?? true;
}

function proposal(act: Act, scene: Scene): DocumentContent | undefined {
  const { config, inForce, now } = scene;
  const { timelockMs } = config.governance;
  const next = scene.succeed(config, changesOf(act, scene));
  if (next === undefined) return undefined;
  const due = now + timelockMs + SLACK_ROUNDS * config.roundMs;
  const shift = act.kind === "too-soon" ? -DAY_MS : act.kind === "too-late" ? 40 * DAY_MS : 0;
  return {
    kind: "config",
    version: next.version,
    replaces: act.kind === "not-successor" ? SOUND_REPLAY : inForce,
    configDigest: configDigest(next),
    activation: Math.max(0, due + shift),
    // A replay that ends before a config was dropped is of no use after it.
    replayTo: Math.floor(now / config.roundMs),
    replay: act.kind === "config-unsound" ? UNSOUND_REPLAY : SOUND_REPLAY,
    config: next,
  };
}

type FeedOf = NetworkConfig["feeds"][number];

function changesOf({ kind, feed, who }: Act, { config, nodes }: Scene): object {
  const changed = (change: (item: FeedOf) => object) => ({
    feeds: config.feeds.map((item) => (item.feed === feed ? { ...item, ...change(item) } : item)),
  });
  switch (kind) {
    case "config-source":
      return changed(({ sources }) => ({
        sources: sources.map((source, index) => (index === 1 ? { ...source, weight: source.weight + 1 } : source)),
      }));
    case "config-disagreeing":
      return changed(({ sources }) => ({
        sources: sources.map((source) => ({ ...source, cap: { value: CAP_VALUE, at: 0, growthBps: 0 } })),
      }));
    case "config-committee":
      return { committee: rotate(config, nodes, who) };
    case "too-far":
      return changed(({ thresholds }) => ({ thresholds: { ...thresholds, seasonMs: thresholds.seasonMs * 3 } }));
    default:
      return changed(({ thresholds }) => ({ thresholds: { ...thresholds, seasonMs: thresholds.seasonMs + 1_000 } }));
  }
}

/** One member goes, and the node that has been waiting comes. */
function rotate({ committee }: NetworkConfig, nodes: readonly Key[], who: number): NetworkConfig["committee"] {
  const waiting = nodes.find(({ address }) => committee.every((member) => member.address !== address));
  if (waiting === undefined) return committee;
  const kept = committee.filter((_, index) => index !== who % committee.length);
  const name = `node${nodes.indexOf(waiting)}`;
  return [...kept, { name, address: waiting.address }];
}

/** One bit of the last signature. */
function alter(bytes: Uint8Array): Uint8Array {
  const altered = Uint8Array.from(bytes);
  altered[altered.length - 10] = (altered[altered.length - 10] ?? 0) ^ 1;
  return altered;
}

function feedOf(text: string): FeedId {
  const feed = parseFeedId(text);
  if (!feed.ok) throw new Error(feed.error);
  return feed.value;
}
