import type { NetworkConfig } from "../protocol/config.ts";
import type { CertifiedRound } from "../protocol/round.ts";

const NO_STORE = "no-store";
/** A round is a second old when the next one comes; no shared cache may hold a price longer. */
const MAX_AGE_S = 1;

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

/** While the lease runs a cache may keep a price for the round's length, at most a second; afterwards nobody may keep it. */
export function cacheControlOf({ certificate }: CertifiedRound, now: number, { roundMs }: NetworkConfig): string {
  const leftS = Math.floor((certificate.header.validUntil - now) / 1000);
  if (leftS < 0) return NO_STORE;
  return `public, max-age=${Math.min(MAX_AGE_S, Math.floor(roundMs / 1000), leftS)}`;
}
