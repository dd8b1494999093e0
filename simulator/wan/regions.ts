/**
 * Five regions of one public cloud, all continents that have venues or lenders in them. Round-trip times, ms, averaged over 10 January to
 * 8 February 2026, of each pair's two directions the slower: IBM Cloud VPC, "Network latency between regions",
 * github.com/ibm-cloud-docs/vpc, `_include-segments/network-latency.md`, table of 8 February 2026.
 */
export const REGIONS = ["Frankfurt", "Washington DC", "Sao Paulo", "Tokyo", "Sydney"] as const;
export type Region = (typeof REGIONS)[number];

/** Between two zones of one region: the same page's tables give 0.8 to 2.8 ms. */
export const WITHIN_REGION_MS = 2;

const BETWEEN_MS: Readonly<Record<Region, Readonly<Partial<Record<Region, number>>>>> = {
  Frankfurt: { "Washington DC": 86, "Sao Paulo": 202, Tokyo: 239, Sydney: 251 },
  "Washington DC": { "Sao Paulo": 128, Tokyo: 141, Sydney: 214 },
  "Sao Paulo": { Tokyo: 284, Sydney: 324 },
  Tokyo: { Sydney: 115 },
  Sydney: {},
};

/** Members are spread over the regions in turn: 31 make 7, 6, 6, 6 and 6. */
export function regionOf(node: number): Region {
  return REGIONS[node % REGIONS.length] ?? "Frankfurt";
}

/** @example rttMs("Sydney", "Frankfurt"); // 251 */
export function rttMs(a: Region, b: Region): number {
  return BETWEEN_MS[a][b] ?? BETWEEN_MS[b][a] ?? WITHIN_REGION_MS;
}
