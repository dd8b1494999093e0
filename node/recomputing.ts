import { ZERO_DIGEST } from "../protocol/bytes.ts";
import type { Certificate } from "../protocol/certificate.ts";
import type { RoundHeader } from "../protocol/eip712.ts";
import { documentsOf } from "./carrying.ts";
import { type Desk, findObservation } from "./desk.ts";
import { adopt } from "./following.ts";
import type { Computation } from "./round-book.ts";

/**
 * Certified rounds that nobody has to send: proposal, parent and observations are here, only the time to sign is over. A body of many
 * feeds takes longer than a round to fetch over a bad link: whoever missed one round would have to fetch every one after it.
 */
export function adoptComputable(desk: Desk): void {
  for (const [digest, certificate] of desk.rounds.bodiless()) {
    const computation = compute(desk, certificate, digest);
    if (computation !== undefined) adopt(desk, certificate, computation);
  }
}

/** The header commits to the observations by their digests, so a round that comes out the same is the certified one. */
function compute(desk: Desk, { header }: Certificate, digest: string): Computation | undefined {
  const { round } = header;
  const parent = desk.rounds.held(header.parent)?.computed;
  if (parent === undefined && header.parent !== ZERO_DIGEST) return undefined;
  const network = desk.networks.after(parent);
  if (network === undefined || network.configDigest !== header.configDigest) return undefined;
  for (const { value } of desk.proposals.of(round)) {
    const { proposal } = value.signed;
    if (value.unsound || !areSameRound(proposal.header, header)) continue;
    const observations = proposal.observations.flatMap((named) => findObservation(desk, named) ?? []);
    if (observations.length < proposal.observations.length) continue;
    const { documents, missing, invalid } = documentsOf(desk, network, observations);
    if (missing.length > 0 || invalid) continue;
    const opened = { parent, round, observations, documents };
    const computed = desk.fold.nextRound({ network, ...opened });
    if (computed.digest === digest) return { opened, computed };
    // Asked once: a leader may name other observations than those of the header that it had signed.
    value.unsound = true;
  }
  return undefined;
}

function areSameRound(a: RoundHeader, b: RoundHeader): boolean {
  return a.inputsRoot === b.inputsRoot && a.stateRoot === b.stateRoot && a.reportsRoot === b.reportsRoot && a.parent === b.parent;
}
