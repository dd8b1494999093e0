import { Registry } from "prom-client";
import type { GatewayApp } from "../../gateway/io/context.ts";
import { buildGateway, type GatewayOptions } from "../../gateway/io/server.ts";
import type { Network } from "../../protocol/config.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { certifyChain, memoryStore, networkOf } from "../support/rounds.ts";

export const FEEDS = ["BTC/USD", "ETH/USD", "LINK/USD"];
export const FIRST_ROUND = 1_795_300_000;

/** A gateway over rounds in memory, with a clock and a log that the test holds. */
export async function openGateway({
  network = networkOf([...FEEDS, "NEW/USD"]),
  rounds = certifyChain(network, FEEDS, FIRST_ROUND, 3),
  ...options
}: Partial<Omit<GatewayOptions, "network">> & { readonly network?: Network; readonly rounds?: readonly CertifiedRound[] } = {}) {
  const memory = memoryStore(rounds);
  const clock = { now: (rounds.at(-1)?.certificate.header.timestamp ?? FIRST_ROUND * 1_000) + 400 };
  const logged: { readonly details: object; readonly message: string }[] = [];
  const tell = (details: object, message: string) => {
    logged.push({ details, message });
  };
  const all: GatewayOptions = {
    ...{ network: () => network, genesis: network.config, store: memory.store, subscribe: memory.subscribe },
    ...{
      sources: () => undefined,
      governance: () => undefined,
      now: () => clock.now,
      registry: new Registry(),
      log: { error: tell, warn: tell },
    },
    ...options,
  };
  return { options: all, memory, clock, logged, network, rounds };
}

export async function buildTestGateway(options: Parameters<typeof openGateway>[0] = {}) {
  const parts = await openGateway(options);
  const app: GatewayApp = await buildGateway(parts.options);
  const get = async (url: string) => {
    const reply = await app.inject({ method: "GET", url });
    return { status: reply.statusCode, headers: reply.headers, text: reply.body, json: () => JSON.parse(reply.body) };
  };
  const post = async (url: string, payload: object) => {
    const reply = await app.inject({ method: "POST", url, payload });
    return { status: reply.statusCode, headers: reply.headers, json: () => JSON.parse(reply.body) };
  };
  return { ...parts, app, get, post };
}
