import type { DocumentCode } from "../circuit-breaker/governance/codes.ts";
import type { GovernanceMemory } from "../circuit-breaker/governance-memory.ts";
import type { Address, Digest } from "../protocol/bytes.ts";
import type { Network, NetworkConfig } from "../protocol/config.ts";
import type { Evidence, EvidenceKind } from "../protocol/evidence.ts";
import type { SignedDocument } from "../protocol/governance.ts";
import type { FeedEntry, GaugeEntry, ShadowEntry } from "../protocol/observation.ts";
import type { CertifiedRound, RoundBody } from "../protocol/round.ts";
import type { Transition } from "../protocol/transition.ts";
import type { EventCode, EventFields, EventLevel } from "./events.ts";
import type { GossipCode, Verdict } from "./gossip-codes.ts";

/** The gossip topics, one kind of message each. */
export const TOPICS = ["observation", "proposal", "signature", "certificate"] as const;
export type Topic = (typeof TOPICS)[number];

/** The durable promise made before a signature is sent: this digest and no other for this kind and round. */
export type GuardRecord = {
  readonly kind: EvidenceKind;
  readonly round: number;
  readonly configDigest: Digest;
  readonly digest: Digest;
};

/**
 * What is fetched by digest: a signed observation or document by its own, a certificate and a round's body by the header's, the newest
 * transition into a config by the config's. A config document that waits for its time is also had by its config's digest.
 */
export type Want = {
  readonly kind: "observation" | "certificate" | "body" | "document" | "transition";
  readonly digest: Digest;
};

/** A certified round of the chain, as far as a walk over it needs to know. */
export type ChainLink = { readonly round: number; readonly digest: Digest; readonly parent: Digest };

/**
 * What happens to the machine. `from` is always the authenticated committee peer that the bytes came from, not their author.
 *
 * - `tick`: time has passed; to be given no later than `wakeAt()`.
 * - `gossip`: a message on a topic, answered in the same call by one `verdict` of the same id.
 * - `sampled`: the answer to `sample`: this node's entries, gauges and shadows, each by ascending id.
 * - `persisted` / `refused`: the answer to `persist`: the record is durable, or the store holds another digest for its kind and round.
 * - `fetched` / `fetch-failed`: exactly one of them answers each `fetch`.
 * - `submitted`: a document that somebody handed to this node, answered in the same call by one `receipt` of the same id.
 * - `reviewed`: the answer to `review`: whether this node came to the replay report that a config document names.
 * - `hello`: a peer's answer to `greet`, with our clock at asking and at receiving.
 */
export type Input =
  | { readonly kind: "tick" }
  | { readonly kind: "gossip"; readonly id: string; readonly topic: Topic; readonly from: Address; readonly bytes: Uint8Array }
  | {
      readonly kind: "sampled";
      readonly round: number;
      readonly entries: readonly FeedEntry[];
      readonly gauges: readonly GaugeEntry[];
      readonly shadows: readonly ShadowEntry[];
    }
  | { readonly kind: "persisted"; readonly record: GuardRecord }
  | { readonly kind: "refused"; readonly record: GuardRecord }
  | { readonly kind: "fetched"; readonly want: Want; readonly from: Address; readonly bytes: Uint8Array }
  | { readonly kind: "fetch-failed"; readonly want: Want; readonly from: Address }
  | { readonly kind: "submitted"; readonly id: string; readonly bytes: Uint8Array }
  | { readonly kind: "reviewed"; readonly document: Digest; readonly agrees: boolean }
  | {
      readonly kind: "hello";
      readonly from: Address;
      readonly bytes: Uint8Array;
      readonly sentAt: number;
      readonly receivedAt: number;
    };

/**
 * Where a committed round stands: the new head, an ancestor of it found by walking back, or a certificate older than the head that
 * arrived after it.
 */
export type Place = "head" | "backfill" | "late";

