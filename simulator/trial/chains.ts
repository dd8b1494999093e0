import type { NetworkConfig } from "../../protocol/config.ts";
import { compareText } from "../../protocol/feed.ts";
import type { GaugeEntry } from "../../protocol/observation.ts";
import type { ChainFault } from "../cluster/fault.ts";

const GWEI = 10n ** 18n;
/** Above the floor of every config's default, so that a rise of it counts. */
const BASE_FEE = 30n * GWEI;
const FEE_RISE = 20n;
/** How long a paying transaction waits: within the next block, or well beyond what B13 calls late. */
const WAIT_BLOCKS = { calm: 1, jammed: 8 } as const;

/** The chains of a config, as every honest node's RPC endpoints show them: a block at each multiple of blockMs. */
export type Chains = {
  readonly gauges: (time: { readonly now: number; readonly clock: number }) => readonly GaugeEntry[];
  readonly begin: (fault: ChainFault, at: number) => void;
  readonly end: (fault: ChainFault) => void;
};

export function createChains({ chains }: Pick<NetworkConfig, "chains">): Chains {
  const begun = new Map<ChainFault, number>();
  const since = (kind: ChainFault["kind"]): number | undefined => {
    const starts = [...begun].flatMap(([fault, at]) => (fault.kind === kind ? [at] : []));
    return starts.length === 0 ? undefined : Math.min(...starts);
  };
  return {
    gauges: ({ now, clock }) => {
      const newest = Math.min(now, since("chain-halt") ?? now);
      const fee = since("chain-fee") === undefined ? BASE_FEE : BASE_FEE * FEE_RISE;
      const blocks = since("chain-jam") === undefined ? WAIT_BLOCKS.calm : WAIT_BLOCKS.jammed;
      const entries = chains.flatMap(({ chain, blockMs }): GaugeEntry[] => [
        { gauge: `fee.${chain}`, value: fee, asOf: clock },
        { gauge: `head.${chain}`, value: BigInt(Math.floor(newest / blockMs) * blockMs), asOf: clock },
        { gauge: `wait.${chain}`, value: BigInt(blocks * blockMs), asOf: clock },
      ]);
      return entries.sort((a, b) => compareText(a.gauge, b.gauge));
    },
    begin: (fault, at) => begun.set(fault, at),
    end: (fault) => begun.delete(fault),
  };
}
