import { type ComputedRound, configAfter, nextRound, type ParentRound } from "../../aggregator/round.ts";
import type { Topic } from "../../node/machine.ts";
import { NO_HEAD } from "../../node/round-book.ts";
import { encodeProposalMessage, encodeSignatureMessage } from "../../node/wire.ts";
import { type Address, fromHex, type Hex } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import { leaderOf, memberIndex } from "../../protocol/committee.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import { compareText } from "../../protocol/feed.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { decodeSignedDocument } from "../../protocol/governance-codec.ts";
import {
  encodeSignedObservation,
  type FeedEntry,
  type Observation,
  type SignedObservation,
  signObservation,
} from "../../protocol/observation.ts";
import { signProposal } from "../../protocol/proposal.ts";
import type { AdversaryView } from "../cluster/adversary.ts";
import type { Key } from "../cluster/signatures.ts";

/** Signed with a key that is ours: an observation like the honest one of this moment, but for the changes. */
export function observe(
  view: AdversaryView,
  changes: Partial<Omit<Observation, "observer">> & { readonly round: number },
  key: Key = view.key,
): SignedObservation {
  const contents = {
    configDigest: view.network.configDigest,
    head: headBefore(view, changes.round),
    entries: changes.entries ?? view.sample(),
    gauges: [],
    shadows: [],
    documents: [],
    ...changes,
  };
  return signObservation(contents, view.network.domain, { scheme: view.scheme, ...key });
}

/** The machine's head, unless the observation's round is not after it: then it would be refused for its shape. */
function headBefore(view: AdversaryView, round: number): Observation["head"] {
  const { head } = view.machine.status();
  return head.round < round ? head : NO_HEAD;
}

/** The same observation in other words: each price a little off, or, where there is none, a gauge more. Never the same digest. */
export function contradict(view: AdversaryView, { observation }: SignedObservation, variant = 1): SignedObservation {
  const entries = observation.entries.map((entry) => shift(entry, variant));
  const gauges = [{ gauge: "seen", value: BigInt(variant), asOf: view.now() }];
  return observe(view, { ...withoutObserver(observation), ...(entries.length > 0 ? { entries } : { gauges }) });
}

function shift(entry: FeedEntry, variant: number): FeedEntry {
  const by = entry.price / 1_000n + BigInt(variant);
  return { ...entry, price: entry.price + by, low: entry.low, high: entry.high + by };
}

function withoutObserver({ observer: _, ...contents }: Observation): Omit<Observation, "observer"> {
  return contents;
}

/** A round as any node would compute it from these parts; on a parent that names another config than ours, as if there were none. */
export function computeRound(
  view: AdversaryView,
  { parent, round, observations }: { parent: ParentRound | undefined; round: number; observations: readonly SignedObservation[] },
): ComputedRound {
  const { network } = view;
  const standing = configAfter(parent) === network.configDigest ? parent : undefined;
  return nextRound({ network, parent: standing, round, observations, documents: documentsOf(view, observations) });
}

/** What these observations name and this node has, by ascending digest. */
function documentsOf(view: AdversaryView, observations: readonly SignedObservation[]): readonly SignedDocument[] {
  const named = [...new Set(observations.flatMap(({ observation }) => observation.documents))].sort(compareText);
  return named.flatMap((digest) => {
    const bytes = view.machine.serve({ kind: "document", digest });
    if (bytes === undefined) return [];
    const { network, scheme } = view;
    const opened = decodeSignedDocument(bytes, { governance: network.config.governance, domain: network.domain, scheme });
    return opened.ok ? [opened.value] : [];
  });
}

/** A proposal's bytes, signed by this node whether it leads the round or not. */
export function proposalOf(
  view: AdversaryView,
  { header, observations }: { readonly header: RoundHeader; readonly observations: readonly Hex[] },
  certificate: Certificate | undefined,
  key: Key = view.key,
): Uint8Array {
  const signed = signProposal({ header, observations }, view.network.domain, { scheme: view.scheme, ...key });
  return encodeProposalMessage(signed, certificate);
}

/** The bytes of a header's signature. */
export function signatureOf(view: AdversaryView, header: RoundHeader, key: Key = view.key): Uint8Array {
  const signature = view.scheme.sign(fromHex(roundDigest(view.network.domain, header)), key.privateKey);
  return encodeSignatureMessage({ header, signature });
}

/** For keys, digests and messages that mean nothing. */
export function freshBytes({ random }: AdversaryView, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

export function sendObservation(view: AdversaryView, signed: SignedObservation, to?: readonly number[]): void {
  send(view, "observation", encodeSignedObservation(signed), to);
}

export function send(view: AdversaryView, topic: Topic, bytes: Uint8Array, to?: readonly number[]): void {
  if (to === undefined) view.send(topic, bytes);
  else if (to.length > 0) view.send(topic, bytes, to);
}

/** Each signer's first observation of a round, in committee order: what a leader may choose from. */
export function candidates(view: AdversaryView, round: number, own: SignedObservation | undefined): readonly SignedObservation[] {
  const { committee } = view.network;
  const bySigner = new Map<Address, SignedObservation>();
  for (const signed of own === undefined ? view.heard(round) : [own, ...view.heard(round)]) {
    if (!bySigner.has(signed.signer)) bySigner.set(signed.signer, signed);
  }
  return [...bySigner.values()].sort((a, b) => memberIndex(committee, a.signer) - memberIndex(committee, b.signer));
}

export function inCommitteeOrder(view: AdversaryView, chosen: readonly SignedObservation[]): readonly SignedObservation[] {
  const { committee } = view.network;
  return [...chosen].sort((a, b) => memberIndex(committee, a.signer) - memberIndex(committee, b.signer));
}

/** Of undefined, the round of nothing, nobody is the leader. */
export function leads(view: AdversaryView, round: number | undefined): boolean {
  return round !== undefined && leaderOf(view.network.committee, round) === view.key.address;
}

/** The honest nodes in two halves, the first the smaller one. */
export function halves({ honest }: AdversaryView): readonly [readonly number[], readonly number[]] {
  const middle = honest.length >> 1;
  return [honest.slice(0, middle), honest.slice(middle)];
}

export function pick<T>({ random }: AdversaryView, items: readonly T[]): T | undefined {
  return items.length === 0 ? undefined : items[random.below(items.length)];
}
