import { bodyOf, type ComputedRound, nextRound, type OpenedBody, recomputeBody } from "../../../aggregator/round.ts";
import type { Fold } from "../../../node/desk.ts";
import { encodeProposalMessage, encodeSignatureMessage } from "../../../node/wire.ts";
import { ONE } from "../../../protocol/amount.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import type { Certificate } from "../../../protocol/certificate.ts";
import type { Network } from "../../../protocol/config.ts";
import type { FeedEntry, Head, SignedObservation } from "../../../protocol/observation.ts";
import { signObservation } from "../../../protocol/observation.ts";
import { signProposal } from "../../../protocol/proposal.ts";
import type { RoundBody } from "../../../protocol/round.ts";
import { scheme, type TestKey, testKeys } from "../../support/network.ts";
import { feedId, networkOf } from "../../support/rounds.ts";

export const FEEDS = ["BTC/USD", "ETH/USD", "LINK/USD"].map(feedId);
export const network: Network = networkOf(FEEDS);
export const keys: readonly TestKey[] = testKeys(4);
export const fold: Fold = { nextRound, bodyOf, recomputeBody };
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
  const gauges = [{ gauge: "baseFee.ETHEREUM", value: 30n * 10n ** 9n, asOf: round * network.config.roundMs - 50 }];
  return signObservation(
    { round, configDigest, head, entries: entriesOf(round, index), gauges, shadows: [], documents: [] },
    domain,
    key,
  );
}

/** What the member at this index saw. */
export function entriesOf(round: number, index: number): readonly FeedEntry[] {
  const asOf = round * network.config.roundMs - 100;
  return FEEDS.map((feed, position) => {
    const price = (1_000n + 100n * BigInt(position) + BigInt(index)) * ONE;
    return { feed, price, low: price - ONE, high: price + ONE, asOf, groups: 5, topBps: 2_000, outsideBps: 0 };
  });
}
