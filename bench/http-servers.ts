import fastify from "fastify";
import { Registry } from "prom-client";
import { nextRound } from "../aggregator/round.ts";
import { startGateway } from "../gateway/io/server.ts";
import { createMemoryStore } from "../node/memory-store.ts";
import { toFeedDocument } from "../protocol/document.ts";
import type { CertifiedRound } from "../protocol/round.ts";
import { certify, foldChain } from "./chain.ts";
import { answerParent } from "./child.ts";
import { cpuMs } from "./measure.ts";

const FEEDS = 100;
const NODES = 4;
const ROUNDS = 60;
const ROUND_MS = 1_000;
const HOST = "127.0.0.1";

/** A process of its own with both servers: the gateway over rounds that go on, and the barest reply of the same size. */
const chain = foldChain({ feeds: FEEDS, nodes: NODES, rounds: ROUNDS });
const rounds: readonly CertifiedRound[] = chain.inputs.map((input) => certify(chain, nextRound(input)));
const [first, ...later] = rounds;
if (first === undefined) throw new Error("a chain has rounds");
const feed = first.feeds[FEEDS >> 1]?.report.feed;
if (feed === undefined) throw new Error("a round has feeds");

const store = createMemoryStore({ now: Date.now });
store.saveRound({ certified: first });
const listeners = new Set<(round: CertifiedRound) => void>();
const logger = { error: console.error, warn: console.error };
const gateway = await startGateway({
  host: HOST,
  port: 0,
  network: () => chain.network,
  genesis: chain.network.config,
  store,
  subscribe: (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  sources: () => undefined,
  governance: () => undefined,
  now: () => (store.latest() ?? { certified: first }).certified.certificate.header.timestamp + ROUND_MS / 2,
  registry: new Registry(),
  log: logger,
  rateLimit: { max: 1_000_000_000, windowMs: 60_000 },
});

const body = JSON.stringify(toFeedDocument({ round: first, feed }));
const bare = fastify();
bare.get("/", (_, reply) => reply.type("application/json; charset=utf-8").send(body));
const bareAddress = await bare.listen({ host: HOST, port: 0 });

const timer = setInterval(() => {
  const next = later.shift();
  if (next === undefined) return;
  store.saveRound({ certified: next });
  for (const listener of listeners) listener(next);
}, ROUND_MS);

answerParent(
  () => ({
    gateway: gateway.address,
    bare: bareAddress,
    path: `/v1/feeds/${feed.replace("/", "-")}`,
    bytes: Buffer.byteLength(body),
    cpuMs: cpuMs(),
    rounds: rounds.length - later.length,
  }),
  async () => {
    clearInterval(timer);
    await Promise.all([gateway.close(), bare.close()]);
  },
);
