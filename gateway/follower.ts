import { type Address, type Digest, ZERO_DIGEST } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import { newestEra } from "../protocol/era.ts";
import type { Evidence } from "../protocol/evidence.ts";
import type { SignedDocument } from "../protocol/governance.ts";
import type { CertifiedRound, RoundBody } from "../protocol/round.ts";
import type { Secp256k1 } from "../protocol/secp256k1.ts";
import type { Transition } from "../protocol/transition.ts";
import { BODY_COST, createBudget } from "./following/budget.ts";
import { type EntryCode, MAY_WAIT, type Place, UNCHARGED } from "./following/codes.ts";
import { createConvictions } from "./following/convictions.ts";
import type { Desk, Recompute, Recomputed } from "./following/desk.ts";
import { judgeEntry } from "./following/judging.ts";
import type { VerifiedRound } from "./following/rounds.ts";
import { createWaitingRoom, type Waiting } from "./following/waiting.ts";
import { createWalk, type Link } from "./following/walk.ts";
import { createWay } from "./following/way.ts";
import type { LogEntry, LogSource } from "./log.ts";
import type { GovernanceView } from "./ports.ts";

/** Documents that are known to be kept already; the oldest is forgotten first, and kept once more. */
const KNOWN_DOCUMENTS = 1_024;

/** What a store held when the process ended; nothing of it is trusted but that it was verified when it was saved. */
export type FollowerStart = {
  /** The newest round whose body is kept. */
  readonly head: { readonly certified: CertifiedRound; readonly body: RoundBody } | undefined;
  /** Of the rounds that are kept, in any order. */
  readonly links: readonly Link[];
  /** Oldest first. */
  readonly transitions: readonly Transition[];
  readonly evidence: readonly Evidence[];
};

type Governance = Recomputed["memory"]["governance"];

export type FollowOutput =
  /** To be saved; a head is published after it was. */
  | { readonly kind: "round"; readonly certified: CertifiedRound; readonly body: RoundBody; readonly place: Place }
  | { readonly kind: "document"; readonly document: SignedDocument }
  | { readonly kind: "transition"; readonly transition: Transition }
  | { readonly kind: "evidence"; readonly evidence: Evidence }
  /** What became of an entry, one for each; again for one that waited. */
  | { readonly kind: "counted"; readonly from: LogSource; readonly code: EntryCode; readonly detail: string };

/** Verifies what untrusted sources say of a network. See {@link createFollower}. */
export type Follower = {
  readonly handle: (input: { readonly from: LogSource; readonly entry: LogEntry }, now: number) => readonly FollowOutput[];
  /** The newest verified round. */
  readonly head: () => { readonly round: number; readonly digest: Digest } | undefined;
  /** Under the config in force: what the head's memory names, or what a transition ahead of it leads to. */
  readonly network: () => Network;
  /** Undefined before the first round. */
  readonly governance: () => GovernanceView | undefined;
  /** From the genesis config to the one in force, oldest first. */
  readonly transitions: () => readonly Transition[];
  /** After which round a log is to be read again when it was interrupted; undefined: from as far back as it goes. */
  readonly resumeAfter: () => number | undefined;
  /** Members whose logs count: of the config in force, of the newest that is certified, and of the head's own. */
  readonly writers: () => readonly Address[];
};

/**
 * What a gateway trusts: the genesis, and what follows from it. Entries of any number of sources come in any order, again and again, and
 * none is believed: a round counts once its certificate is of the quorum that was due in it and its body recomputes to the very header;
 * only then is its digest known, so that nobody can bar a round by naming it. Verdicts and what they measured come out of that
 * computation and never from who sent it. The head only rises.
 *
 * A source whose entries are refused uses up its own budget and nobody else's; what it alone had comes in once it calms down. Entries of
 * a config that is not known yet wait, a few of each source, until the way into it is.
 *
 * @param options.recompute the fold of every node (aggregator/round.ts's recomputeBody)
 */
