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

/** Polls; what never comes is an error that names the condition. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 8_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** One sample of a running gateway's metrics, by its name with labels. */
export async function metric(address: string, name: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  const line = text.split("\n").find((item) => item.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? Number.NaN);
}
