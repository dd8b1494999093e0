export type EventLevel = "info" | "warn" | "error";
export type EventFields = Readonly<Record<string, string | number>>;

/** Everything worth a line in the log and a counter, with its level. */
export const EVENT_LEVELS = {
  /** The start-up quarantine ended; from `firstRound` on this node signs. */
  "quarantine-left": "info",
  /** The clock is off against the peers' median: the node stays in quarantine; `advice` says what to do. */
  "clock-off": "warn",
  /** Waiting for hellos: `heard` of `needed`. */
  "quarantine-waits": "info",
  "hello-unusable": "warn",
  /** The stored head does not verify; the node starts without one and catches up. */
  "stored-head-unusable": "error",
  /** Own signature below the quarantine's bound without a record: a store was lost or rolled back. */
  "lost-record": "warn",
  /** Own signature above the bound without a record: someone else signs with this key. This node has stopped signing for good. */
  "key-used-elsewhere": "error",
  /** The store holds another digest for a kind and round than the one just asked for. This node has stopped signing for good. */
  "guard-refused": "error",
  "sample-unusable": "warn",
  certified: "info",
  /** As leader: the observations of these members were left out, their heads could not be obtained. */
  "left-out": "warn",
  /** As leader: fewer than q usable observations before the round ended. */
  "no-quorum": "warn",
  /** A proposal this node does not sign, and why. */
  "proposal-refused": "warn",
  /** A proposal whose parts did not arrive before its round ended. */
  "proposal-abandoned": "warn",
  "catching-up": "info",
  /** A peer answered a fetch with something else than was asked for. */
  "bad-answer": "warn",
  /** Nobody gave a certificate or body before its deadline. */
  "fetch-abandoned": "warn",
  "sibling-certificate": "warn",
  "backfill-stopped": "warn",
  equivocation: "warn",
  "internal-fault": "error",
} as const satisfies Record<string, EventLevel>;

export type EventCode = keyof typeof EVENT_LEVELS;
