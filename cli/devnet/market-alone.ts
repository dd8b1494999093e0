import { stringify } from "yaml";
import { OperationalError } from "../../node/io/operational-error.ts";
import { startMarketServer } from "../../simulator/io/market-server.ts";
import { endOfLife, leaveParent } from "../end-of-life.ts";
import type { Terminal } from "../terminal.ts";
import { openChain } from "./chain.ts";
import { startControl } from "./control.ts";
import { catalogueListings } from "./layout.ts";
import { SIMULATED_REQUESTS_PER_SECOND } from "./market.ts";

/** It drives no processes: whoever runs nodes on this market starts and ends them himself. */
const NO_CHILDREN = { start: () => false, pid: () => undefined, stop: async () => undefined };

/**
 * Simulated exchanges for every market that a new network starts with, and a chain, until a signal. What node.yaml needs of them goes to
 * standard output as YAML.
 *
 * @throws OperationalError `port` when one is taken; nothing is left running then
 */
export async function runMarket(
  {
    port,
    rpcPort,
    controlPort,
    blockMs,
    seed,
  }: {
    readonly port: number;
    readonly rpcPort: number;
    readonly controlPort: number;
    readonly blockMs: number;
    readonly seed: number;
  },
  { out, note }: Pick<Terminal, "out" | "note">,
): Promise<void> {
  const ended = endOfLife();
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const market = await onPort(port, () => startMarketServer({ port, seed, listings: catalogueListings(), now: Date.now }));
    stops.push(market.stop);
    const chain = await onPort(rpcPort, () => openChain({ port: rpcPort, blockMs }));
    stops.push(chain.stop);
    const driven = { nodes: [], gateways: [], children: NO_CHILDREN, world: market, chains: chain };
    const control = await onPort(controlPort, () => startControl({ port: controlPort, ...driven }));
    stops.push(control.close);
    const venues = [...market.baseUrls].map(([venue, url]) => [venue, { url, requestsPerSecond: SIMULATED_REQUESTS_PER_SECOND }]);
    out(`${stringify({ venues: Object.fromEntries(venues) })}\n${stringify({ rpc: chain.endpoints })}`.trimEnd());
    note(`simulated exchanges on ${market.url}, seed ${seed}; these are not real prices`);
    note(`control API on http://localhost:${controlPort}: /market, /faults, /chain`);
    await ended;
  } finally {
    for (const stop of stops.reverse()) await stop();
    leaveParent();
  }
}

async function onPort<T>(port: number, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    throw new OperationalError(`port ${port} is taken: end what listens there, or choose another`, {
      code: "port",
      cause: error,
    });
  }
}
