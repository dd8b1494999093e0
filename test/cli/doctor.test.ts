import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { diagnose } from "../../cli/doctor/diagnose.ts";
import type { Finding } from "../../cli/doctor/finding.ts";
import { readNetworkFile } from "../../cli/files.ts";
import { apiKeyDigest, formatApiKey } from "../../gateway/access.ts";
import { redisAcl } from "../../gateway/redis-acl.ts";
import { openStore } from "../../node/io/store.ts";
import { startTransport } from "../../node/io/transport.ts";
import type { Network } from "../../protocol/config.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import { type Founded, found, removeFounded } from "../e2e/founded.ts";
import { digestOf } from "../node/store-fixtures.ts";
import { scheme, testKeys } from "../support/network.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { certify, verdict } from "../support/rounds.ts";
import { serve } from "./served.ts";
import { session, spawnCli } from "./session.ts";

const VENUES = ["coinbase", "kraken", "bitstamp", "gemini", "crypto.com"];
const SECRET = "s3cr3t-credential";
const PASSWORD_SHA = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"; // of "secret"
const folder = mkdtempSync(join(tmpdir(), "breakwater-doctor-"));
const ends: (() => Promise<unknown> | unknown)[] = [];
const endsOfTest: (() => Promise<unknown> | unknown)[] = [];
let market: MarketServer;
let founded: Founded;
let network: Network;
let redis: TestRedis;
let rpc: readonly string[];

