import { type Digest, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { CARRIED_BIT } from "../../protocol/report.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { digestOf } from "../support/network.ts";
import { feedId, verdict } from "../support/rounds.ts";

export const ETH = feedId("ETH/USD");
export const LEASE_MS = 60_000;

export type Price = {
  readonly round: number;
  readonly price: bigint;
  readonly carried?: boolean;
  readonly state?: "closed" | "half-open" | "open";
};

/**
 * A chain of rounds that nobody signed: what counts them looks at headers and leaves. `branch` tells apart the rounds of two histories
 * with the same numbers.
 */
export function chainOf(
  prices: readonly Price[],
  options: {
    readonly parent?: Digest;
    readonly branch?: number;
    readonly feeds?: readonly string[];
    readonly roundMs?: number;
  } = {},
): readonly CertifiedRound[] {
  const { branch = 0, feeds = [ETH], roundMs = 1_000 } = options;
  let parent = options.parent ?? ZERO_DIGEST;
  return prices.map(({ round, price, carried = false, state = "closed" }) => {
    const timestamp = round * roundMs;
    const digest = digestFor(round, branch);
    const reasons = carried ? 2 ** CARRIED_BIT : 0;
    const header = {
      ...{ round, timestamp, validUntil: timestamp + LEASE_MS, parent },
      ...{ reportsRoot: digestOf(1), stateRoot: digestOf(2), inputsRoot: digestOf(3), configDigest: digestOf(4) },
    };
    parent = digest;
    const verdicts = feeds.map((feed) => verdict(feed, timestamp, { price, state, reasons }));
    return { digest, certificate: { header, signatures: [] }, feeds: verdicts };
  });
}

export function digestFor(round: number, branch = 0): Digest {
  return `0x${round.toString(16).padStart(62, "0")}${branch.toString(16).padStart(2, "0")}`;
}