export function createFollower({
  genesis,
  scheme,
  recompute,
  start,
}: {
  readonly genesis: Network;
  readonly scheme: Secp256k1;
  readonly recompute: Recompute;
  readonly start: FollowerStart;
}): Follower {
  const desk: Desk = {
    ...{ genesis, scheme, recompute },
    way: createWay(genesis, start.transitions, scheme),
    walk: createWalk(start.links),
    convictions: createConvictions(start.evidence),
  };
  const budget = createBudget();
  const waiting = createWaitingRoom();
  const documents = new Set<Digest>();
  let governance = recoverGovernance(desk, start.head);
  let saved = desk.way.transitions();

  const judge = (from: LogSource, entry: LogEntry, now: number): readonly FollowOutput[] => {
    const judged = judgeEntry(desk, entry, now);
    const counted = (code: EntryCode, detail = ""): FollowOutput => ({ kind: "counted", from, code, detail });
    switch (judged.kind) {
      case "known":
        return [counted("duplicate")];
      case "taken":
        return [counted("transition-taken")];
      case "convicted":
        return [{ kind: "evidence", evidence: judged.evidence }, counted("evidence-taken")];
      case "verified":
        return takeRound(judged.verified, counted);
      case "refused":
        if (MAY_WAIT.includes(judged.code)) waiting.put({ from, entry, digest: judged.digest });
        if (!UNCHARGED.includes(judged.code)) budget.charge(from, now, judged.code === "body" ? BODY_COST : 1);
        return [counted(judged.code, judged.detail)];
    }
  };
  const takeRound = (
    { certified, body, computed }: VerifiedRound,
    counted: (place: Place) => FollowOutput,
  ): readonly FollowOutput[] => {
    const { round, parent } = certified.certificate.header;
    const place = desk.walk.add({ round, digest: certified.digest, parent });
    if (place === "head") governance = computed.memory.governance;
    announce(desk, computed);
    const fresh = computed.documents.filter(({ digest }) => !documents.has(digest));
    for (const { digest } of fresh) documents.add(digest);
    for (const oldest of documents) if (documents.size > KNOWN_DOCUMENTS) documents.delete(oldest);
    return [
      ...fresh.map((document) => ({ kind: "document", document }) as const),
      { kind: "round", certified, body, place },
      counted(place),
    ];
  };
  /** Steps that are new to the store, whichever entry brought them; before the rounds that they explain. */
  const withTransitions = (outputs: readonly FollowOutput[]): readonly FollowOutput[] => {
    const steps = desk.way.transitions();
    const added = steps.filter((step) => !saved.includes(step));
    saved = steps;
    return [...added.map((transition) => ({ kind: "transition", transition }) as const), ...outputs];
  };

  let released = desk.way.version();
  /** What waited for a config, or to be named by the walk, and no longer has to; each look may free more. */
  const release = (now: number): readonly FollowOutput[] => {
    const outputs: FollowOutput[] = [];
    const asked = new Set<Digest>();
    for (;;) {
      const ready = readyAt(desk.way.version(), asked);
      if (ready.length === 0) return outputs;
      for (const { from, entry } of ready) outputs.push(...judge(from, entry, now));
    }
  };
  const readyAt = (version: number, asked: Set<Digest>): readonly Waiting[] => {
    if (version !== released) {
      released = version;
      return waiting.takeAll();
    }
    const missing = desk.walk.missing();
    if (missing === undefined || asked.has(missing)) return [];
    asked.add(missing);
    return waiting.takeRound(missing);
  };

  return {
    handle: ({ from, entry }, now) => {
      // Known only once it was verified: a digest that is merely stated bars nothing.
      if (entry.kind === "round" && desk.walk.has(entry.digest))
        return [{ kind: "counted", from, code: "duplicate", detail: "" }];
      if (!budget.allows(from, now)) return [{ kind: "counted", from, code: "over-budget", detail: "" }];
      return withTransitions([...judge(from, entry, now), ...release(now)]);
    },
    head: desk.walk.head,
    network: () => networkInForce(desk, governance),
    governance: () => governance,
    transitions: desk.way.transitions,
    resumeAfter: desk.walk.resumeAfter,
    writers: () => writersOf(desk, governance),
  };
}

/** The memory that the newest round ended with: only its body says so. */
function recoverGovernance({ way, recompute, scheme }: Desk, head: FollowerStart["head"]): Governance | undefined {
  const network = head === undefined ? undefined : way.find(head.certified.certificate.header.configDigest);
  if (head === undefined || network === undefined) return undefined;
  const computed = recompute(network, head.body, scheme);
  return computed.ok ? computed.value.memory.governance : undefined;
}

/** Configs that the memory names and whose documents the same round carries: what the network is about to come under. */
function announce({ way }: Desk, { memory: { governance }, documents }: Recomputed): void {
  const named = [governance.pending?.configDigest, governance.next];
  for (const { document } of documents) {
    if (document.kind === "config" && named.includes(document.configDigest)) way.announce(document.configDigest, document.config);
  }
}

function networkInForce({ way, walk }: Desk, governance: Governance | undefined): Network {
  const newest = newestEra(way.eras());
  const round = walk.head()?.round ?? 0;
  if (newest.fromRound > round) return newest.network;
  const next = governance?.next ?? ZERO_DIGEST;
  return (next === ZERO_DIGEST ? undefined : way.find(next)) ?? newest.network;
}

function writersOf(desk: Desk, governance: Governance | undefined): readonly Address[] {
  const own = desk.way.eraAt(desk.walk.head()?.round ?? 0).era.network;
  const networks = [own, newestEra(desk.way.eras()).network, networkInForce(desk, governance)];
  return [...new Set(networks.flatMap(({ committee }) => committee.members.map(({ address }) => address)))];
}
