import type { Address, Digest, Hex } from "../protocol/bytes.ts";
import type { Network } from "../protocol/config.ts";
import type { SignedObservation } from "../protocol/observation.ts";
import type { SignedProposal } from "../protocol/proposal.ts";
import type { Secp256k1 } from "../protocol/secp256k1.ts";
import { type Chain, createChain } from "./chain.ts";
import { createDocumentPool, type DocumentPool } from "./documents.ts";
import { EVENT_LEVELS, type EventCode, type EventFields } from "./events.ts";
import { createFetching, type Fetching } from "./fetching.ts";
import type { Fold } from "./fold.ts";
import type { Message } from "./gossip-judge.ts";
import { createGuard, type Guard, keyOf } from "./guard.ts";
import type { GuardRecord, MachineStatus, Output, StartState, Topic } from "./machine.ts";
import { createNetworks, type Networks } from "./networks.ts";
import { createPool, type Pool } from "./pool.ts";
import type { Report } from "./quarantine.ts";
import { createRoundBook, type RoundBook } from "./round-book.ts";
import type { SignedHeader } from "./signatures.ts";
import type { WaitingTransition } from "./transitions.ts";

/** What the round machine needs; a test passes a small fold. The network is the genesis: what came after it, documents and transitions say. */
export type RoundComponents = {
  readonly network: Network;
  readonly scheme: Secp256k1;
  readonly key: { readonly privateKey: Uint8Array; readonly address: Address };
  readonly fold: Fold;
};

/** A leader's proposal while it can still be signed. */
export type OpenProposal = {
  readonly signed: SignedProposal;
  /** The neighbour that it came from; it has the parts, or knows who has. */
  readonly from: Address;
  /** What was already asked for on its behalf. */
  readonly asked: Set<string>;
  open: boolean;
  /** Its observations turned out not to give its header. */
  unsound: boolean;
};

/** A signature that waits for its record to be durable. */
type Pending = { readonly record: GuardRecord; readonly topic: Topic; readonly bytes: Uint8Array; readonly message: Message };

/** The single owner of a node's round state: the files beside this one work on it, one concern each. */
export type Desk = Omit<RoundComponents, "network"> & {
  /** In force for what this node observes and leads now. */
  network: Network;
  readonly networks: Networks;
  /** Whose messages are taken: one but around a change of config. */
  current: readonly Network[];
  /** Everybody who is a member under one of them. */
  peers: readonly Address[];
  /** What the shell was told last of the config. */
  told: string;
  /** Transitions into a config whose predecessor is not known yet. */
  readonly waiting: Map<Digest, WaitingTransition>;
  /** Until when a neighbour's word of another config is not followed up again. */
  readonly rumours: Map<Address, number>;
  readonly documents: DocumentPool;
  readonly guard: Guard;
  readonly observations: Pool<SignedObservation>;
  readonly proposals: Pool<OpenProposal>;
  readonly signatures: Pool<SignedHeader>;
  /** Observations that a proposal names, fetched past the bound per sender. */
  readonly named: Map<Digest, SignedObservation>;
  /** Certificates seen on gossip, by round: forwarding one does not depend on having assembled it before. */
  readonly seenCertificates: Map<number, Set<Digest>>;
  readonly rounds: RoundBook;
  readonly chain: Chain;
  fetching: Fetching;
  readonly pending: Map<string, Pending>;
  readonly reports: Map<Address, Report>;
  /** Kinds and rounds of own signatures without a record, each reported once. */
  readonly strays: Map<string, number>;
  outputs: Output[];
  now: number;
  round: number;
  phase: MachineStatus["phase"];
  firstRound: number;
  /** The round of the head that this node named in its newest observation. */
  ownHead: { readonly round: number; readonly head: number };
  greetAt: number;
  greetings: number;
  /** When this node, as leader of `round`, first had q usable observations. */
  quorumAt: number | undefined;
  backfillAt: number;
};

export function createDesk(components: RoundComponents, { guard, history }: StartState): Desk {
  const peers = components.network.committee.members.map(({ address }) => address);
  return {
    ...components,
    networks: createNetworks(components.network),
    current: [components.network],
    peers,
    told: toldOf(components.network, undefined, peers),
    waiting: new Map(),
    rumours: new Map(),
    documents: createDocumentPool(),
    guard: createGuard(guard),
    observations: createPool(),
    proposals: createPool(),
    signatures: createPool(),
    named: new Map(),
    seenCertificates: new Map(),
    rounds: createRoundBook(),
    chain: createChain(history),
    fetching: createFetching(),
    pending: new Map(),
    reports: new Map(),
    strays: new Map(),
    outputs: [],
    now: 0,
    round: -1,
    phase: "quarantine",
    firstRound: 0,
    ownHead: { round: -1, head: 0 },
    greetAt: 0,
    greetings: 0,
    quorumAt: undefined,
    backfillAt: 0,
  };
}

/** What the shell knows of the config, as one text: said again only when it is another. */
export function toldOf({ configDigest }: Network, pending: Digest | undefined, peers: readonly Address[]): string {
  return [configDigest, pending ?? "", ...peers].join(" ");
}

export function emit(desk: Desk, output: Output): void {
  desk.outputs.push(output);
}

export function report(desk: Desk, code: EventCode, fields: EventFields): void {
  emit(desk, { kind: "event", level: EVENT_LEVELS[code], code, fields });
}

/** Start-up quarantine and P2: nothing before the first round, nothing for a kind and round that has been signed. */
export function maySign(desk: Desk, kind: GuardRecord["kind"], round: number): boolean {
  return desk.phase === "running" && round >= desk.firstRound && desk.guard.find(kind, round) === undefined;
}

/** The first of two steps: the promise is made durable; what it allows is published when the acknowledgement is back. */
export function promise(desk: Desk, pending: Pending): void {
  if (!maySign(desk, pending.record.kind, pending.record.round) || !desk.guard.claim(pending.record)) return;
  desk.pending.set(keyOf(pending.record.kind, pending.record.round), pending);
  emit(desk, { kind: "persist", record: pending.record });
}

/** Takes the pending signature that this acknowledgement is for; there is none after a halt. */
export function takePromised(desk: Desk, record: GuardRecord): Pending | undefined {
  const key = keyOf(record.kind, record.round);
  const pending = desk.pending.get(key);
  if (pending?.record.digest !== record.digest) return undefined;
  desk.pending.delete(key);
  return pending;
}

/** Stops signing for good: until a restart, which begins with a quarantine, this node only follows. */
export function halt(desk: Desk, code: "key-used-elsewhere" | "guard-refused", fields: EventFields): void {
  desk.phase = "halted";
  desk.pending.clear();
  report(desk, code, fields);
}

/** Everybody but this node, the preferred first, each once. */
export function askOrder(desk: Desk, preferred: readonly Address[]): readonly Address[] {
  return [...new Set([...preferred, ...desk.peers])].filter((address) => address !== desk.key.address);
}

export function findObservation(desk: Desk, digest: Digest): SignedObservation | undefined {
  return desk.observations.find(digest)?.value ?? desk.named.get(digest);
}

/** Duplicates by digest; a signature's counts only with the same bytes, since each member has its own over one digest. */
export function hasSeen(desk: Desk, topic: Topic, round: number, digest: Digest, signature?: Hex): boolean {
  if (topic === "observation") return desk.observations.has(round, digest);
  if (topic === "proposal") return desk.proposals.has(round, digest);
  if (topic === "certificate") return desk.seenCertificates.get(round)?.has(digest) ?? false;
  return desk.signatures.of(round).some((entry) => entry.digest === digest && entry.value.signature === signature);
}
