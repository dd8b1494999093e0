import { leaderOf, memberIndex } from "../protocol/committee.ts";
import type { SignedObservation } from "../protocol/observation.ts";
import { signProposal } from "../protocol/proposal.ts";
import { carriedDocuments, documentsOf, MAX_CARRIED_BYTES, MAX_ROUND_DOCUMENT_BYTES, weightOf } from "./carrying.ts";
import { standsOnHead } from "./configuring.ts";
import { type Desk, maySign, promise, report } from "./desk.ts";
import { firsts } from "./pool.ts";
import { signHeader } from "./signing.ts";
import { encodeProposalMessage } from "./wire.ts";

/**
 * Whether this node leads the present round and has still to propose. A round stands on an older one: whoever holds a certificate of
 * this round or, by faster clocks, of a later one has nothing to propose any more. Nor has who does not hold the head that the config
 * in force stands on.
 */
export function isLeading(desk: Desk): boolean {
  if (leaderOf(desk.network.committee, desk.round) !== desk.key.address || !standsOnHead(desk)) return false;
  return desk.rounds.head().round < desk.round && maySign(desk, "proposal", desk.round);
}

/** This round's observations, the first of each member, in committee order; of another config's nothing is said. */
export type Gathered = {
  readonly usable: readonly SignedObservation[];
  /**
   * Their head is newer than ours: it was asked for when it was heard, and once it is here, certificate and body, it is ours.
   */
  readonly headless: readonly SignedObservation[];
  /** They name documents that are not here, are none, or weigh too much. */
  readonly undocumented: readonly SignedObservation[];
};

export function gatherObservations(desk: Desk): Gathered {
  const { committee, configDigest } = desk.network;
  const head = desk.rounds.head().round;
  const ofConfig = desk.observations.of(desk.round).filter(({ value }) => value.observation.configDigest === configDigest);
  const all = firsts(ofConfig)
    .map(({ value }) => value)
    .sort((a, b) => memberIndex(committee, a.signer) - memberIndex(committee, b.signer));
  const headed = all.filter(({ observation }) => observation.head.round <= head);
  const documented = new Set(withinWeight(desk, headed.filter(isDocumented(desk))));
  return {
    usable: headed.filter((signed) => documented.has(signed)),
    headless: all.filter((signed) => !headed.includes(signed)),
    undocumented: headed.filter((signed) => !documented.has(signed)),
  };
}

function isDocumented(desk: Desk): (signed: SignedObservation) => boolean {
  return (signed) => {
    if (signed.observation.documents.length === 0) return true;
    const { documents, missing, invalid } = documentsOf(desk, desk.network, [signed]);
    return missing.length === 0 && !invalid && weightOf(documents) <= MAX_CARRIED_BYTES;
  };
}

/** Those that fit together into a round's body: whoever brings least that this node would not carry itself comes first. */
function withinWeight(desk: Desk, observations: readonly SignedObservation[]): readonly SignedObservation[] {
  const weigh = (signed: readonly SignedObservation[]) => weightOf(documentsOf(desk, desk.network, signed).documents);
  if (weigh(observations) <= MAX_ROUND_DOCUMENT_BYTES) return observations;
  const own = new Set(carriedDocuments(desk, desk.round));
  const foreign = ({ observation }: SignedObservation) =>
    weightOf(observation.documents.flatMap((digest) => (own.has(digest) ? [] : (desk.documents.find(digest)?.signed ?? []))));
  const chosen: SignedObservation[] = [];
  for (const signed of [...observations].sort((a, b) => foreign(a) - foreign(b))) {
    if (weigh([...chosen, signed]) <= MAX_ROUND_DOCUMENT_BYTES) chosen.push(signed);
  }
  return chosen;
}

/** The leader waits for all n, or for q plus a grace; then it proposes on its newest head of that moment. */
export function lead(desk: Desk): void {
  if (!isLeading(desk)) return;
  const { committee, config } = desk.network;
  const { usable, headless, undocumented } = gatherObservations(desk);
  if (usable.length < committee.quorum) return;
  desk.quorumAt ??= desk.now;
  if (usable.length < committee.members.length && desk.now < desk.quorumAt + config.graceMs) return;
  const { round } = desk;
  if (headless.length > 0) report(desk, "left-out", { round, members: membersOf(headless) });
  if (undocumented.length > 0) report(desk, "documents-missing", { round, members: membersOf(undocumented) });
  propose(desk, usable);
}

function membersOf(observations: readonly SignedObservation[]): string {
  return observations.map(({ signer }) => signer).join(" ");
}

function propose(desk: Desk, observations: readonly SignedObservation[]): void {
  const { network, key, scheme, round } = desk;
  const newest = desk.rounds.newest();
  const { documents } = documentsOf(desk, network, observations);
  const opened = { parent: newest?.computed, round, observations, documents };
  const computed = desk.fold.nextRound({ network, ...opened });
  const proposal = { header: computed.header, observations: observations.map(({ digest }) => digest) };
  const signed = signProposal(proposal, network.domain, { scheme, ...key });
  promise(desk, {
    record: { kind: "proposal", round, configDigest: network.configDigest, digest: signed.digest },
    topic: "proposal",
    bytes: encodeProposalMessage(signed, newest?.certificate),
    message: { topic: "proposal", signed, certificate: newest?.certificate },
  });
  signHeader(desk, { opened, computed });
}

/** Said once, when the round is over. */
export function reportIdleLeader(desk: Desk): void {
  if (!isLeading(desk)) return;
  const { usable } = gatherObservations(desk);
  report(desk, "no-quorum", { round: desk.round, observations: usable.length, needed: desk.network.committee.quorum });
}
