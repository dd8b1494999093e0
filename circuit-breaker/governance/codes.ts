/**
 * What becomes of a document that the fold looks at, in the order in which it is asked. Everything but `taken` and `waits` is final for
 * the state it was asked in; a keyholder sees the code in the answer to his document.
 */
export const DOCUMENT_CODES = [
  "taken",
  /** In force already, or said before: a nonce that was used. */
  "replayed",
  /** Fewer keyholders than it takes, or not of the kind it takes. */
  "too-few",
  "unknown-feed",
  /** A pause that is over, too long, or beyond the guardian's allowance. */
  "over",
  "too-long",
  "allowance",
  /** Nothing to withdraw, accept, remove or roll back. */
  "nothing",
  /** A config that does not follow from the one in force: it names another one, an older version, another network's identity. */
  "not-successor",
  /** Its activation lies before the timelock's end, or too far away. */
  "too-soon",
  "too-late",
  /** A threshold moves by more than a factor of two, or more of the committee changes at once than may be faulty. */
  "too-far",
  /** Another config is pending; or as many pauses are in force as there may be, none of them weaker. */
  "busy",
  /** Fewer than f+1 included observations carry a config: no honest node may have seen its replay. */
  "waits",
] as const;
export type DocumentCode = (typeof DOCUMENT_CODES)[number];