beforeAll(async () => {
  market = await startMarketServer({ seed: 1, listings: new Map(VENUES.map((venue) => [venue, ["BTC/USD"]])), now: Date.now });
  ends.push(() => market.stop());
  rpc = await Promise.all([0, 1, 2].map((place) => chainEndpoint(place)));
  const sources = VENUES.map((venue) => ({ venue, market: "BTC/USD", weight: 1 }));
  founded = await found([{ feed: "BTC/USD", preset: "major", sources }], {
    network: (genesis) => void Object.assign(genesis, { chains: [{ chain: "DEVCHAIN", blockMs: 1_000 }] }),
  });
  ends.push(() => removeFounded(founded));
  network = readNetworkFile(founded.networkFile);
  const [node] = founded.nodes;
  const users = { network: "founded", gateways: [{ username: "edge", passwordSha256: PASSWORD_SHA }] };
  redis = await startRedis({
    acl: redisAcl({
      ...users,
      nodes: [{ username: "node0", passwordSha256: PASSWORD_SHA, address: network.committee.members[0]?.address ?? "0x" }],
    }),
  });
  ends.push(() => redis.stop());
  writeFileSync(join(node?.folder ?? "", "redis.password"), "secret\n", { mode: 0o600 });
  writeFileSync(join(node?.folder ?? "", "hook.secret"), "hook\n", { mode: 0o600 });
}, 60_000);
afterAll(async () => {
  for (const end of ends.reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  for (const end of endsOfTest.splice(0).reverse()) await end();
});

/** A chain's endpoint whose path is a key. */
async function chainEndpoint(place: number): Promise<string> {
  const server: Server = createServer((request, response) => {
    const block = { number: `0x${(100 + place).toString(16)}`, timestamp: `0x${Math.floor(Date.now() / 1_000).toString(16)}` };
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(["0x1", block].map((result, id) => ({ jsonrpc: "2.0", id, result }))));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3/${SECRET}`;
}

/** node0's node.yaml with everything that there is, but for what a test changes. */
function writeConfig(changes: Record<string, unknown> = {}): string {
  const [node] = founded.nodes;
  if (node === undefined) throw new Error("no node");
  const venues = Object.fromEntries([...market.baseUrls].map(([venue, url]) => [venue, { url, requestsPerSecond: 50 }]));
  const peers = founded.nodes.slice(1).map(({ address, p2pPort }) => ({ address, multiaddr: `/ip4/127.0.0.1/tcp/${p2pPort}` }));
  const config = {
    ...{ network: "../network.yaml", key: { file: "key.json", passwordFile: "password" } },
    ...{ listen: [`/ip4/127.0.0.1/tcp/${node.p2pPort}`], peers, api: { host: "127.0.0.1", port: node.apiPort } },
    ...{ storage: { path: "store.sqlite", rounds: 3_600, bodies: 3_600 }, venues, rpc: { DEVCHAIN: rpc } },
    redis: { url: `redis://127.0.0.1:${redis.port}`, username: "node0", passwordFile: "redis.password" },
    alerts: [{ url: `https://hooks.example/${SECRET}`, secretFile: "hook.secret" }],
    ...changes,
  };
  const path = join(node.folder, "doctor.yaml");
  writeFileSync(path, stringify(config));
  return path;
}

/** A member that listens as its node would, with this key. */
async function listenAs(index: number, keyIndex = index): Promise<void> {
  const key = testKeys(4)[keyIndex];
  const at = founded.nodes[index];
  if (key === undefined || at === undefined) throw new Error(`no member ${index}`);
  const nothing = () => undefined;
  const transport = await startTransport({
    ...{ key: { ...key, scheme }, committee: testKeys(4).map(({ address }) => address), peers: [], topics: [] },
    ...{ listen: [`/ip4/127.0.0.1/tcp/${at.p2pPort}`], onGossip: () => "ignore" as const, onRequest: nothing },
    ...{
      log: { info: nothing, warn: nothing },
      metrics: { onGossip: nothing, onRequest: nothing, onLink: nothing, onRefused: nothing },
    },
  });
  endsOfTest.push(() => transport.stop());
}

async function examine(options: { config?: string; gateway?: string; peerApi?: readonly string[] }) {
  const terminal = session();
  const ok = await diagnose({ peerApi: [], ...options, json: true }, terminal);
  const report = JSON.parse(terminal.printed()) as { ok: boolean; findings: Finding[] };
  expect(report.ok).toBe(ok);
  expect(terminal.printed() + terminal.noted()).not.toContain(SECRET);
  const find = (check: string) => report.findings.find((finding) => finding.check === check);
  return { ok, find, lines: report.findings.map(({ verdict, check }) => `${verdict} ${check}`) };
}

describe("a node that has everything it needs", () => {
  it("gets no failure, and no warning but of a clock that one machine's hosts alone confirm", async () => {
    for (const index of [1, 2, 3]) await listenAs(index);
    const peer = await serve(network, []);
    endsOfTest.push(peer.close);
    const { ok, find, lines } = await examine({ config: writeConfig(), peerApi: [peer.address] });
    expect(lines.filter((line) => !line.startsWith("ok ") && line !== "warn clock")).toEqual([]);
    expect(ok).toBe(true);
    expect(find("clock")?.measured).toMatch(/^\d+ ms (behind|ahead of) the median of \d hosts, give or take \d+ ms$/);
    const [, offsetMs, withinMs] = /^(\d+) ms .* give or take (\d+) ms$/.exec(find("clock")?.measured ?? "") ?? [];
    expect(Number(offsetMs), "its own clock is among what may be").toBeLessThanOrEqual(Number(withinMs));
    expect(find("peers")?.measured).toBe("3 of 3 other members reached and proven");
    expect(find("redis")?.measured).toBe("it answers, and lets this user append rounds, append papers, look at them");
    expect(find("chain DEVCHAIN")?.measured).toMatch(/^3 of 3 endpoints agree on chain id 1, head \d s old$/);
    expect(find("venue kraken")?.measured).toBe("1 of 1 markets quoted");
    expect(redis.cli("DBSIZE").trim(), "nothing was appended to try it").toBe("0");
  });

  it("is known for itself while it runs, and somebody else in its place is not", async () => {
    await listenAs(0);
    const { find } = await examine({ config: writeConfig() });
    expect(find("listen")).toMatchObject({ verdict: "ok", measured: expect.stringMatching(/held by this node/) });
    const [node] = founded.nodes;
    const other = createTcpServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => other.listen(node?.apiPort, "127.0.0.1", resolve));
    endsOfTest.push(() => other.close());
    expect((await examine({ config: writeConfig() })).find("api")).toMatchObject({ verdict: "fail" });
    other.close();
    const own = await serve(network, [], node?.apiPort);
    endsOfTest.push(own.close);
    expect((await examine({ config: writeConfig() })).find("api")).toMatchObject({ verdict: "ok" });
  });
});

