import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Registry } from "prom-client";
import { CATALOGUE, DEFAULT_BASKET } from "../../cli/catalogue.ts";
import { readNetworkFile } from "../../cli/files.ts";
import { writeNewFiles } from "../../cli/new-files.ts";
import { networkYaml } from "../../cli/templates.ts";
import { startGateway } from "../../gateway/io/server.ts";
import type { Network } from "../../protocol/config.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { testKeys } from "../support/network.ts";
import { memoryStore } from "../support/rounds.ts";

/** A network.yaml whose committee are the four test keys, as an operator has it. */
export function writeNetwork(folder: string, name: string): { readonly path: string; readonly network: Network } {
  const path = join(folder, `${name}.yaml`);
  const content = networkYaml({
    network: name,
    members: testKeys(4).map(({ address }, index) => ({ name: `node${index}`, address })),
    leaseMs: 60_000,
    chains: [],
    thresholds: {},
    basket: DEFAULT_BASKET,
    feeds: CATALOGUE,
  });
  return { path, network: writeNewFiles([{ path, content }], () => readNetworkFile(path)) };
}

/** The real gateway over rounds in memory. */
export async function serve(
  network: Network,
  rounds: readonly CertifiedRound[],
  port = 0,
  options: Partial<Parameters<typeof startGateway>[0]> = {},
) {
  const { store, subscribe, publish, kept } = memoryStore(rounds);
  const log = { error: () => undefined, warn: () => undefined };
  const { address, close } = await startGateway({
    ...{ host: "127.0.0.1", port, network: () => network, genesis: network.config, store, subscribe, log },
    registry: new Registry(),
    sources: () => undefined,
    governance: () => undefined,
    now: () => Date.now(),
    ...options,
  });
  return { address, close, publish, kept };
}

export type Reply = { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string };

/** A server that answers whatever it is told to; a path without a reply never gets one. */
export async function serveReplies(replies: Readonly<Record<string, Reply>>) {
  const server: Server = createServer((request, response) => {
    const reply = replies[request.url ?? ""];
    if (reply === undefined) return;
    response.writeHead(reply.status ?? 200, reply.headers).end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A port that was free a moment ago. */
export async function closedPort(): Promise<number> {
  const server = await serveReplies({});
  await server.close();
  return Number(new URL(server.address).port);
}
