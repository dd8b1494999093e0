import { bodyOf, type ComputedRound, nextRound, type OpenedBody } from "../../../aggregator/round.ts";
import { FOLD, type Fold } from "../../../node/fold.ts";
import { encodeProposalMessage, encodeSignatureMessage } from "../../../node/wire.ts";
import { ONE } from "../../../protocol/amount.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import type { Certificate } from "../../../protocol/certificate.ts";
import type { Network } from "../../../protocol/config.ts";
import type { FeedEntry, GaugeEntry, Head, SignedObservation } from "../../../protocol/observation.ts";
import { signObservation } from "../../../protocol/observation.ts";
import { signProposal } from "../../../protocol/proposal.ts";
import type { RoundBody } from "../../../protocol/round.ts";
import { governedNetwork } from "../../support/governance.ts";
import { plainSources, scheme, type TestKey, testKeys } from "../../support/network.ts";
import { feedId } from "../../support/rounds.ts";

export const FEEDS = ["BTC/USD", "ETH/USD", "LINK/USD"].map(feedId);
/** Three majors, a chain, a rate and a cap: every part of a config that the fold reads. */
export const OVERRIDES = {
  feeds: FEEDS.map((feed, index) => ({
    feed,
    preset: "major",
    sources: plainSources(feed, 6),
    ...(index === 2 ? { peg: { rate: "link-rate" }, thresholds: { pegTrust: "rate", pegHoldMs: 3_600_000 } } : {}),
  })),
  chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
  references: [
    {
      ...{ name: "link-rate", chain: "ETHEREUM", market: "LINK/USD" },
      read: { kind: "exchange-rate", contract: `0x${"ab".repeat(20)}`, method: "getRate", decimals: 18 },
    },
  ],
};
/** What a later config has. */
export const FEEDS_LEFT = ["ETH/USD", "LINK/USD"].map((feed) => ({ feed, preset: "major", sources: plainSources(feed, 7) }));
export const network: Network = governedNetwork(OVERRIDES);
export const keys: readonly TestKey[] = testKeys(4);
export const fold: Fold = FOLD;
/** Its leader is member 2. */
export const FIRST_ROUND = 1_000_000_002;

export function memberKey(index: number): TestKey {
  const key = keys[index % keys.length];
  if (key === undefined) throw new Error("a committee has members");
  return key;
}

/** One certified round with every message that four honest nodes sent for it. */
export type Link = {
  readonly opened: OpenedBody;
  readonly computed: ComputedRound;
  readonly certificate: Certificate;
  readonly body: RoundBody;
  readonly observations: readonly SignedObservation[];
  readonly proposal: Uint8Array;
  readonly signatures: readonly Uint8Array[];
};

/** Consecutive rounds of the real fold, the first without a parent. */
export function honestChain(rounds: number, first = FIRST_ROUND): readonly Link[] {
  const links: Link[] = [];
  for (let round = first; round < first + rounds; round++) links.push(nextLink(round, links.at(-1)));
  return links;
}

export function nextLink(round: number, parent: Link | undefined): Link {
  const head = parent === undefined ? { round: 0, digest: `0x${"00".repeat(32)}` as const } : headOf(parent);
  const observations = keys.map((key, index) => observe(round, index, head, key));
  const opened = { parent: parent?.computed, round, observations, documents: [] };
  const computed = nextRound({ network, ...opened });
  const { header, digest } = computed;
  const signed = keys.map(({ address, privateKey }) => ({
    signer: address,
    signature: scheme.sign(fromHex(digest), privateKey),
  }));
  const proposal = signProposal(
    { header, observations: observations.map((item) => item.digest) },
    network.domain,
    memberKey(round % keys.length),
  );
  return {
    ...{ opened, computed, observations, body: bodyOf(opened) },
    certificate: { header, signatures: signed.slice(0, network.committee.quorum) },
    proposal: encodeProposalMessage(proposal, parent?.certificate),
    signatures: signed.map(({ signature }) => encodeSignatureMessage({ header, signature })),
  };
}

function headOf({ computed: { header, digest } }: Link): Head {
  return { round: header.round, digest };
}

export function observe(round: number, index: number, head: Head, key: TestKey): SignedObservation {
  const { configDigest, domain } = network;
  const gauges = gaugesOf(round, index);
  return signObservation(
    { round, configDigest, head, entries: entriesOf(round, index), gauges, shadows: [], documents: [] },
    domain,
    key,
  );
}

/** What the member at this index measured of the chain: a fee in gwei, the newest block's instant, a wait in ms, and a rate. */
export function gaugesOf(round: number, index: number): readonly GaugeEntry[] {
  const asOf = round * network.config.roundMs - 50;
  const gauges = {
    "fee.ETHEREUM": 30n * ONE,
    "head.ETHEREUM": BigInt(asOf - 3_000),
    "wait.ETHEREUM": 12_000n,
    "rate.link-rate": 1_200n * ONE,
  };
  return Object.entries(gauges)
    .map(([gauge, value]) => ({ gauge, value: value + BigInt(index), asOf }))
    .sort((a, b) => (a.gauge < b.gauge ? -1 : 1));
}

/** What the member at this index saw. */
export function entriesOf(round: number, index: number): readonly FeedEntry[] {
  const asOf = round * network.config.roundMs - 100;
  return FEEDS.map((feed, position) => {
    const price = (1_000n + 100n * BigInt(position) + BigInt(index)) * ONE;
    return { feed, price, low: price - ONE, high: price + ONE, asOf, groups: 5, topBps: 2_000, outsideBps: 0 };
  });
}
