import { ADAPTERS } from "../../adapters/index.ts";
import type { NodeConfig } from "../../node/node-config.ts";
import { marketsByVenue } from "../../node/sampler.ts";
import type { NetworkConfig } from "../../protocol/config.ts";

/** Where this node asks each venue of the config. */
export function venueHosts({ venues }: NodeConfig, config: NetworkConfig): readonly string[] {
  const adapters: Readonly<Record<string, { readonly baseUrl: string } | undefined>> = ADAPTERS;
  return [...marketsByVenue(config).keys()].flatMap((venue) => venues[venue]?.url ?? adapters[venue]?.baseUrl ?? []);
}
