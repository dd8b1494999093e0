/**
 * Why an entry of a followed log is not taken, in the order in which it is asked; the label of a metric and what an operator reads.
 *
 * - `over-budget`: its source has had too many refused of late; passed over unread until it calms down
 * - `malformed`: not in its canonical form
 * - `digest`: the header's digest is not the one stated beside it
 * - `stale`: older than anything that is kept
 * - `future`: dated ahead of this clock by more than the network allows
 * - `unknown-config`: of a config that nothing leads to as far as is known; looked at again once something does
 * - `retired-config`: of a config that is not in force in its round; looked at again should the walk back name it
 * - `certificate`: not signed by the quorum that was due
 * - `body`: does not recompute to what was certified
 * - `transition`: does not lead on from the config that was in force before it
 * - `evidence`: convicts nobody
 * - `evidence-full`: its signer is convicted often enough
 */
export const REFUSAL_CODES = [
  "over-budget",
  "malformed",
  "digest",
  "stale",
  "future",
  "unknown-config",
  "retired-config",
  "certificate",
  "body",
  "transition",
  "evidence",
  "evidence-full",
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Where a round stands as far as is known when it comes: later ones may show that an orphan lies on the walk after all. */
export const PLACES = ["head", "history", "orphan"] as const;
export type Place = (typeof PLACES)[number];

/** What became of an entry: one each. */
export const ENTRY_CODES = [...PLACES, "transition-taken", "evidence-taken", "duplicate", ...REFUSAL_CODES] as const;
export type EntryCode = (typeof ENTRY_CODES)[number];

/** What any honest source may send at any time, and what costs nothing to find out: not charged to its budget. */
export const UNCHARGED: readonly RefusalCode[] = ["over-budget", "stale", "future", "evidence-full"];

/** What may turn out to be true once more is known. */
export const MAY_WAIT: readonly RefusalCode[] = ["unknown-config", "retired-config"];
