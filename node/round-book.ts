import type { ComputedRound, OpenedBody } from "../aggregator/round.ts";
import { type Digest, ZERO_DIGEST } from "../protocol/bytes.ts";
import type { Certificate } from "../protocol/certificate.ts";
import type { Head } from "../protocol/observation.ts";

/** Certified rounds kept computed in memory: possible parents. Older ones are in the store. */
const MAX_HELD = 4;
/** Signed rounds whose certificate has not been seen: without a quorum no head comes to release them, so they are few. */
const MAX_SIGNED = 16;
/** Certificates whose body is on its way, beside those of the held rounds. */
const MAX_CERTIFICATES = 64;

/** A round as this node computed it, with what it was computed from. */
export type Computation = { readonly opened: OpenedBody; readonly computed: ComputedRound };
export type HeldRound = Computation & { readonly certificate: Certificate };

/** The rounds in memory: certified ones with their bodies, certificates without, and signed rounds without a certificate. */
export type RoundBook = {
  /** The newest certificate whose body is held: this is what observations name. */
  readonly newest: () => HeldRound | undefined;
  readonly head: () => Head;
  readonly held: (digest: Digest) => HeldRound | undefined;
  readonly certificate: (digest: Digest) => Certificate | undefined;
  /** Held or signed: whatever this node can serve the body of. */
  readonly computation: (digest: Digest) => Computation | undefined;
  /** Certificates whose body is not here, the oldest round first. */
  readonly bodiless: () => readonly (readonly [Digest, Certificate])[];
  readonly learn: (digest: Digest, certificate: Certificate) => void;
  /** A certificate that turned out to lack signatures; others of the same header may have them. */
  readonly forget: (digest: Digest) => void;
  /** Keeps a body that this node is about to sign until it holds a later head. */
  readonly keepSigned: (computation: Computation) => void;
  /** True when it is the new head. */
  readonly hold: (round: HeldRound) => boolean;
};

export const NO_HEAD: Head = { round: 0, digest: ZERO_DIGEST };

export function createRoundBook(): RoundBook {
  const certificates = new Map<Digest, Certificate>();
  const held = new Map<Digest, HeldRound>();
  const signed = new Map<Digest, Computation>();
  let newest: HeldRound | undefined;
  const head = (): Head =>
    newest === undefined ? NO_HEAD : { round: newest.computed.header.round, digest: newest.computed.digest };
  return {
    newest: () => newest,
    head,
    held: (digest) => held.get(digest),
    certificate: (digest) => held.get(digest)?.certificate ?? certificates.get(digest),
    computation: (digest) => held.get(digest) ?? signed.get(digest),
    bodiless: () => [...certificates].sort(([, a], [, b]) => a.header.round - b.header.round),
    learn: (digest, certificate) => {
      certificates.set(digest, certificate);
      dropFirst(certificates, MAX_CERTIFICATES);
    },
    forget: (digest) => {
      certificates.delete(digest);
    },
    keepSigned: (computation) => {
      signed.set(computation.computed.digest, computation);
      dropFirst(signed, MAX_SIGNED);
    },
    hold: (round) => {
      const { digest, header } = round.computed;
      certificates.delete(digest);
      const isHead = newest === undefined || header.round > newest.computed.header.round;
      if (isHead) newest = round;
      held.set(digest, round);
      dropOldest(held, head().round);
      for (const [other, { computed }] of signed) if (computed.header.round <= head().round) signed.delete(other);
      return isHead;
    },
  };
}

function dropFirst(map: Map<Digest, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}

/** Lowest rounds go first; the head, which is the highest, stays. */
function dropOldest(held: Map<Digest, HeldRound>, headRound: number): void {
  while (held.size > MAX_HELD) {
    let lowest: { readonly digest: Digest; readonly round: number } | undefined;
    for (const [digest, { computed }] of held) {
      if (lowest === undefined || computed.header.round < lowest.round) lowest = { digest, round: computed.header.round };
    }
    if (lowest === undefined || lowest.round === headRound) return;
    held.delete(lowest.digest);
  }
}
