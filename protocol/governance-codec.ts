import type { GovernanceConfig } from "./config.ts";
import type { Domain } from "./eip712.ts";
import type { SignedDocument } from "./governance.ts";
import { fail, type Result } from "./result.ts";
import type { Secp256k1 } from "./secp256k1.ts";

/** Whose signatures count, and for which network. */
export type DocumentTrust = { readonly governance: GovernanceConfig; readonly domain: Domain; readonly scheme: Secp256k1 };

/** Decodes canonical bytes and verifies every approval: each by a governor or guardian of the config in force. */
export function decodeSignedDocument(_bytes: Uint8Array, _trust: DocumentTrust): Result<SignedDocument, string> {
  return fail("no document is known yet");
}
