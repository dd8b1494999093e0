import type { NetworkConfig } from "../protocol/config.ts";
import type { CertifiedRound, StoredRound } from "../protocol/round.ts";

export const NO_STORE = "no-store";
/** A round is a second old when the next one comes; no shared cache may hold a price longer. */
const MAX_AGE_S = 1;
/** A settled round is a fact. A day, not for ever: what a document shows of a fact may gain a field. */
const SETTLED_CACHE = "public, max-age=86400, immutable";

/** P3: whether the newest certificate still speaks, and if not why. */
export type Readiness =
  | { readonly ready: true; readonly round: number; readonly validUntil: number }
  | { readonly ready: false; readonly why: string };

export function readinessOf(latest: CertifiedRound | undefined, now: number): Readiness {
  if (latest === undefined) return { ready: false, why: "no round has been certified yet" };
  const { round, validUntil } = latest.certificate.header;
  if (now <= validUntil) return { ready: true, round, validUntil };
  return {
    ready: false,
    why: `the newest certificate, of round ${round}, ended ${now - validUntil} ms ago (validUntil ${validUntil})`,
  };
}

/** P3: after `validUntil` a certificate is a record of what was said, and no permission. */
export function hasEnded({ certificate }: CertifiedRound, now: number): boolean {
  return now > certificate.header.validUntil;
}

/**
 * While the lease runs a cache may keep a price for the round's length, at most a second, and must ask again then: a cache that cannot
 * reach the gateway may not go on serving what it has. Afterwards nobody may keep it.
 */
export function cacheControlOf(
  { certificate }: CertifiedRound,
  now: number,
  { roundMs }: Pick<NetworkConfig, "roundMs">,
): string {
  const leftS = Math.floor((certificate.header.validUntil - now) / 1000);
  if (leftS < 0) return NO_STORE;
  return `public, max-age=${Math.min(MAX_AGE_S, Math.floor(roundMs / 1000), leftS)}, must-revalidate`;
}

/**
 * A past round's. It is settled once the walk has gone on past its lease: every later round stands on it. An orphan may yet turn out to
 * be on the walk of a gateway that hears of a later round, and what nobody built on may turn out to be none.
 */
export function pastCacheControlOf(
  { certified, orphan }: StoredRound,
  { latest, now, roundMs }: { readonly latest: CertifiedRound | undefined; readonly now: number; readonly roundMs: number },
): string {
  const current = cacheControlOf(certified, now, { roundMs });
  if (current !== NO_STORE) return current;
  const walkedTo = latest?.certificate.header.timestamp ?? 0;
  const settled = !orphan && walkedTo > certified.certificate.header.validUntil;
  return settled ? SETTLED_CACHE : `public, max-age=${MAX_AGE_S}, must-revalidate`;
}

/**
 * Whether what a reader already has is what it would be sent: `If-None-Match` holds the tag, or is `*`. Tags are compared weakly, as
 * RFC 9110 section 13.1.2 has it: a cache may have marked a strong tag as weak.
 *
 * @example
 * matchesTag('W/"aa", "bb"', '"bb"'); // true
 */
export function matchesTag(ifNoneMatch: string, tag: string): boolean {
  if (ifNoneMatch === tag || ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((item) => item.trim().replace(/^W\//, "") === tag);
}
