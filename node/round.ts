import { encodeCertificate } from "../protocol/certificate.ts";
import { memberIndex } from "../protocol/committee.ts";
import { encodeSignedObservation, MAX_ENTRIES, MAX_GAUGES, signObservation } from "../protocol/observation.ts";
import { fail } from "../protocol/result.ts";
import { encodeRoundBody } from "../protocol/round-codec.ts";
import { takeFetched } from "./answers.ts";
import { carriedDocuments, openDocument, serveDocument, stepReviews, takeReviewed, takeSubmitted } from "./carrying.ts";
import { checkAfter, checkCertificate, standingOf } from "./certifying.ts";
import { governanceOf, settleConfig } from "./configuring.ts";
import {
  createDesk,
  type Desk,
  emit,
  findObservation,
  halt,
  hasSeen,
  maySign,
  promise,
  type RoundComponents,
  report,
  takePromised,
} from "./desk.ts";
import { createFetching } from "./fetching.ts";
import { stepFetching, walkBack } from "./following.ts";
import { GOSSIP_VERDICTS, type GossipCode } from "./gossip-codes.ts";
import { judgeGossip, WINDOW_ROUNDS } from "./gossip-judge.ts";
import { GUARD_ROUNDS } from "./guard.ts";
import { keepMessage } from "./keeping.ts";
import { isLeading, lead, reportIdleLeader } from "./leading.ts";
import type { GuardRecord, Input, Output, RoundMachine, StartState, Want } from "./machine.ts";
import { adoptComputable } from "./recomputing.ts";
import { advanceProposals, windowOf } from "./signing.ts";
import { helloOf, stepQuarantine, takeHello } from "./starting.ts";
import { noticeConfig, restoreTransitions, serveTransition } from "./transitions.ts";

/** A fault of ours says no more of itself than this. */
const MAX_FAULT_TEXT = 200;

/**
 * The round of DESIGN section 5 as a pure state machine: observations at the round's start, the leader's proposal, one signature of
 * one header, certificates from any q of them; following, catching up and serving what is missing by digest; and the start-up
 * quarantine before any of it is signed. Every signature is promised durably (`persist` → `persisted`) before it is published.
 */
export function createRoundMachine({ start, ...components }: RoundComponents & { readonly start: StartState }): RoundMachine {
  const desk = createDesk(components, start);
  restore(desk, start);
  return {
    handle: (input, now) => handle(desk, input, now),
    wakeAt: () => wakeAt(desk),
    serve: (want) => serve(desk, want),
    hello: (now) => helloOf(desk, now),
    status: () => ({ phase: desk.phase, firstRound: desk.firstRound, head: desk.rounds.head() }),
    network: () => desk.network,
    peers: () => desk.peers,
    governance: () => governanceOf(desk),
  };
}

function restore(desk: Desk, start: StartState): void {
  const fault = restoreTransitions(desk, start.transitions);
  if (fault !== undefined) report(desk, "stored-transitions-unusable", { fault });
  restoreHead(desk, start);
  settleConfig(desk);
  // Oldest first, as they came; what the keyholders of now did not sign is of no use any more.
  for (const bytes of start.documents.toReversed()) {
    const opened = openDocument(desk, bytes);
    if (opened.ok) desk.documents.add(opened.value, { round: desk.round, named: false });
  }
  settleConfig(desk);
}

/** The stored head is verified and recomputed like a stranger's: a damaged store costs a catch-up, not a wrong round. */
function restoreHead(desk: Desk, { head }: StartState): void {
  if (head === undefined) return;
  const { digest, certificate } = head.certified;
  const opened = openStored(desk, head);
  if (!opened.ok) {
    report(desk, "stored-head-unusable", { round: certificate.header.round, digest, fault: opened.error });
    return;
  }
  const { parent, round, observations, documents, ...computed } = opened.value;
  desk.rounds.hold({ opened: { parent, round, observations, documents }, computed, certificate });
  for (const mark of desk.chain.add({ round, digest, parent: computed.header.parent }, true))
    emit(desk, { kind: "mark", ...mark });
}

function openStored(desk: Desk, { certified, body }: NonNullable<StartState["head"]>) {
  const { header } = certified.certificate;
  const network = desk.networks.find(header.configDigest);
  if (network === undefined) return fail("under a config that no stored transition leads to");
  const verified = checkAfter(desk, certified.certificate, body.parent?.configDigest ?? header.configDigest);
  if (!verified.ok) return fail(`certificate: ${verified.error}`);
  if (verified.value !== certified.digest) return fail("another round's certificate");
  const recomputed = desk.fold.recomputeBody(network, body, desk.scheme);
  if (!recomputed.ok) return recomputed;
  return recomputed.value.digest === verified.value ? recomputed : fail("recomputes to another header");
}

