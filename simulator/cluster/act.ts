/** What keyholders say, and what strangers and mistakes make of it, one kind a name: coverage is counted by it. */
export const ACT_KINDS = [
  "pause-feed",
  "pause-robust",
  "pause-chain",
  "pause-all",
  "pause-by-governors",
  "withdraw",
  "accept",
  "rollback",
  "drop-pending",
  "removal",
  "config-thresholds",
  "config-source",
  "config-disagreeing",
  "config-committee",
  /** Its replay report is not what an honest node computes. */
  "config-unsound",
  /** The document before it once more, byte for byte. */
  "again",
  "by-stranger",
  "by-too-few",
  "altered",
  "of-no-feed",
  "over",
  "too-long",
  "not-successor",
  "too-soon",
  "too-late",
  "too-far",
] as const;
export type ActKind = (typeof ACT_KINDS)[number];

/** `who`: which guardian signs, or which member of the committee leaves. Fields that a kind does not need say nothing. */
export type Act = { readonly kind: ActKind; readonly who: number; readonly feed: string; readonly forMs: number };

/** An act, the nodes that its document is handed to, and when, in ms of true time from the trial's start. */
export type PlannedAct = { readonly at: number; readonly nodes: readonly number[]; readonly act: Act };
