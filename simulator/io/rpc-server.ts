import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fail, ok } from "../../protocol/result.ts";
import type { SimulatedChain } from "../chain/chain.ts";
import { type ControlledChains, stateOf } from "../chain/control.ts";
import { answerRpc } from "../chain/json-rpc.ts";
import { readBody } from "./request-body.ts";

/** What a node's batch is far below. */
const MAX_BODY_BYTES = 256 * 1024;
/** As many endpoints of each chain as a node needs to compare. */
const ENDPOINTS = 3;

export type RpcServerOptions = {
  /** Loopback unless the caller has a reason: the server has no authentication. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  readonly chains: readonly SimulatedChain[];
  /** Wall time, Unix ms. */
  readonly now: () => number;
};

export type RpcServer = ControlledChains & {
  /** By chain: what node.yaml's `rpc` names. */
  readonly endpoints: Readonly<Record<string, readonly string[]>>;
  readonly stop: () => Promise<void>;
};

/**
 * Simulated chains over JSON-RPC on one port, told apart by the first part of the path; the second is one of three endpoints, which show
 * the same chain. A chain moves when it is looked at.
 *
 * @throws when the port is taken.
 */
export async function startRpcServer({ host = "127.0.0.1", port = 0, chains, now }: RpcServerOptions): Promise<RpcServer> {
  const byName = new Map(chains.map((chain) => [chain.name, chain]));
  const server = createServer((request, response) => {
    void (async () => {
      const chain = byName.get((request.url ?? "").split("/")[1] ?? "");
      const body = await readBody(request, MAX_BODY_BYTES);
      if (chain === undefined || body === undefined || request.method !== "POST") {
        response.writeHead(chain === undefined ? 404 : body === undefined ? 413 : 405).end();
        return;
      }
      chain.advance(now());
      response.writeHead(200, { "content-type": "application/json" }).end(answerRpc(chain, body));
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  });
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    endpoints: Object.fromEntries(
      [...byName.keys()].map((name) => [name, Array.from({ length: ENDPOINTS }, (_, place) => `${url}/${name}/${place}`)]),
    ),
    set: (name, change) => {
      const chain = byName.get(name);
      if (chain === undefined) return fail({ field: "chain", problem: `expected one of ${[...byName.keys()].join(", ")}` });
      chain.set(change, now());
      return ok(undefined);
    },
    state: () =>
      chains.map((chain) => {
        chain.advance(now());
        return stateOf(chain);
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
