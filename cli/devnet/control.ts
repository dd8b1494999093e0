import fastify, { type FastifyReply } from "fastify";
import type { Result } from "../../protocol/result.ts";
import { type ControlledChains, controlChain } from "../../simulator/chain/control.ts";
import { type ControlledWorld, controlClearFaults, controlFaults, controlMarket } from "../../simulator/control.ts";
import type { CommandFault } from "../../simulator/market.ts";
import type { Children } from "./children.ts";
import type { DevnetGateway, DevnetNode } from "./layout.ts";

export type Control = { readonly close: () => Promise<void> };

/**
 * The development network's control API (DESIGN section 9), loopback only: which processes run, and what the simulated market and chain
 * do.
 *
 * @throws when the port is taken.
 */
export async function startControl({
  port,
  nodes,
  gateways,
  children,
  world,
  chains,
}: {
  readonly port: number;
  readonly nodes: readonly DevnetNode[];
  readonly gateways: readonly DevnetGateway[];
  readonly children: Children;
  /** Undefined on a live market, which nobody drives. */
  readonly world: ControlledWorld | undefined;
  /** Undefined beside a live market: a simulated rate would contradict it. */
  readonly chains: ControlledChains | undefined;
}): Promise<Control> {
  const server = fastify({ forceCloseConnections: true });
  const list = () =>
    nodes.map(({ name, address, api, store, logFile }) => ({
      name,
      pid: children.pid(name) ?? null,
      address,
      api,
      store,
      log: logFile,
    }));
  const answer = <T>(reply: FastifyReply, done: Result<T, CommandFault>) =>
    done.ok ? done.value : problem(reply, 400, `${done.error.field}: ${done.error.problem}`);
  const drive = <T>(reply: FastifyReply, command: (world: ControlledWorld) => Result<T, CommandFault>) =>
    world === undefined
      ? problem(reply, 409, "the market is live: only a simulated one can be driven")
      : answer(reply, command(world));
  const chain = <T>(reply: FastifyReply, command: (chains: ControlledChains) => Result<T, CommandFault>) =>
    chains === undefined
      ? problem(reply, 409, "there is no simulated chain beside a live market")
      : answer(reply, command(chains));

  const listGateways = () =>
    gateways.map(({ name, api, logFile }) => ({ name, pid: children.pid(name) ?? null, api, log: logFile }));
  const start = (reply: FastifyReply, name: string, group: { readonly kind: string; readonly names: readonly string[] }) => {
    if (!group.names.includes(name)) {
      return problem(reply, 404, `no ${group.kind} "${name}": expected one of ${group.names.join(", ")}`);
    }
    return children.start(name) ? undefined : problem(reply, 409, `${name} is running already`);
  };

  server.get("/nodes", list);
  server.post<{ Params: { name: string } }>(
    "/nodes/:name/start",
    ({ params }, reply) => start(reply, params.name, { kind: "node", names: nodes.map(({ name }) => name) }) ?? list(),
  );
  server.get("/gateways", listGateways);
  server.post<{ Params: { name: string } }>(
    "/gateways/:name/start",
    ({ params }, reply) =>
      start(reply, params.name, { kind: "gateway", names: gateways.map(({ name }) => name) }) ?? listGateways(),
  );
  server.get("/market", (_, reply) => drive(reply, (market) => ({ ok: true, value: market.state() })));
  server.post("/market", (request, reply) => drive(reply, (market) => controlMarket(market, request.body)));
  server.get("/faults", (_, reply) => drive(reply, (market) => ({ ok: true, value: market.state() })));
  server.post("/faults", (request, reply) => drive(reply, (market) => controlFaults(market, request.body)));
  server.delete("/faults", (_, reply) => drive(reply, controlClearFaults));
  server.get("/chain", (_, reply) => chain(reply, (simulated) => ({ ok: true, value: simulated.state() })));
  server.post("/chain", (request, reply) => chain(reply, (simulated) => controlChain(simulated, request.body)));
  server.setNotFoundHandler((request, reply) => problem(reply, 404, `no route ${request.method} ${request.url}`));
  server.setErrorHandler((error: { statusCode?: number; message: string }, _, reply) =>
    problem(reply, error.statusCode ?? 500, error.message),
  );
  await server.listen({ host: "127.0.0.1", port });
  return { close: () => server.close() };
}

function problem(reply: FastifyReply, status: number, detail: string) {
  return reply.code(status).type("application/problem+json").send({ type: "about:blank", title: detail, status, detail });
}
