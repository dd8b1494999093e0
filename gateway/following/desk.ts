import type { Digest } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { RoundHeader } from "../../protocol/eip712.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import type { Result } from "../../protocol/result.ts";
import type { FeedVerdict, RoundBody } from "../../protocol/round.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { GovernanceView } from "../ports.ts";
import type { RefusalCode } from "./codes.ts";
import type { Convictions } from "./convictions.ts";
import type { Walk } from "./walk.ts";
import type { Way } from "./way.ts";

/** What a body comes to. `documents` are those that its observations carry, opened. */
export type Recomputed = {
  readonly header: RoundHeader;
  readonly digest: Digest;
  readonly feeds: readonly FeedVerdict[];
  readonly memory: { readonly governance: GovernanceView & { readonly next: Digest } };
  readonly documents: readonly SignedDocument[];
};

/** Total: says what does not hold together in a body that anybody may have sent. */
export type Recompute = (network: Network, body: RoundBody, scheme: Secp256k1) => Result<Recomputed, string>;

/** What the follower's parts share. */
export type Desk = {
  readonly genesis: Network;
  readonly scheme: Secp256k1;
  readonly recompute: Recompute;
  readonly way: Way;
  readonly walk: Walk;
  readonly convictions: Convictions;
};

export type Refusal = { readonly kind: "refused"; readonly code: RefusalCode; readonly detail: string };

export function refused(code: RefusalCode, detail: string): Refusal {
  return { kind: "refused", code, detail };
}
