import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readNetworkFile } from "../../cli/files.ts";
import { trustNetwork } from "../../client/committee.ts";
import { type Trust, verifyDocument } from "../../client/verify.ts";
import { scheme } from "../support/network.ts";
import { request, useDevnet, within } from "./devnet.ts";
import { type GatewayProcess, type Liar, metricsOf, startGatewayProcess, startLiar } from "./gateways.ts";
import { kill, latestRound, nodeOf, restart } from "./nodes.ts";
import type { RoundStream } from "./stream.ts";

/** Ports of the devnet's block that it leaves free. */
const FIRST_OFFSET = 10;
const SECOND_OFFSET = 11;

const network = useDevnet();
let trust: Trust;
let liar: Liar;
let first: GatewayProcess;
let second: GatewayProcess;
const streams: RoundStream[] = [];

const folder = (name: string): string => join(network().folder, name);
const portOf = (offset: number): number => network().ports.api + offset;

/** Follows two nodes and a liar; relays to the nodes. */
async function startFirst(): Promise<GatewayProcess> {
  const [node0, node1] = [await nodeOf(network(), 0), await nodeOf(network(), 1)];
  const follow = { http: [liar.base, node0.api, node1.api] };
  return startGatewayProcess(folder("first"), {
    network: "../network.yaml",
    port: portOf(FIRST_OFFSET),
    follow,
    forward: [node0.api, node1.api],
  });
}

/** Follows the first one alone. */
function startSecond(): Promise<GatewayProcess> {
  const api = `http://127.0.0.1:${portOf(FIRST_OFFSET)}`;
  const follow = { http: [api] };
  const storage = { path: "store.sqlite" };
  return startGatewayProcess(folder("second"), {
    network: "../network.yaml",
    port: portOf(SECOND_OFFSET),
    follow,
    forward: [api],
    storage,
  });
}

function watch(api: string): RoundStream {
  const stream = network().stream(["ETH/USD", "BTC/USD"], api);
  streams.push(stream);
  return stream;
}

/** What any reader saw: proven, and (openStream throws else) ascending. */
function expectProven(stream: RoundStream): void {
  expect(stream.rounds.length).toBeGreaterThan(0);
  for (const bundle of stream.rounds) {
    const { ok, faults } = verifyDocument(bundle, { trust, scheme });
    expect({ round: bundle.round, ok, faults }).toEqual({ round: bundle.round, ok: true, faults: [] });
  }
}

function unsigned(round: unknown): object {
  return { ...(round as object), signatures: [] };
}

const keepsUp = (gateway: GatewayProcess) =>
  within(60_000, `${gateway.api} keeping up`, async () => {
    const [theirs, ours] = await Promise.all([latestRound((await nodeOf(network(), 1)).api), latestRound(gateway.api)]);
    return ours > 0 && theirs - ours <= 2;
  });

describe("replicas that follow over HTTP", () => {
  beforeAll(async () => {
    trust = trustNetwork(readNetworkFile(join(network().folder, "network.yaml")));
    liar = await startLiar((await nodeOf(network(), 2)).api);
    first = await startFirst();
    second = await startSecond();
    await keepsUp(second);
  });
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(`logs: ${first?.log}, ${second?.log}`);
  });
  afterAll(async () => {
    for (const stream of streams) stream.close();
    for (const gateway of [second, first]) {
      gateway?.process.kill("SIGKILL");
      await gateway?.ended;
    }
    await liar?.stop();
  });

  test("serve what the nodes serve, proven, one behind the other", async () => {
    const [atFirst, atSecond] = [watch(first.api), watch(second.api)];
    await Promise.all([atFirst.more(5), atSecond.more(5)]);
    expectProven(atFirst);
    expectProven(atSecond);
    const newest = atFirst.rounds.find(({ round }) => atSecond.rounds.some((bundle) => bundle.round === round));
    const path = `/v1/rounds/${newest?.round}?body=1`;
    const [ours, theirs] = await Promise.all([
      request(`${second.api}${path}`),
      request(`${(await nodeOf(network(), 3)).api}${path}`),
    ]);
    expect(ours.status).toBe(200);
    // Two sets of signers are the same certificate; everything else of a round is one.
    expect(unsigned(ours.json)).toEqual(unsigned(theirs.json));
  });

  test("refuse every forgery, count it, and go on", async () => {
    await within(30_000, "forgeries of each kind", async () => {
      const host = new URL(liar.base).host;
      const counted = await metricsOf(first.api, `follower_entries_total{source="${host}"`);
      return ["digest", "body"].every((code) => counted.some((line) => line.includes(`code="${code}"`)));
    });
    const host = new URL(liar.base).host;
    const codes = (await metricsOf(first.api, `follower_entries_total{source="${host}"`)).map(
      (line) => /code="([^"]+)"/.exec(line)?.[1],
    );
    expect(codes.filter((code) => ["head", "history", "orphan"].includes(code ?? ""))).toEqual([]);
    expect(liar.forged()).toBeGreaterThan(0);
    const stream = watch(first.api);
    await stream.more(2);
    expectProven(stream);
  });

  test("relay what only a node knows, over both", async () => {
    const reply = await request(`${second.api}/v1/feeds/ETH-USD/sources`);
    expect(reply.status).toBe(200);
    expect((reply.json as { sources: object[] }).sources.length).toBeGreaterThan(2);
    expect(reply.headers.get("x-breakwater-upstream")).toBe(new URL(first.api).host);
    const refused = await request(`${second.api}/v1/governance/documents`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ document: "0x1234" }),
    });
    expect(refused.status).toBe(422);
  });

  test("lose nothing when a node that is followed is killed", async () => {
    const stream = watch(second.api);
    await stream.more(2);
    await kill(network(), 0);
    await stream.more(6);
    expectProven(stream);
    await restart(network(), 0);
  });

  test("a gateway that is killed takes its followers' readers no further than the lease; they go on by themselves", async () => {
    const stream = watch(second.api);
    await stream.more(2);
    first.process.kill("SIGKILL");
    await first.ended;
    await within(40_000, "the second says that the lease is over", async () => {
      const [ready, feed] = [await request(`${second.api}/health/ready`), await request(`${second.api}/v1/feeds/ETH-USD`)];
      return ready.status === 503 && feed.status === 503;
    });
    const seen = stream.newest();
    first = await startFirst();
    await keepsUp(second);
    await within(30_000, "rounds after the pause", async () => stream.newest() > seen);
    expectProven(stream);
    await within(30_000, "the pause filled", async () => {
      const { points } = (await request(`${second.api}/v1/feeds/ETH-USD/history?limit=60`)).json as {
        points: { round: number }[];
      };
      return points.some(({ round }) => round > seen && round < seen + 10);
    });
  });

  test("one with a store goes on where it was, and loads no round that it has again", async () => {
    const before = await latestRound(second.api);
    second.process.kill("SIGKILL");
    await second.ended;
    second = await startSecond();
    expect(await latestRound(second.api)).toBeGreaterThanOrEqual(before);
    await keepsUp(second);
  });

  test("SIGTERM: not ready at once, readers sent elsewhere, exit code 0", async () => {
    const stream = watch(first.api);
    await stream.more(1);
    first.process.kill("SIGTERM");
    await within(5_000, "not ready", async () => (await request(`${first.api}/health/ready`)).status === 503);
    expect((await request(`${first.api}/v1/rounds/latest`).catch(() => undefined))?.status ?? 200).toBe(200);
    expect(await first.ended).toBe(0);
    expectProven(stream);
  });
});
