import type { Address } from "../../protocol/bytes.ts";
import type { GovernanceConfig } from "../../protocol/config.ts";
import { compareText } from "../../protocol/feed.ts";
import type { Approval } from "../../protocol/governance.ts";
import { type KeyholderMemory, MAX_KEYHOLDERS } from "../governance-memory.ts";

/** The nonce after which none can follow: a removed guardian's. */
export const LAST_NONCE = Number.MAX_SAFE_INTEGER;

/** Who agreed, by what the config in force makes of them. */
type Standing = { readonly governors: number; readonly guardians: readonly Address[]; readonly strangers: number };

export function standingOf(approvals: readonly Approval[], { governors, guardians }: GovernanceConfig): Standing {
  const signers = approvals.map(({ keyholder }) => keyholder);
  const agreeing = signers.filter((signer) => governors.some(({ address }) => address === signer)).length;
  const watching = signers.filter((signer) => guardians.some(({ address }) => address === signer));
  return { governors: agreeing, guardians: watching, strangers: signers.length - agreeing - watching.length };
}

/** m of k governors, and nobody whom the config does not know. Without governors there is no m that suffices. */
export function isByGovernors(approvals: readonly Approval[], governance: GovernanceConfig): boolean {
  const { governors, strangers } = standingOf(approvals, governance);
  return strangers === 0 && governors > 0 && governance.quorum > 0 && governors >= governance.quorum;
}

/** A keyholder's word counts once: each nonce is above all that he used before. One used nonce voids the whole document. */
export function hasUsedNonce(approvals: readonly Approval[], keyholders: readonly KeyholderMemory[]): boolean {
  return approvals.some(({ keyholder, nonce }) => nonce <= memoryOf(keyholders, keyholder).nonce);
}

/** A keyholder who never acted has used nothing. */
export function memoryOf(keyholders: readonly KeyholderMemory[], address: Address): KeyholderMemory {
  return keyholders.find((known) => known.address === address) ?? { address, nonce: 0, usedMs: 0, usedAt: 0 };
}

/** From now on these nonces are used. */
export function rememberNonces(
  keyholders: readonly KeyholderMemory[],
  approvals: readonly Approval[],
  governance: GovernanceConfig,
): readonly KeyholderMemory[] {
  return approvals.reduce(
    (known, { keyholder, nonce }) => replaceKeyholder(known, { ...memoryOf(known, keyholder), nonce }, governance),
    keyholders,
  );
}

/**
 * Puts one keyholder's memory in its place. At the bound the first address that the config in force does not know is forgotten: a config
 * names at most half as many, so there always is one. Should a later config name it again, its used nonces would be open to replay,
 * of documents that have no end of their own; its pauses are over by then.
 */
export function replaceKeyholder(
  keyholders: readonly KeyholderMemory[],
  changed: KeyholderMemory,
  { governors, guardians }: GovernanceConfig,
): readonly KeyholderMemory[] {
  const others = keyholders.filter(({ address }) => address !== changed.address);
  const named = new Set([...governors, ...guardians].map(({ address }) => address));
  const forgotten = others.length < MAX_KEYHOLDERS ? undefined : others.find(({ address }) => !named.has(address));
  return [...others.filter((other) => other !== forgotten), changed].sort((a, b) => compareText(a.address, b.address));
}
