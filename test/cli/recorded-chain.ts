import { bodyOf, type ComputedRound, configAfter, nextRound } from "../../aggregator/round.ts";
import { ONE } from "../../protocol/amount.ts";
import { fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { type FeedEntry, signObservation } from "../../protocol/observation.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import type { Transition } from "../../protocol/transition.ts";
import { changed } from "../client/changing.ts";
import { GOVERNORS, governance, governedNetwork, signedBy } from "../support/governance.ts";
import { digestOf, type TestKey, testKeys } from "../support/network.ts";

const FIRST_ROUND = 1_795_300_000;
/** With adapters, as a network.yaml must have them. */
const VENUES = ["binance", "bybit", "coinbase", "gemini", "kraken", "okx"];
const SPREAD = ONE / 1_000n;

export type Recorded = {
  readonly certified: CertifiedRound;
  readonly body: RoundBody;
  /** Into the config under which this round is the first. */
  readonly transition: Transition | undefined;
};
export type RecordedChain = { readonly rounds: readonly Recorded[]; readonly transitions: readonly Transition[] };

/** A network whose configs may change after a second. */
export function recordedNetwork(feeds: readonly string[]): Network {
  return governedNetwork({
    governance: { ...governance(), timelockMs: 1_000, shadowMs: 1_000 },
    feeds: feeds.map((feed) => ({ feed, preset: "major", sources: VENUES.map((venue) => ({ venue, market: feed, weight: 1 })) })),
  });
}

/**
 * Rounds as four nodes make them, every digest and signature real; the network misses one. With `changes` governors change the lease on
 * the way, so that the last rounds stand under another config.
 */
export function* recordRounds(network: Network, count: number, { changes = false } = {}): Generator<Recorded> {
  const keys = testKeys(4);
  const next = changed(network, undefined, { leaseMs: 90_000 });
  const proposal = proposalOf(network, next);
  let parent: ComputedRound | undefined;
  for (let index = 0; index < count; index++) {
    const round = FIRST_ROUND + index + (index > 2 ? 1 : 0);
    const current = configAfter(parent) === next.configDigest ? next : network;
    const documents = changes && index === 4 ? [proposal] : [];
    const observations = keys.map((key) => observe(current, key, { round, parent, documents }));
    const input = { network: current, parent, round, observations, documents };
    const computed = nextRound(input);
    const certified = certify(computed, keys.slice(0, current.committee.quorum));
    const isFirst = parent !== undefined && computed.header.configDigest !== parent.header.configDigest;
    const transition = isFirst ? { config: current.config, certificate: certified.certificate } : undefined;
    yield { certified, body: bodyOf(input), transition };
    parent = computed;
  }
}

/** All of them at once. */
export function recordChain(...options: Parameters<typeof recordRounds>): RecordedChain {
  const rounds = [...recordRounds(...options)];
  return { rounds, transitions: rounds.flatMap(({ transition }) => transition ?? []) };
}

function proposalOf(network: Network, next: Network): SignedDocument {
  const names = { version: 2, replaces: network.configDigest, configDigest: next.configDigest };
  const activation = (FIRST_ROUND + 8) * 1_000;
  const content = { kind: "config", ...names, activation, replayTo: 0, replay: digestOf(1), config: next.config } as const;
  return signedBy(GOVERNORS.slice(0, 3), content, network);
}

function observe(
  { config, configDigest, domain }: Network,
  key: TestKey,
  {
    round,
    parent,
    documents,
  }: { readonly round: number; readonly parent: ComputedRound | undefined; readonly documents: readonly SignedDocument[] },
) {
  const entries = config.feeds.map(({ feed }, index): FeedEntry => {
    const price = BigInt(index + 1) * 100n * ONE + BigInt(round % 7) * SPREAD + BigInt(key.privateKey[31] ?? 0) * SPREAD;
    const shares = { groups: 6, topBps: 1_667, outsideBps: 0 };
    return { feed, price, low: price - SPREAD, high: price + SPREAD, asOf: round * config.roundMs - 50, ...shares };
  });
  const head = { round: parent?.header.round ?? 0, digest: parent?.digest ?? ZERO_DIGEST };
  const named = documents.map(({ digest }) => digest);
  return signObservation({ round, configDigest, head, entries, gauges: [], shadows: [], documents: named }, domain, key);
}

function certify({ header, digest, feeds }: ComputedRound, keys: readonly TestKey[]): CertifiedRound {
  const signatures = keys.map(({ scheme, address, privateKey }) => ({
    signer: address,
    signature: scheme.sign(fromHex(digest), privateKey),
  }));
  return { digest, certificate: { header, signatures }, feeds };
}
