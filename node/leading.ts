import { leaderOf, memberIndex } from "../protocol/committee.ts";
import type { SignedObservation } from "../protocol/observation.ts";
import { signProposal } from "../protocol/proposal.ts";
import { type Desk, maySign, promise, report } from "./desk.ts";
import { firsts } from "./pool.ts";
import { signHeader } from "./signing.ts";
import { encodeProposalMessage } from "./wire.ts";

/**
 * Whether this node leads the present round and has still to propose. A round stands on an older one: whoever holds a certificate of
 * this round or, by faster clocks, of a later one has nothing to propose any more.
 */
export function isLeading(desk: Desk): boolean {
  if (leaderOf(desk.network.committee, desk.round) !== desk.key.address) return false;
  return desk.rounds.head().round < desk.round && maySign(desk, "proposal", desk.round);
}

/**
 * The first observation of each member, in committee order. Usable are those whose head is no newer than ours: a newer one was asked
 * for when it was heard, and once it is here, certificate and body, it is ours.
 */
export function gatherObservations(desk: Desk): {
  readonly usable: readonly SignedObservation[];
  readonly leftOut: readonly SignedObservation[];
} {
  const { committee } = desk.network;
  const head = desk.rounds.head().round;
  const all = firsts(desk.observations.of(desk.round))
    .map(({ value }) => value)
    .sort((a, b) => memberIndex(committee, a.signer) - memberIndex(committee, b.signer));
  const isUsable = ({ observation }: SignedObservation) => observation.head.round <= head;
  return { usable: all.filter(isUsable), leftOut: all.filter((signed) => !isUsable(signed)) };
}

/** The leader waits for all n, or for q plus a grace; then it proposes on its newest head of that moment. */
export function lead(desk: Desk): void {
  if (!isLeading(desk)) return;
  const { committee, config } = desk.network;
  const { usable, leftOut } = gatherObservations(desk);
  if (usable.length < committee.quorum) return;
  desk.quorumAt ??= desk.now;
  if (usable.length < committee.members.length && desk.now < desk.quorumAt + config.graceMs) return;
  if (leftOut.length > 0) {
    report(desk, "left-out", { round: desk.round, members: leftOut.map(({ signer }) => signer).join(" ") });
  }
  propose(desk, usable);
}

function propose(desk: Desk, observations: readonly SignedObservation[]): void {
  const { network, key, scheme, round } = desk;
  const newest = desk.rounds.newest();
  const opened = { parent: newest?.computed, round, observations, documents: [] };
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
