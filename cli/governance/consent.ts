import type { NodeKey } from "../../node/io/keys.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import { fromHex } from "../../protocol/bytes.ts";
import type { Domain } from "../../protocol/eip712.ts";
import type { Approval, DocumentContent } from "../../protocol/governance.ts";
import { approveDocument } from "../../protocol/governance-codec.ts";
import { approvalDigest } from "../../protocol/governance-typed-data.ts";
import type { Secp256k1 } from "../../protocol/secp256k1.ts";
import type { Draft } from "./document-file.ts";
import type { Keyholder } from "./node-api.ts";

type Council = { readonly network: string; readonly domain: Domain; readonly keyholders: readonly Keyholder[] };

/**
 * One more consent to a draft, with the nonce after the one that the network has seen.
 *
 * @throws OperationalError `not-a-keyholder`, `signed-already`
 */
export function consent({ content, approvals }: Draft, key: NodeKey, { network, domain, keyholders }: Council): Draft {
  const holder = keyholders.find(({ address }) => address === key.address);
  if (holder === undefined) {
    throw new OperationalError(`${key.address} is no governor or guardian of ${network}`, { code: "not-a-keyholder" });
  }
  if (approvals.some(({ keyholder }) => keyholder === key.address)) {
    throw new OperationalError(`${holder.name} (${key.address}) has signed this document already`, { code: "signed-already" });
  }
  if (holder.nonce >= Number.MAX_SAFE_INTEGER) {
    throw new OperationalError(`${holder.name} (${key.address}) was removed and can sign nothing any more`, {
      code: "not-a-keyholder",
    });
  }
  return { content, approvals: [...approvals, approveDocument(content, key, holder.nonce + 1, domain)] };
}

/**
 * Every approval that came with a file is its keyholder's signature of just this content.
 *
 * @throws OperationalError `bad-approval`, naming the first that is not
 */
export function checkApprovals({ content, approvals }: Draft, { domain, keyholders, network }: Council, scheme: Secp256k1): void {
  for (const approval of approvals) {
    const { keyholder, nonce, signature } = approval;
    if (!keyholders.some(({ address }) => address === keyholder))
      throw badApproval(approval, `is no governor or guardian of ${network}`);
    const digest = approvalDigest(content, { keyholder, nonce }, domain);
    if (scheme.recover(fromHex(digest), signature) !== keyholder) throw badApproval(approval, "has not signed this document");
  }
}

function badApproval({ keyholder }: Approval, why: string): OperationalError {
  return new OperationalError(`${keyholder} ${why}: leave that approval out, or ask for the file again`, {
    code: "bad-approval",
  });
}

/**
 * Who has signed, and what is still missing until it counts, as far as that depends on how many.
 *
 * @example
 * formatStanding(draft, keyholders, 3); // "signed by dora (governor); 2 more governors to go"
 */
export function formatStanding({ content, approvals }: Draft, keyholders: readonly Keyholder[], quorum: number): string {
  const signers = keyholders.filter(({ address }) => approvals.some(({ keyholder }) => keyholder === address));
  const names = signers.map(({ name, role }) => `${name} (${role})`).join(", ");
  const countOf = (role: Keyholder["role"]) => signers.filter((signer) => signer.role === role).length;
  const missing = missingConsents(content, { governors: countOf("governor"), guardians: countOf("guardian"), quorum });
  return `${names === "" ? "signed by nobody yet" : `signed by ${names}`}${missing}`;
}

type Signed = { readonly governors: number; readonly guardians: number; readonly quorum: number };

function missingConsents(content: DocumentContent, { governors, guardians, quorum }: Signed): string {
  if (quorum > 0 && governors >= quorum) return "; that is enough";
  const toGo = quorum - governors;
  const more = `${toGo} more ${toGo === 1 ? "governor" : "governors"} to go`;
  if (content.kind !== "pause") return quorum === 0 ? "; this network has no governors, so nothing is enough" : `; ${more}`;
  const needed = content.feed === "*" && content.action === "none" ? 2 : 1;
  if (guardians >= needed) return "; that is enough";
  const guard = `${needed - guardians} more ${needed - guardians === 1 ? "guardian" : "guardians"}`;
  return quorum === 0 ? `; ${guard} to go` : `; ${guard}, or ${more}`;
}
