import { decodeMemory } from "../circuit-breaker/memory.ts";
import { type Digest, fromHex, keccakHex } from "../protocol/bytes.ts";
import { type Domain, observationDigest, type RoundHeader } from "../protocol/eip712.ts";
import type { FeedId } from "../protocol/feed.ts";
import type { BreakerState } from "../protocol/report.ts";
import type { BreakerTransition, CertifiedRound, RoundBody } from "../protocol/round.ts";
import { SIGNATURE_BYTES } from "../protocol/secp256k1.ts";

/**
 * The changes of state in one round: a feed or chain leaf changed in this round if it has been in its state since the round's timestamp.
 * What it was before stands in the memory that the body begins with. Of a body that recomputes to the certified header; of any other
 * it may say anything, but never throws.
 *
 * @example
 * // ETH/USD closed in the parent's memory, open since 1795300123000 in the round of that timestamp:
 * // [{ feed: "ETH/USD", from: "closed", to: "open", round: 1795300123, reasons: [jump …], observations: [4 digests] … }]
 */
export function transitionsOf(
  { digest, certificate: { header }, feeds }: CertifiedRound,
  body: RoundBody,
  domain: Domain,
): readonly BreakerTransition[] {
  const changed = feeds.filter(({ report }) => report.since === header.timestamp);
  if (changed.length === 0) return [];
  const before = statesBefore(body);
  const observations = body.observations.map((hex) => digestOfSigned(fromHex(hex), header, domain));
  return changed.map(({ report, reasons }) => ({
    feed: report.feed,
    round: header.round,
    timestamp: header.timestamp,
    digest,
    from: before.get(report.feed) ?? null,
    to: report.state,
    reasons,
    observations,
  }));
}

function statesBefore({ memory }: RoundBody): ReadonlyMap<FeedId, BreakerState> {
  const decoded = memory === "0x" ? undefined : decodeMemory(fromHex(memory));
  return new Map(decoded?.ok === true ? decoded.value.feeds.map(({ feed, state }) => [feed, state]) : []);
}

/** The observations of a round are all of its number and its config: what was signed follows without decoding them. */
function digestOfSigned(bytes: Uint8Array, { round, configDigest }: RoundHeader, domain: Domain): Digest {
  const contents = keccakHex(bytes.subarray(0, Math.max(0, bytes.length - SIGNATURE_BYTES)));
  return observationDigest(domain, { round, configDigest, contents });
}
