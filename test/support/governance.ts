import type { Network } from "../../protocol/config.ts";
import type { DocumentContent, SignedDocument } from "../../protocol/governance.ts";
import { approveDocument, approvedDocument } from "../../protocol/governance-codec.ts";
import { type TestKey, testKey, testNetwork } from "./network.ts";

/** Of no test committee. */
const FIRST_KEY = 60;

const keyOf = (index: number) => testKey(FIRST_KEY + index);
export const GOVERNORS: readonly TestKey[] = [0, 1, 2, 3, 4].map(keyOf);
export const GUARDIANS: readonly TestKey[] = [5, 6, 7].map(keyOf);

/** Three of five governors and three guardians, as in a network.yaml. */
export function governance() {
  const named = (prefix: string) => (key: TestKey, index: number) => ({ name: `${prefix}${index}`, address: key.address });
  return { governors: GOVERNORS.map(named("governor")), quorum: 3, guardians: GUARDIANS.map(named("guardian")) };
}

export function governedNetwork(overrides: Record<string, unknown> = {}, n = 4): Network {
  return testNetwork({ governance: governance(), ...overrides }, n);
}

/** A content that each of the keys approves with the same nonce. */
export function signedBy(keys: readonly TestKey[], content: DocumentContent, { domain }: Network, nonce = 1): SignedDocument {
  return approvedDocument(
    content,
    keys.map((key) => approveDocument(content, key, nonce, domain)),
  );
}