describe("what fails is named:", () => {
  it("nobody there, a member in another's place, and another network's API", async () => {
    await listenAs(1, 2);
    const other = await serve({ ...network, genesisConfigDigest: digestOf("other") }, []);
    endsOfTest.push(other.close);
    const { ok, find } = await examine({ config: writeConfig(), peerApi: [other.address] });
    expect(ok).toBe(false);
    expect(find("peer node1")).toMatchObject({
      verdict: "fail",
      measured: expect.stringMatching(/node2 answers there, not node1$/),
    });
    expect(find("peer node3")).toMatchObject({ verdict: "warn", measured: expect.stringMatching(/ECONNREFUSED/) });
    expect(find("peers")).toMatchObject({ verdict: "fail", measured: "0 of 3 other members reached and proven" });
    expect(find(`digest ${new URL(other.address).host}`)?.verdict).toBe("fail");
  });

  it("a password that opens nothing, a file that others may read, a secret that is not there", async () => {
    const [node] = founded.nodes;
    writeFileSync(join(node?.folder ?? "", "wrong"), "wrong\n");
    chmodSync(join(node?.folder ?? "", "wrong"), 0o644);
    const alerts = [{ url: "https://hooks.example", secretFile: "absent" }];
    const { find } = await examine({ config: writeConfig({ key: { file: "key.json", passwordFile: "wrong" }, alerts }) });
    expect(find("key")).toMatchObject({ verdict: "fail", measured: expect.stringMatching(/wrong password/) });
    expect(find("password file")).toMatchObject({ verdict: "warn", measured: expect.stringMatching(/mode 0644/) });
    expect(find("alert hooks.example")).toMatchObject({ verdict: "fail", measured: expect.stringMatching(/ENOENT/) });
    expect(find("redis")).toMatchObject({ verdict: "warn", measured: expect.stringMatching(/without the key/) });
  });

  it("venues that are down, a chain that nobody shows, a Redis that is away or forbids", async () => {
    const venues = Object.fromEntries(VENUES.map((venue) => [venue, { url: "http://127.0.0.1:1", requestsPerSecond: 50 }]));
    const nowhere = [1, 2, 3].map((port) => `http://127.0.0.1:${port}/v3/${SECRET}`);
    const away = { url: "redis://127.0.0.1:1", username: "node0", passwordFile: "redis.password" };
    const first = await examine({ config: writeConfig({ venues, rpc: { DEVCHAIN: nowhere }, redis: away }) });
    expect(first.find("venue kraken")).toMatchObject({
      verdict: "warn",
      measured: expect.stringMatching(/0 of 1 markets quoted: network/),
    });
    expect(first.find("feeds")).toMatchObject({ verdict: "fail", measured: "too few sources for BTC/USD" });
    expect(first.find("chain DEVCHAIN")).toMatchObject({ verdict: "fail", measured: "0 of 3 endpoints agree" });
    expect(first.find("redis")).toMatchObject({ verdict: "fail" });
    const forbids = { url: `redis://127.0.0.1:${redis.port}`, username: "edge", passwordFile: "redis.password" };
    expect((await examine({ config: writeConfig({ redis: forbids }) })).find("redis")).toMatchObject({
      verdict: "fail",
      measured: "it answers, and forbids this user to append rounds, append papers",
    });
    writeFileSync(join(founded.nodes[0]?.folder ?? "", "redis.wrong"), "not it\n", { mode: 0o600 });
    const wrong = { ...forbids, passwordFile: "redis.wrong" };
    expect((await examine({ config: writeConfig({ redis: wrong }) })).find("redis")).toMatchObject({
      verdict: "fail",
      measured: expect.stringMatching(/WRONGPASS/),
    });
  });

  it("a damaged store, a guard ahead of the clock", async () => {
    const path = join(folder, "store.sqlite");
    const store = openStore({ path, domain: network.domain });
    const round = Math.floor(Date.now() / 1_000);
    store.saveRound({ certified: certify({ network, round, verdicts: [verdict("BTC/USD", round * 1_000)] }) });
    store.recordSigned({ kind: "round", round: round + 3_600, configDigest: network.configDigest, digest: digestOf("x") });
    store.close();
    const ahead = await examine({ config: writeConfig({ storage: { path, rounds: 3_600, bodies: 3_600 } }) });
    expect(ahead.find("store")).toMatchObject({ verdict: "ok", measured: expect.stringMatching(/intact, 1 MiB, 1 round$/) });
    expect(ahead.find("guard")).toMatchObject({
      verdict: "warn",
      measured: expect.stringMatching(/3[56]\d\d s ahead of this clock/),
    });
    writeFileSync(path, "x".repeat(9_000));
    const damaged = await examine({ config: writeConfig({ storage: { path, rounds: 3_600, bodies: 3_600 } }) });
    expect(damaged.find("store")).toMatchObject({ verdict: "fail" });
  });

  it("a config that says nothing, alone", async () => {
    const { ok, lines, find } = await examine({ config: writeConfig({ listen: [] }) });
    expect(ok).toBe(false);
    expect(lines).toEqual(["ok runtime", "fail config"]);
    expect(find("config")?.measured).toMatch(/listen: expected at least one multiaddr/);
  });
});

