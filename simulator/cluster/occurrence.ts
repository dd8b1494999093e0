import type { DocumentCode } from "../../circuit-breaker/governance/codes.ts";
import type { EventCode, EventFields, EventLevel } from "../../node/events.ts";
import type { GossipCode } from "../../node/gossip-codes.ts";
import type { GuardRecord, Place, Topic } from "../../node/machine.ts";
import type { Digest } from "../../protocol/bytes.ts";
import type { FeedEntry, ShadowEntry } from "../../protocol/observation.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import type { Act } from "./act.ts";
import type { Handed } from "./council.ts";
import type { PlannedFault } from "./fault.ts";

/**
 * What happens in a cluster, as an all-seeing witness sees it. `at` is true time in Unix ms; nodes by index, in committee order. An
 * occurrence of a byzantine node says what it really did.
 */
export type Occurrence = {
  readonly at: number;
} /** What an honest look at the market gave this node for this round: of byzantine nodes too, whatever they say instead. */ & (
  | {
      readonly kind: "sampled";
      readonly node: number;
      readonly round: number;
      readonly entries: readonly FeedEntry[];
      readonly shadows: readonly ShadowEntry[];
    }
  /** Bytes left this node for the first time: to everybody, or to those named. */
  | {
      readonly kind: "sent";
      readonly node: number;
      readonly topic: Topic;
      readonly bytes: Uint8Array;
      readonly to: readonly number[] | undefined;
    }
  /** The promise is on this node's disk. */
  | { readonly kind: "recorded"; readonly node: number; readonly record: GuardRecord }
  /** This node holds a certificate and its recomputed body, and committed both. */
  | {
      readonly kind: "committed";
      readonly node: number;
      readonly certified: CertifiedRound;
      readonly body: RoundBody;
      readonly place: Place;
    }
  /** How this node judged a gossip message. */
  | { readonly kind: "judged"; readonly node: number; readonly from: number; readonly topic: Topic; readonly code: GossipCode }
  | {
      readonly kind: "event";
      readonly node: number;
      readonly level: EventLevel;
      readonly code: EventCode;
      readonly fields: EventFields;
    }
  /** `lostRecords`: promises that this start no longer finds on its disk. */
  | { readonly kind: "started"; readonly node: number; readonly lostRecords: number }
  | { readonly kind: "stopped"; readonly node: number }
  | { readonly kind: "fault"; readonly phase: "begins" | "ends"; readonly planned: PlannedFault }
  /** Keyholders, or who says that he is one, handed this to a node that runs. */
  | { readonly kind: "act"; readonly node: number; readonly act: Act; readonly handed: Handed }
  /** How that node answered. */
  | { readonly kind: "receipt"; readonly node: number; readonly digest: Digest; readonly code: ReceiptCode }
  /** Whether this node came to the replay report that a config document names. */
  | { readonly kind: "reviewed"; readonly node: number; readonly document: Digest; readonly agrees: boolean }
  /** A byzantine node did this on purpose. */
  | { readonly kind: "misbehaved"; readonly node: number; readonly behaviour: string; readonly what: string }
);

export type ReceiptCode = Exclude<DocumentCode, "taken"> | "malformed" | "carried" | "review";

export type OccurrenceKind = Occurrence["kind"];

/** Takes part in a trial by listening; must not change anything. */
export type Witness = (occurrence: Occurrence) => void;
