import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startChild } from "./child.ts";
import type { HopQuestion } from "./hop-node.ts";
import { findFreePorts, startNetwork } from "./latency-network.ts";
import { atMost, formatMs, formatRatio, median, type Outcome, quantile } from "./measure.ts";

const NODES = 4;
const ROUNDS = 24;
/** The first rounds of young processes run code that is not compiled yet. */
const SKIPPED_ROUNDS = 8;
const START_MS = 60_000;
/** Where in a round's second the raw hops are measured: the nodes are done by then. */
const HOPS_AT_MS = 450;
const RAW_ROUND_AT_MS = 650;
/** How far ahead the nodes are told when to speak: all of them have heard it by then. */
const START_TOGETHER_MS = 80;
const AIM = 2;

type Samples = { readonly rounds: number[]; readonly hops: number[]; readonly rawRounds: number[] };

/**
 * From a round's start, when every node looks at its quotes, to the certificate at the last of four nodes; and in the same seconds
 * three gossip hops, one after the other, between four bare transports.
 */
export async function benchLatency(): Promise<Outcome> {
  const stops: (() => Promise<unknown>)[] = [];
  const ended = new AbortController();
  try {
    const hops = await startHopNodes(stops);
    const network = await startNetwork();
    stops.push(network.stop);
    const arrivals = followAll(network.apis, ended.signal);
    return report(await collect(arrivals, hops));
  } finally {
    ended.abort();
    for (const stop of stops.reverse()) await stop();
  }
}

async function startHopNodes(stops: (() => Promise<unknown>)[]): Promise<readonly Child[]> {
  const firstPort = await findFreePorts(NODES);
  const children = Array.from({ length: NODES }, (_, index) =>
    startChild(new URL("./hop-node.ts", import.meta.url), `${index} ${firstPort}`),
  );
  stops.push(() => Promise.all(children.map((child) => child.stop())));
  await Promise.all(children.map((child) => ask(child, { kind: "ready" })));
  return children;
}

async function collect(arrivals: ReadonlyMap<number, readonly number[]>, hops: readonly Child[]): Promise<Samples> {
  const samples: Samples = { rounds: [], hops: [], rawRounds: [] };
  const startBy = Date.now() + START_MS;
  let seen = 0;
  while (seen < SKIPPED_ROUNDS + ROUNDS) {
    if (Date.now() > startBy + ROUNDS * 2_000)
      throw new Error(`the network certified ${seen} rounds, expected ${SKIPPED_ROUNDS + ROUNDS}`);
    await untilInSecond(HOPS_AT_MS);
    const id = Math.floor(Date.now() / 1_000);
    const delays = arrivals.get(id) ?? [];
    const chain = await measureChain(hops, id);
    await untilInSecond(RAW_ROUND_AT_MS);
    const raw = await measureRawRound(hops, id + 2 ** 31);
    await untilInSecond(0);
    if (delays.length < NODES) continue;
    seen += 1;
    if (seen <= SKIPPED_ROUNDS) continue;
    samples.rounds.push(Math.max(...delays));
    samples.hops.push(chain);
    samples.rawRounds.push(raw);
  }
  return samples;
}

function report({ rounds, hops, rawRounds }: Samples): Outcome {
  const ratio = median(rounds) / median(hops);
  const both = (values: readonly number[]): string => `${formatMs(median(values))} (p95 ${formatMs(quantile(values, 0.95))})`;
  return {
    rows: [
      {
        what: "quotes → certificate at every node",
        ours: both(rounds),
        other: `${both(hops)} three hops`,
        ratio: formatRatio(ratio),
        aim: atMost(ratio, AIM, `${AIM} × three hops`),
      },
      {
        what: "  against a round's messages without its work",
        ours: both(rounds),
        other: both(rawRounds),
        ratio: formatRatio(median(rounds) / median(rawRounds)),
      },
    ],
    notes: [
      `${rounds.length} rounds of the development network (15 feeds, 4 processes), arrival on each node's SSE stream minus the round's timestamp, the last`,
      "node counted. All four observe, so the leader waits for nobody: nothing is taken off for the round's own wait. Three hops: 1 200 bytes",
      "from node to node to node to node, each an own process with startTransport alone, between the same rounds. The messages without the",
      "work: everybody speaks, the leader when it has heard all, everybody again, until each heard a quorum.",
    ],
  };
}

async function measureChain(nodes: readonly Child[], id: number): Promise<number> {
  const [first, last] = [nodes[0], nodes.at(-1)];
  if (first === undefined || last === undefined) throw new Error("there are hop nodes");
  const arrived = ask(last, { kind: "await", id });
  await ask(first, { kind: "start", id });
  return arrived;
}

async function measureRawRound(nodes: readonly Child[], id: number): Promise<number> {
  const at = Date.now() + START_TOGETHER_MS;
  return Math.max(...(await Promise.all(nodes.map((node) => ask(node, { kind: "round", id, at })))));
}

async function ask(child: Child, question: HopQuestion): Promise<number> {
  return ((await child.ask(question)) as { readonly ms?: number }).ms ?? 0;
}

/** Round → ms from its timestamp to its arrival, one for each node that has delivered it. */
function followAll(apis: readonly string[], ended: AbortSignal): ReadonlyMap<number, readonly number[]> {
  const arrivals = new Map<number, number[]>();
  for (const api of apis) {
    void follow(api, ended, (timestamp) => {
      const round = Math.floor(timestamp / 1_000);
      arrivals.set(round, [...(arrivals.get(round) ?? []), Date.now() - timestamp]);
    });
  }
  return arrivals;
}

/** A node that does not answer yet is asked again. */
async function follow(api: string, ended: AbortSignal, onRound: (timestamp: number) => void): Promise<void> {
  while (!ended.aborted) {
    await readStream(`${api}/v1/stream?feeds=ETH-USD`, ended, onRound).catch(() => undefined);
    await sleep(200);
  }
}

function readStream(url: string, signal: AbortSignal, onRound: (timestamp: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { signal }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        const events = text.split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) {
          const timestamp = /^data: \{"round":\d+,"timestamp":(\d+)/m.exec(event)?.[1];
          if (timestamp !== undefined) onRound(Number(timestamp));
        }
      });
      response.on("error", reject).on("close", resolve);
    });
    asked.on("error", reject).end();
  });
}

/** The next moment that lies this many ms after a full second. */
async function untilInSecond(ms: number): Promise<void> {
  await sleep((((ms - (Date.now() % 1_000)) % 1_000) + 1_000) % 1_000);
}
