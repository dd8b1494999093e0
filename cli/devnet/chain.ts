import type { Address } from "../../protocol/bytes.ts";
import { createSimulatedChain } from "../../simulator/chain/chain.ts";
import { type RpcServer, startRpcServer } from "../../simulator/io/rpc-server.ts";
import { WSTETH_RATE } from "../catalogue.ts";

/** Ethereum has no sequencer; here it has a feed that says so, to be flipped by whoever wants to see what an L2 does. */
const UPTIME_FEED: Address = "0x00000000000000000000000000000000000005e9";

/** Blocks of a second, so that a person sees a whole congestion; the rest as in production. */
export const DEVELOPMENT_CHAIN = { chain: WSTETH_RATE.chain, blockMs: 1_000, uptimeFeed: UPTIME_FEED };

/** The development network's own chain, behind three endpoints on this machine. @throws when no port is free, or `port` is taken */
export function openChain({
  port = 0,
  blockMs = DEVELOPMENT_CHAIN.blockMs,
}: {
  readonly port?: number;
  readonly blockMs?: number;
} = {}): Promise<RpcServer> {
  const { chain: name } = DEVELOPMENT_CHAIN;
  const contracts = { rate: WSTETH_RATE.read.contract, uptime: UPTIME_FEED };
  const chain = createSimulatedChain({ name, blockMs, contracts, startAt: Date.now() });
  return startRpcServer({ port, chains: [chain], now: Date.now });
}