function handle(desk: Desk, input: Input, now: number): readonly Output[] {
  desk.now = now;
  const answered = desk.outputs.length;
  try {
    beginRound(desk);
    take(desk, input);
    settle(desk);
  } catch (fault) {
    // A bug must not be a way to stop this node: it costs the one input. Nobody is punished for it.
    const text = (fault instanceof Error ? fault.message : String(fault)).slice(0, MAX_FAULT_TEXT);
    report(desk, "internal-fault", { input: input.kind, fault: text });
    const isAnswered = desk.outputs.slice(answered).some((output) => output.kind === "verdict");
    if (input.kind === "gossip" && !isAnswered) answerGossip(desk, input.id, "internal");
  }
  const outputs = desk.outputs;
  desk.outputs = [];
  return outputs;
}

const TAKERS: { readonly [K in Input["kind"]]: (desk: Desk, input: Extract<Input, { kind: K }>) => void } = {
  tick: () => undefined,
  gossip: takeGossip,
  sampled: observe,
  persisted: (desk, { record }) => publishPromised(desk, record),
  refused: (desk, { record: { kind, round, digest } }) => halt(desk, "guard-refused", { kind, round, digest }),
  fetched: (desk, { want, from, bytes }) => takeFetched(desk, want, from, bytes),
  "fetch-failed": (desk, { want, from }) => desk.fetching.failed(want, from),
  hello: takeHello,
  submitted: (desk, { id, bytes }) => takeSubmitted(desk, id, bytes),
  reviewed: (desk, { document, agrees }) => takeReviewed(desk, document, agrees),
};

function take<K extends Input["kind"]>(desk: Desk, input: Extract<Input, { kind: K }>): void {
  const taker: (desk: Desk, input: Extract<Input, { kind: K }>) => void = TAKERS[input.kind as K];
  taker(desk, input);
}

/** Everything that became possible, in the order in which one thing allows the next. */
function settle(desk: Desk): void {
  stepQuarantine(desk);
  lead(desk);
  advanceProposals(desk);
  adoptComputable(desk);
  walkBack(desk);
  stepFetching(desk);
}

/**
 * Rounds go by the clock: what falls out of the window is forgotten, and this round's observation is asked for. None begins twice by
 * a clock that is set back a little; one that is set right after a larger error is followed, or the node would be deaf, and wait for
 * what it had put off, until that time comes again. The guard stands in either case: nothing is signed twice (P2).
 */
function beginRound(desk: Desk): void {
  const round = Math.floor(desk.now / desk.network.config.roundMs);
  const isSetBack = round < desk.round - WINDOW_ROUNDS;
  if (round <= desk.round && !isSetBack) return;
  if (isSetBack) forgetDeadlines(desk);
  else if (desk.round >= 0) reportIdleLeader(desk);
  else for (const pooled of desk.documents.all()) pooled.usedIn = round;
  desk.round = round;
  desk.quorumAt = undefined;
  const oldest = round - WINDOW_ROUNDS;
  desk.observations.prune(oldest);
  desk.proposals.prune(oldest);
  desk.signatures.prune(oldest);
  desk.guard.prune(round);
  for (const old of desk.seenCertificates.keys()) if (old < oldest) desk.seenCertificates.delete(old);
  for (const [digest, { observation }] of desk.named) if (observation.round < oldest) desk.named.delete(digest);
  for (const [key, stray] of desk.strays) if (stray < round - GUARD_ROUNDS) desk.strays.delete(key);
  for (const [key, { record }] of desk.pending) if (record.round < oldest) desk.pending.delete(key);
  for (const [from, until] of desk.rumours) if (desk.now >= until) desk.rumours.delete(from);
  const { pending, next } = governanceOf(desk);
  desk.documents.prune(round, new Set([next, pending?.configDigest ?? next]));
  settleConfig(desk);
  stepReviews(desk);
  if (observes(desk, round)) emit(desk, { kind: "sample", round });
}

function observes(desk: Desk, round: number): boolean {
  return memberIndex(desk.network.committee, desk.key.address) >= 0 && maySign(desk, "observation", round);
}

