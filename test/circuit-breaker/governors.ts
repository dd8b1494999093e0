import type { CarriedDocument } from "../../circuit-breaker/governance/step.ts";
import { type Address, type Digest, type Hex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { Approval, FeedScope, GovernanceDocument, PauseAction } from "../../protocol/governance.ts";

const SIGNATURE: Hex = `0x${"00".repeat(65)}`;
/** Two of three, whom a document needs to pause anything for up to a day. */
const GOVERNORS: readonly Address[] = [1, 2, 3].map((index): Address => `0x${index.toString(16).padStart(40, "0")}`);

/** Three governors, two of whom decide. */
export const GOVERNED = {
  governance: { governors: GOVERNORS.map((address, index) => ({ name: `governor${index}`, address })), quorum: 2 },
};

/** What governors say in one round; nonces rise with it, so each of their documents is new. */
export function governorsSay(round: { readonly nonce: number }) {
  const carried = (document: GovernanceDocument): CarriedDocument => ({ digest: digestOf(round.nonce), document, carriers: 1 });
  const approvals: readonly Approval[] = GOVERNORS.slice(0, 2).map((keyholder) => ({
    keyholder,
    nonce: round.nonce,
    signature: SIGNATURE,
  }));
  return {
    pause: (feed: FeedScope, action: PauseAction, until: number) => carried({ kind: "pause", feed, action, until, approvals }),
    acceptGap: (feed: FeedId, gapAt: number) => carried({ kind: "accept", feed, configDigest: ZERO_DIGEST, gapAt, approvals }),
  };
}

function digestOf(nonce: number): Digest {
  return `0x${nonce.toString(16).padStart(64, "0")}`;
}
