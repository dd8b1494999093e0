import { assert } from "./assert.ts";
import type { Address } from "./bytes.ts";
import { compareText } from "./feed.ts";

export type Member = { readonly name: string; readonly address: Address };

/** Members in ascending order of address: the order of leaders, signatures and observation digests. */
export type Committee = {
  readonly members: readonly Member[];
  /** How many members may be faulty in any way: ⌊(n−1)/3⌋; derived, never configured. */
  readonly f: number;
  /** ⌊(n+f)/2⌋ + 1: observations in a proposal, signatures in a certificate. */
  readonly quorum: number;
};

export const MIN_COMMITTEE = 4;

/** @example createCommittee(sevenMembers); // { members, f: 2, quorum: 5 } */
export function createCommittee(members: readonly Member[]): Committee {
  assert(members.length >= MIN_COMMITTEE, "a committee has at least 4 members");
  const sorted = [...members].sort((a, b) => compareText(a.address, b.address));
  const f = Math.floor((sorted.length - 1) / 3);
  return { members: sorted, f, quorum: Math.floor((sorted.length + f) / 2) + 1 };
}

/** Leader of round r: committee[r mod n]. */
export function leaderOf(committee: Committee, round: number): Address {
  const leader = committee.members[round % committee.members.length];
  assert(leader !== undefined, "a round number is a non-negative integer");
  return leader.address;
}

/** Position in committee order; −1 for a stranger. */
export function memberIndex(committee: Committee, address: Address): number {
  return committee.members.findIndex((member) => member.address === address);
}
