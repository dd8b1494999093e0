import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verifyCommand } from "../../cli/commands/verify.ts";
import { feedDocumentSchema } from "../../protocol/document.ts";
import { run, session, spawnCli } from "../cli/session.ts";
import { isAlive, request, startDevnet, useDevnet, within } from "./devnet.ts";
import { flipProof } from "./flips.ts";
import { type DevnetPorts, freePorts, isFree } from "./ports.ts";

const START_MS = 60_000;
const REAP_MS = 10_000;
/** Every third character is flipped; every 25th of the flips is judged by digest, which costs a request. */
const FLIP_EVERY = 3;
const DIGEST_EVERY = 25;

const startedAt = Date.now();
const devnet = useDevnet();

type FeedList = {
  readonly feeds: readonly {
    readonly feed: string;
    readonly price: string | null;
    readonly validUntil: number | null;
    readonly breaker: { readonly state: string; readonly reasons: readonly object[] } | null;
  }[];
};

it("within a minute every feed has a price, a closed breaker and a lease that runs", async () => {
  const { feeds } = await devnet().get<FeedList>("/v1/feeds");
  expect(Date.now() - startedAt).toBeLessThan(START_MS);
  expect(feeds.map(({ feed }) => feed)).toEqual(
    expect.arrayContaining(["BTC/USD", "ETH/USD", "USDC/USD", "WSTETH/ETH", "CRV/USD"]),
  );
  for (const { feed, price, validUntil, breaker } of feeds) {
    expect(Number(price), feed).toBeGreaterThan(0);
    expect(breaker, feed).toMatchObject({ state: "closed", reasons: [] });
    expect(validUntil, feed).toBeGreaterThan(Date.now());
  }
});

it("the terminal names every port and node, and what it tells a newcomer to try works", async () => {
  const { ports, output, nodes } = devnet();
  const greeting = output();
  for (const text of [
    `:${ports.api}/v1/feeds`,
    `:${ports.api}/docs`,
    `:${ports.control}/nodes`,
    "simulated",
    "Ctrl-C",
    "not real prices",
  ]) {
    expect(greeting).toContain(text);
  }
  for (const { name, pid, address, api } of await nodes())
    expect(greeting).toMatch(new RegExp(`${name} +pid ${pid} +${address} +${api}`));
  const suggested = [...greeting.matchAll(/npm run -s breakwater -- (.+)/g)].map(([, line = ""]) => line.split(" "));
  expect(suggested.map(([command]) => command)).toEqual(["status", "verify"]);
  for (const args of suggested) {
    const { code, stdout, stderr } = await spawnCli(args[0] === "status" ? [...args, "--once"] : args);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("ETH/USD");
  }
  for (const [, url = ""] of greeting.matchAll(/(http:\/\/localhost:\d+\/(?:v1\/feeds|docs|metrics|nodes))(?=\s)/g)) {
    expect((await request(url)).status, url).toBe(200);
  }
});

describe("breakwater verify", () => {
  it("proves the running network's feed, and says whose word that rests on", async () => {
    const url = `${devnet().api}/v1/feeds/ETH-USD`;
    const { code, stdout, stderr } = await spawnCli(["verify", url]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("the answering host's own word");
    for (const part of ["shape", "fields", "path", "signatures"]) expect(stdout).toContain(`✓ ${part}`);
    const { genesisConfigDigest } = await devnet().get<{ genesisConfigDigest: string }>("/v1/committee");
    const given = await spawnCli(["verify", url, "--genesis", genesisConfigDigest]);
    expect(given.code, given.stderr).toBe(0);
    expect(given.stdout).not.toContain("own word");
    const other = await spawnCli([
      "verify",
      url,
      "--genesis",
      genesisConfigDigest.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")),
    ]);
    expect(other.code).toBe(1);
  });

  it("fails for any one byte flipped in report, path, header or signatures, and names the part", async () => {
    const document = feedDocumentSchema.parse(await devnet().get("/v1/feeds/ETH-USD"));
    const { genesisConfigDigest } = await devnet().get<{ genesisConfigDigest: string }>("/v1/committee");
    const byFile = ["--committee", join(devnet().folder, "network.yaml")];
    const byDigest = ["--genesis", genesisConfigDigest, "--host", devnet().api];
    const file = join(devnet().folder, "eth.json");
    const refusal = async (text: string, trust: readonly string[]): Promise<string> => {
      await writeFile(file, text);
      const command = run(verifyCommand(session()), file, ...trust);
      return command.then(
        () => "nothing",
        (error: unknown) => String(error),
      );
    };
    for (const trust of [byFile, byDigest]) expect(await refusal(JSON.stringify(document), trust)).toBe("nothing");

    const flips = flipProof(document, FLIP_EVERY);
    expect(flips.length).toBeGreaterThan(400);
    for (const [index, { part, at, text }] of flips.entries()) {
      const says = await refusal(text, index % DIGEST_EVERY === 0 ? byDigest : byFile);
      expect(/not proven: (?:shape: proof\.)?(\w+)/.exec(says)?.[1]?.replace("signatures", "signature"), `${at}: ${says}`).toBe(
        part.replace("signatures", "signature"),
      );
    }
    await writeFile(file, flips.at(-1)?.text ?? "");
    const { code, stderr } = await spawnCli(["verify", file, ...byFile]);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(/signature/)]);
  });
});