describe("a gateway", () => {
  const write = (changes: Record<string, unknown>): string => {
    const path = join(folder, "gateway.yaml");
    const api = { host: "127.0.0.1", port: founded.nodes[0]?.apiPort };
    writeFileSync(path, stringify({ network: founded.networkFile, api, ...changes }));
    return path;
  };

  it("that follows two and may count in Redis", async () => {
    const nodes = [await serve(network, []), await serve(network, [])];
    endsOfTest.push(...nodes.map(({ close }) => close));
    writeFileSync(join(folder, "redis.password"), "secret\n", { mode: 0o600 });
    const settings = { url: `redis://127.0.0.1:${redis.port}`, username: "edge", passwordFile: "redis.password" };
    const follow = { http: nodes.map(({ address }) => address), redis: settings };
    const { ok, lines, find } = await examine({ gateway: write({ follow, limits: { redis: true } }) });
    expect(lines.filter((line) => !line.startsWith("ok ") && line !== "warn clock")).toEqual([]);
    expect(ok).toBe(true);
    expect(find("sources")?.measured).toBe("3 of 3 answer");
    expect(find("redis")?.measured).toBe("it answers, and lets this user read rounds, read papers, run scripts, count requests");
  });

  it("that follows one which requires a key: with it all is well, without it is said", async () => {
    const key = formatApiKey(new Uint8Array(32));
    const holder = { name: "edge", sha256: apiKeyDigest(key), requestsPerMinute: 100, streams: 1 };
    const { address, close } = await serve(network, [], 0, { access: { required: true, keys: [holder] } });
    endsOfTest.push(close);
    writeFileSync(join(folder, "edge.key"), `${key}\n`, { mode: 0o600 });
    const name = `follow ${new URL(address).host}`;
    for (const [entry, verdict] of [
      [{ url: address, keyFile: "edge.key" }, "ok"],
      [address, "warn"],
      [{ url: address, keyFile: "nowhere.key" }, "warn"],
    ] as const) {
      const { find } = await examine({ gateway: write({ follow: { http: [entry] } }) });
      expect(find(name)?.verdict).toBe(verdict);
    }
    const { find } = await examine({ gateway: write({ follow: { http: [{ url: address, keyFile: "nowhere.key" }] } }) });
    expect(find("api key")?.verdict).toBe("fail");
  });

  it("that hears nobody, or another network", async () => {
    const other = await serve({ ...network, genesisConfigDigest: digestOf("other") }, []);
    endsOfTest.push(other.close);
    const { ok, find } = await examine({ gateway: write({ follow: { http: [other.address, "http://127.0.0.1:1"] } }) });
    expect(ok).toBe(false);
    expect(find(`follow ${new URL(other.address).host}`)?.verdict).toBe("fail");
    expect(find("follow 127.0.0.1:1")?.verdict).toBe("warn");
    expect(find("sources")).toMatchObject({ verdict: "fail", measured: "0 of 2 answer" });
  });
});

it("the program prints a line a check, ends with 1 when one fails, and wants one config", async () => {
  const { code, stdout, stderr } = await spawnCli(["doctor", "--config", writeConfig({ listen: [] })]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ok {4}runtime {2}Node \d+\.\d+\.\d+\nFAIL {2}config {3}.*listen: .* → nothing else can be looked at/);
  expect(stderr).toBe("2 checks: 1 ok, 0 warnings, 1 failure\n");
  expect((await spawnCli(["doctor"])).stderr).toBe(
    "breakwater: --config: expected a node.yaml, or --gateway with a gateway.yaml\n",
  );
  expect((await spawnCli(["doctor", "--config", "x", "--peer-api", "bob"])).stderr).toMatch(
    /^breakwater: --peer-api: expected an http/,
  );
});