/** What the shell has to do, in this order. Nothing that carries this node's signature is published before its record was `persisted`. */
export type Output =
  | { readonly kind: "verdict"; readonly id: string; readonly verdict: Verdict; readonly code: GossipCode }
  /** Ask the sampler for this round's entries; answer with `sampled`. */
  | { readonly kind: "sample"; readonly round: number }
  /** Make it durable unless another digest stands for its kind and round; answer with `persisted` or `refused`. */
  | { readonly kind: "persist"; readonly record: GuardRecord }
  | { readonly kind: "publish"; readonly topic: Topic; readonly bytes: Uint8Array }
  /** Ask this one peer (the own store first, for what it keeps); answer `fetch-failed` after `timeoutMs`. */
  | { readonly kind: "fetch"; readonly want: Want; readonly from: Address; readonly timeoutMs: number }
  /** What became of a submitted document: it is carried from now on, or a code or fault says why not. */
  | { readonly kind: "receipt"; readonly id: string; readonly receipt: DocumentReceipt }
  /** Make a verified document durable; it is served by its digest. */
  | { readonly kind: "keep"; readonly document: SignedDocument }
  /** A config document arrived: compute its replay report, in the background, and answer with `reviewed`. */
  | { readonly kind: "review"; readonly document: SignedDocument }
  /** The config in force changed, or the pending one did: what is sampled, and under what, follows; and who may connect. */
  | {
      readonly kind: "config";
      readonly network: Network;
      readonly pending: NetworkConfig | undefined;
      readonly peers: readonly Address[];
    }
  /** The first certificate under a config in force: durable, and served by the config's digest. */
  | { readonly kind: "transition"; readonly transition: Transition }
  /** Ask every connected committee peer for its hello. */
  | { readonly kind: "greet" }
  /** Idempotent by digest: the store may hold the round already. */
  | { readonly kind: "commit"; readonly certified: CertifiedRound; readonly body: RoundBody; readonly place: Place }
  /**
   * `orphan`: the walk back from the newest certificate passes this round by: keep it, mark it, count it (`sibling_certificates`).
   * A newer head may descend from it after all: then it is unmarked.
   */
  | { readonly kind: "mark"; readonly round: number; readonly digest: Digest; readonly orphan: boolean }
  /** Once for each kind, round and signer; the store bounds how much it keeps. */
  | { readonly kind: "evidence"; readonly round: number; readonly evidence: Evidence }
  | { readonly kind: "event"; readonly level: EventLevel; readonly code: EventCode; readonly fields: EventFields };

export type DocumentReceipt =
  | { readonly ok: true; readonly digest: Digest; readonly code: "carried" | "review" }
  | { readonly ok: false; readonly code: DocumentCode | "malformed"; readonly detail: string };

/** What the store knew when the process started. */
export type StartState = {
  /** The newest certificate whose body is stored. */
  readonly head: { readonly certified: CertifiedRound; readonly body: RoundBody } | undefined;
  /** The newest record of each kind at least, and as many older ones as is cheap. */
  readonly guard: readonly GuardRecord[];
  /** Stored rounds on the walk back from the head, in any order; what is missing here is fetched and committed again. */
  readonly history: readonly ChainLink[];
  /** Documents kept, newest first, and the way from the genesis config to the one in force. */
  readonly documents: readonly Uint8Array[];
  readonly transitions: readonly Transition[];
};

/** The round state machine: no clock, no I/O; the shell executes its outputs and sets one timer. */
export type RoundMachine = {
  /** Never throws: a fault of ours becomes an event and, for gossip, `ignore`. `now` is Unix ms. */
  readonly handle: (input: Input, now: number) => readonly Output[];
  /** Unix ms of the latest moment for the next `tick`; always after the last `now`. */
  readonly wakeAt: () => number;
  /** Wire bytes of what is held in memory; the shell asks the store second. */
  readonly serve: (want: Want) => Uint8Array | undefined;
  /** This node's answer to a peer's greeting. */
  readonly hello: (now: number) => Uint8Array;
  readonly status: () => MachineStatus;
  /** In force for what this node observes now. */
  readonly network: () => Network;
  /** Who may connect. */
  readonly peers: () => readonly Address[];
  /** As of the newest round held. */
  readonly governance: () => GovernanceMemory;
};

export type MachineStatus = {
  readonly phase: "quarantine" | "running" | "halted";
  /** First round that this node may sign; 0 while in quarantine. */
  readonly firstRound: number;
  readonly head: { readonly round: number; readonly digest: Digest };
};