describe("bad input over HTTP is a problem document that names the thing", () => {
  const rows: readonly (readonly [call: string, status: number, says: RegExp])[] = [
    ["GET /v1/feeds/ETH-EUR", 404, /ETH-EUR/],
    ["GET /v1/feeds/ETH-EUR/history", 404, /ETH-EUR/],
    ["GET /v1/feeds/ETH-EUR/sources", 404, /ETH-EUR/],
    ["GET /v1/bundle?feeds=ETH-USD,ETH-EUR", 404, /ETH-EUR/],
    ["GET /v1/stream?feeds=ETH-EUR", 404, /ETH-EUR/],
    ["GET /v1/rounds/1", 404, /round 1\b/],
    ["GET /v1/nothing", 404, /routes/],
    ["GET /v1/bundle", 400, /feeds: expected/],
    ["GET /v1/feeds/ETH-USD/history?limit=0", 400, /limit: expected/],
    ["GET /v1/feeds/ETH-USD/history?limit=many", 400, /limit: expected/],
    ["GET /v1/feeds/ETH-USD/history?from=2&to=1", 400, /from: expected/],
    ["GET /v1/feeds/ETH-USD?fresh=1", 400, /fresh/],
    ["GET /v1/rounds/latest?body=yes", 400, /body: expected/],
    ["GET /v1/rounds/-1", 400, /round: expected/],
    ["GET /v1/evidence?limit=1e9", 400, /limit: expected/],
    ["POST /v1/feeds", 405, /GET/],
    ["DELETE /v1/feeds/ETH-USD", 405, /GET/],
  ];
  it.each(rows)("%s: %i %s", async (call, status, says) => {
    const [method = "", path = ""] = call.split(" ");
    for (const base of [devnet().api, (await devnet().nodes())[0]?.api ?? ""]) {
      const reply = await request(base + path, { method });
      expect(reply.headers.get("content-type"), reply.text).toContain("application/problem+json");
      expect(reply.json).toMatchObject({ status, detail: expect.stringMatching(says) });
      expect(reply.status).toBe(status);
    }
  });
});

describe("the control API names the field at fault, and nothing of a refused command happens", () => {
  const rows: readonly (readonly [call: string, body: unknown, status: number, says: RegExp])[] = [
    ["POST /market", { feed: "ETH/EUR", moveBps: 1, overMs: 0 }, 400, /^feed: .*ETH\/EUR/],
    ["POST /market", { feed: "ETH/USD", moveBps: -10_000 }, 400, /^moveBps: /],
    ["POST /market", { feed: "ETH/USD", moveBps: 1, price: "1" }, 400, /^moveBps: /],
    ["POST /market", { feed: "ETH/USD" }, 400, /^moveBps: .*price/],
    ["POST /market", { feed: "ETH/USD", price: "-1" }, 400, /^price: /],
    ["POST /market", { feed: "ETH/USD", price: "1", overMs: -1 }, 400, /^overMs: /],
    ["POST /market", { feed: "ETH/USD", moveBps: 1, soon: true }, 400, /^soon: /],
    ["POST /market", [], 400, /expected/],
    ["POST /faults", { venue: "nowhere", fault: "down" }, 400, /^venue: expected one of .*binance/],
    ["POST /faults", { venue: "binance", fault: "sleepy" }, 400, /^fault: expected one of offset/],
    ["POST /faults", { venue: "binance", market: "ETH/EUR", fault: "down" }, 400, /^market: binance lists .*ETH\/USDT/],
    ["POST /faults", { venue: "binance", fault: "offset" }, 400, /^bps: /],
    ["POST /faults", { venue: "binance", fault: "status", status: 200 }, 400, /^status: /],
    ["POST /faults", { venue: "binance", fault: "latency", ms: 0 }, 400, /^ms: /],
    ["POST /nodes/node9/start", undefined, 404, /node9.*node0/],
    ["POST /nodes/node0/start", undefined, 409, /node0 is running/],
    ["GET /weather", undefined, 404, /GET \/weather/],
    ["DELETE /market", undefined, 404, /DELETE \/market/],
  ];
  it.each(rows)("%s %j: %i %s", async (call, body, status, says) => {
    const [method = "", path = ""] = call.split(" ");
    const init =
      body === undefined ? { method } : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const reply = await request(devnet().control + path, init);
    expect(reply.json, reply.text).toMatchObject({ status, detail: expect.stringMatching(says) });
    expect(reply.status).toBe(status);
    const world = await request(`${devnet().control}/faults`);
    expect(world.json).toMatchObject({ faults: [] });
  });

  it("a body that is not JSON", async () => {
    const reply = await request(`${devnet().control}/market`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{",
    });
    expect(reply.status).toBe(400);
  });
});

