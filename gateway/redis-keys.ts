import type { Address } from "../protocol/bytes.ts";

/**
 * Where a member of a network keeps its two streams. What stands in braces is Redis Cluster's hash tag: both keys of a writer lie in one
 * slot, so one script may read both.
 *
 * @example streamKeys("mainnet", "0xab…").rounds // "breakwater:{mainnet:0xab…}:rounds"
 */
export function streamKeys(network: string, writer: Address): { readonly rounds: string; readonly papers: string } {
  const prefix = `breakwater:{${network}:${writer}}`;
  return { rounds: `${prefix}:rounds`, papers: `${prefix}:papers` };
}

/** What a gateway's counters of requests begin with. */
export function limitsPrefix(network: string): string {
  return `breakwater:{${network}:limits}:`;
}

/** A papers stream is cut to about this many: more changes of config and equivocations than any network has in years. */
export const MAX_PAPERS = 10_000;
