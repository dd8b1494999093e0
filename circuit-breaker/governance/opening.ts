import { type Digest, ZERO_DIGEST } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import { CERTIFIED_ROUNDS, type GovernanceMemory } from "../governance-memory.ts";
import { expirePauses, isScope } from "./pauses.ts";

const ALL_CERTIFIED = 2n ** BigInt(CERTIFIED_ROUNDS) - 1n;

/** What memory of the parent's round is in this one, before anything is said in it. */
export function openMemory(
  memory: GovernanceMemory,
  round: {
    readonly config: NetworkConfig;
    readonly configDigest: Digest;
    readonly parentConfigDigest: Digest | undefined;
    readonly timestamp: number;
  },
): GovernanceMemory {
  const { config, configDigest, parentConfigDigest, timestamp } = round;
  const pauses = expirePauses(memory.pauses, timestamp);
  if (parentConfigDigest === undefined || parentConfigDigest === configDigest) {
    return { ...memory, pauses, next: ZERO_DIGEST };
  }
  return {
    ...memory,
    pauses: pauses.filter(({ feed }) => isScope(feed, config)),
    pending: undefined,
    previous: parentConfigDigest,
    next: ZERO_DIGEST,
  };
}

/**
 * The last 60 rounds with this one, which will be certified if it ever counts. None was missed before the chain's first.
 *
 * @example
 * countCertified(0b1n, { round: 103, parentRound: 100 }); // 0b1001n: 103 and 100, not 102 and 101
 */
export function countCertified(
  certified: bigint,
  { round, parentRound }: { readonly round: number; readonly parentRound: number | undefined },
): bigint {
  if (parentRound === undefined) return ALL_CERTIFIED;
  const passed = round - parentRound;
  if (passed >= CERTIFIED_ROUNDS) return 1n;
  return ((certified << BigInt(passed)) | 1n) & ALL_CERTIFIED;
}