describe("a taken port is one line and exit code 1, and nothing is left running", () => {
  const rows: readonly (readonly [
    what: string,
    taken: (own: DevnetPorts, free: DevnetPorts) => DevnetPorts,
    port: (own: DevnetPorts) => number,
  ])[] = [
    ["API", (own, free) => ({ ...free, api: own.api }), (own) => own.api],
    ["a node's API", (own, free) => ({ ...free, api: own.api - 3 }), (own) => own.api],
    ["control", (own, free) => ({ ...free, control: own.control }), (own) => own.control],
    ["a node's p2p", (own, free) => ({ ...free, p2p: own.p2p + 3 }), (own) => own.p2p + 3],
  ];
  it.concurrent.each(rows)("%s", async (_, take, portOf) => {
    const own = devnet().ports;
    const ports = take(own, await freePorts());
    const flags = ["--port", ports.api, "--control-port", ports.control, "--p2p-port", ports.p2p].map(String);
    const { code, stdout, stderr } = await spawnCli(["devnet", "--market", "simulated", ...flags]);
    expect(code, stderr).toBe(1);
    expect(stdout).toBe("");
    expect(stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(new RegExp(`^breakwater: port ${portOf(own)} is taken: .*--port`)),
    ]);
    const opened = [ports.api, ports.api + 1, ports.control, ports.p2p, ports.p2p + 3].filter(
      (port) => port < own.api || port > own.p2p + 3,
    );
    expect(opened.length).toBeGreaterThan(2);
    for (const port of opened) expect(await isFree(port), `port ${port}`).toBe(true);
  });
});

describe("the end", () => {
  it("Ctrl-C (SIGINT to every process of the terminal) ends all of it with exit code 0", async () => {
    const net = await startDevnet({ until: "announced", group: true });
    try {
      await ends(net, () => process.kill(-(net.process.pid ?? 0), "SIGINT"), { code: 0, signal: null });
      expect(
        net
          .output()
          .split("\n")
          .filter((line) => /ended \(/.test(line)),
      ).toEqual([]);
    } finally {
      await net.stop();
    }
  });

  it("SIGINT to the parent alone reaps every child, exit code 0", async () => {
    const net = devnet();
    await ends(net, () => net.process.kill("SIGINT"), { code: 0, signal: null });
    expect(net.output()).toContain("stopping …");
  });

  it.each(["while they start", "once they run"])(
    "kill -9 of the parent: its children end themselves within seconds, %s",
    async (when) => {
      const net = await startDevnet({ until: "announced" });
      try {
        const apis = (await net.nodes()).map(({ api }) => api);
        const isLive = async (api: string): Promise<boolean> =>
          (await request(`${api}/health/live`).catch(() => undefined))?.status === 200;
        const allLive = async (): Promise<boolean> => (await Promise.all(apis.map(isLive))).every(Boolean);
        if (when === "once they run") await within(30_000, "every node's API", allLive);
        await ends(net, () => net.process.kill("SIGKILL"), { code: null, signal: "SIGKILL" });
      } finally {
        await net.stop();
      }
    },
  );
});

async function ends(net: Awaited<ReturnType<typeof startDevnet>>, kill: () => void, how: object): Promise<void> {
  const pids = (await net.nodes()).flatMap(({ pid }) => pid ?? []);
  expect(pids.length).toBe(4);
  expect(pids.every(isAlive)).toBe(true);
  kill();
  let left: readonly number[] = pids;
  const gone = async (): Promise<boolean> => {
    left = pids.filter(isAlive);
    return left.length === 0;
  };
  await within(REAP_MS, "every child gone", gone, () => `; left: ${left.join(", ")}`);
  expect(await net.ended).toEqual(how);
  const { api, control, p2p } = net.ports;
  for (const port of [api, api + 1, api + 4, control, p2p, p2p + 3])
    expect(await isFree(port), `port ${port} is free again`).toBe(true);
}