function forgetDeadlines(desk: Desk): void {
  desk.fetching = createFetching();
  desk.greetAt = desk.now;
  desk.backfillAt = desk.now;
}

/**
 * This node's one observation of the round, naming its head of this moment. Once that head is of this round, or of a later one by faster
 * clocks, it is too late: a head that is no older than its observation is rejected, and the one who sent it pays.
 */
function observe(desk: Desk, { round, entries, gauges, shadows }: Input & { readonly kind: "sampled" }): void {
  const head = desk.rounds.head();
  const isLate = round !== desk.round || head.round >= round || !observes(desk, round);
  if (isLate || Math.max(entries.length, shadows.length) > MAX_ENTRIES || gauges.length > MAX_GAUGES) {
    report(desk, "sample-unusable", { round, fault: isLate ? "late" : "too many entries" });
    return;
  }
  const { network, scheme, key } = desk;
  const documents = carriedDocuments(desk, round);
  const observation = { round, configDigest: network.configDigest, head, entries, gauges, shadows, documents };
  const signed = signObservation(observation, network.domain, { scheme, ...key });
  desk.ownHead = { round, head: head.round };
  promise(desk, {
    record: { kind: "observation", round, configDigest: network.configDigest, digest: signed.digest },
    topic: "observation",
    bytes: encodeSignedObservation(signed),
    message: { topic: "observation", signed },
  });
}

/** The second of two steps: the record is durable, so the message goes out, and into our own pools like anybody's. */
function publishPromised(desk: Desk, record: GuardRecord): void {
  const promised = takePromised(desk, record);
  if (promised === undefined) return;
  emit(desk, { kind: "publish", topic: promised.topic, bytes: promised.bytes });
  keepMessage(desk, promised.message, desk.key.address);
}

function takeGossip(desk: Desk, { id, topic, bytes, from }: Input & { readonly kind: "gossip" }): void {
  const judged = judgeGossip(topic, bytes, {
    networkOf: (digest) => desk.current.find(({ configDigest }) => configDigest === digest),
    scheme: desk.scheme,
    round: desk.round,
    standingOf: (network, signer) => standingOf(desk, network, signer),
    checkCertificate: (certificate) => {
      const checked = checkCertificate(desk, certificate);
      if (checked.ok) return "certified";
      return checked.error === "unknown-config" ? "unknown-config" : "bad-certificate";
    },
    seen: (of, at, digest, signature) => hasSeen(desk, of, at, digest, signature),
  });
  if (judged.code === "other-config") noticeConfig(desk, judged.configDigest, from);
  const code = judged.code === "accepted" ? keepMessage(desk, judged.message, from) : judged.code;
  answerGossip(desk, id, code);
}

function answerGossip(desk: Desk, id: string, code: GossipCode): void {
  emit(desk, { kind: "verdict", id, verdict: GOSSIP_VERDICTS[code], code });
}

function serve(desk: Desk, { kind, digest }: Want): Uint8Array | undefined {
  if (kind === "observation") {
    const signed = findObservation(desk, digest);
    return signed === undefined ? undefined : encodeSignedObservation(signed);
  }
  if (kind === "certificate") {
    const certificate = desk.rounds.certificate(digest);
    return certificate === undefined ? undefined : encodeCertificate(certificate);
  }
  if (kind === "document") return serveDocument(desk, digest);
  if (kind === "transition") return serveTransition(desk, digest);
  const computation = desk.rounds.computation(digest);
  return computation === undefined ? undefined : encodeRoundBody(desk.fold.bodyOf(computation.opened));
}

/** The next moment at which something happens without any input; never the present one, or the shell would spin. */
function wakeAt(desk: Desk): number {
  const { config } = desk.network;
  const times = [(desk.round + 1) * config.roundMs, desk.fetching.wakeAt()];
  if (desk.phase === "quarantine") times.push(desk.greetAt);
  if (desk.quorumAt !== undefined && isLeading(desk)) times.push(desk.quorumAt + config.graceMs);
  if (desk.chain.missing() !== undefined && desk.now < desk.backfillAt) times.push(desk.backfillAt);
  for (const { value } of [...desk.proposals.of(desk.round + 1), ...desk.proposals.of(desk.round)]) {
    const { opensAt, closesAt } = windowOf(desk, value.signed.proposal.header.round);
    if (value.open) times.push(desk.now < opensAt ? opensAt : closesAt);
  }
  return Math.max(desk.now + 1, Math.min(...times));
}
