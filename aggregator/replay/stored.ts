import { decodeMemory } from "../../circuit-breaker/memory.ts";
import { fromHex, type Hex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { SignedDocument } from "../../protocol/governance.ts";
import { decodeSignedDocument } from "../../protocol/governance-codec.ts";
import { decodeObservation, type SignedObservation } from "../../protocol/observation.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { CertifiedRound, RoundBody } from "../../protocol/round.ts";
import { type Secp256k1, SIGNATURE_BYTES } from "../../protocol/secp256k1.ts";
import type { FoldParent } from "../round.ts";
import type { ReplayedRound } from "./report.ts";

/**
 * A round of this node's own store, opened for a replay: what it verified before it signed is not verified again. `isFirst`: the parent's
 * memory is wanted too. The fault says which part of the store does not read.
 */
export function openStoredRound(
  { certificate, feeds }: CertifiedRound,
  body: RoundBody,
  { network, scheme, isFirst }: { readonly network: Network; readonly scheme: Secp256k1; readonly isFirst: boolean },
): Result<ReplayedRound, string> {
  const inputs = openInputs(body, { network, scheme });
  if (!inputs.ok) return inputs;
  const parent = isFirst ? openParent(body) : ok(undefined);
  if (!parent.ok) return parent;
  const { round, timestamp } = certificate.header;
  return ok({ parent: parent.value, round, timestamp, ...inputs.value, feeds });
}

/** What the proposal of a stored round put in; the signatures of its observations are not looked at again. */
export function openInputs(
  body: RoundBody,
  {
    network,
    scheme,
    bytesOf = fromHex,
  }: { readonly network: Network; readonly scheme: Secp256k1; readonly bytesOf?: (hex: Hex) => Uint8Array },
): Result<Pick<ReplayedRound, "observations" | "documents">, string> {
  const observations: SignedObservation[] = [];
  for (const [index, hex] of body.observations.entries()) {
    const decoded = decodeObservation(bytesOf(hex).subarray(0, -SIGNATURE_BYTES));
    if (!decoded.ok) return fail(`observations[${index}]: ${decoded.error}`);
    observations.push({ observation: decoded.value, digest: ZERO_DIGEST, signer: decoded.value.observer, signature: "0x" });
  }
  const documents: SignedDocument[] = [];
  for (const [index, hex] of body.documents.entries()) {
    const { config, domain } = network;
    const decoded = decodeSignedDocument(bytesOf(hex), { governance: config.governance, domain, scheme });
    if (!decoded.ok) return fail(`documents[${index}]: ${decoded.error}`);
    documents.push(decoded.value);
  }
  return ok({ observations, documents });
}

function openParent({ parent, memory }: RoundBody): Result<FoldParent | undefined, string> {
  if (parent === undefined) return ok(undefined);
  const decoded = decodeMemory(fromHex(memory));
  return decoded.ok ? ok({ header: parent, memory: decoded.value }) : fail(`memory: ${decoded.error}`);
}
