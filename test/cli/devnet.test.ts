import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { DEVELOPMENT_CHAIN, openChain } from "../../cli/devnet/chain.ts";
import { startControl } from "../../cli/devnet/control.ts";
import { writeDevnet } from "../../cli/devnet/layout.ts";
import { readGatewayFile, readNetworkFile, readNodeFile } from "../../cli/files.ts";
import { adviseOperator } from "../../cli/node-advice.ts";
import { readKeyFile } from "../../node/io/keys.ts";

const folder = mkdtempSync(join(tmpdir(), "breakwater-cli-devnet-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const RPC = { ETHEREUM: ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b", "http://127.0.0.1:1/c"] };
const write = () =>
  writeDevnet({
    folder,
    nodes: 4,
    gatewayPort: 8080,
    apiPort: 8081,
    p2pPort: 9080,
    venues: {},
    rpc: RPC,
    addressSharedBy: 1,
    logLevel: "info",
  });

describe("the development network's files", () => {
  it("a gateway that follows every node and asks them what it cannot know", async () => {
    const { gateway, nodes, networkFile } = await write();
    const bases = nodes.map(({ api }) => ({ url: api }));
    expect(gateway).toMatchObject({ name: "gateway", api: "http://127.0.0.1:8080" });
    expect(readGatewayFile(gateway.configFile)).toMatchObject({
      ...{ network: networkFile, follow: { http: bases }, forward: bases },
      storage: { rounds: 3_600 },
    });
  });

  it("a chain with quick blocks, the staked asset's peg, and governance as BREAKER.md has it, only quicker", async () => {
    const { networkFile, nodes, keyholders } = await write();
    const network = readNetworkFile(networkFile);
    const { chains, references, governance, feeds } = network.config;
    expect(chains).toMatchObject([DEVELOPMENT_CHAIN]);
    expect(references.map(({ name }) => name)).toEqual(["wsteth-rate"]);
    expect(feeds.find(({ feed }) => feed === "WSTETH/ETH")?.peg).toEqual({ rate: "wsteth-rate" });
    expect(governance).toMatchObject({ quorum: 3, timelockMs: 30_000, shadowMs: 10_000, replayRounds: 300 });
    const { governors, guardians } = governance;
    expect([governors.length, guardians.length]).toEqual([5, 3]);
    expect([...governors, ...guardians]).toEqual(keyholders.map(({ name, address }) => ({ name, address })));
    for (const { configFile } of nodes) {
      const config = readNodeFile(configFile);
      expect(config.rpc).toEqual(RPC);
      expect(adviseOperator(config, network.config)).toEqual([]);
    }
  });

  it("keyholders' keys open with their passwords, are their owner's alone, and stay", async () => {
    const { keyholders, networkFile } = await write();
    const before = readNetworkFile(networkFile).genesisConfigDigest;
    for (const { home, address } of keyholders) {
      const password = readFileSync(join(home, "password"), "utf8").trim();
      expect((await readKeyFile(join(home, "key.json"), password)).address).toBe(address);
      for (const file of ["password", "key.json"]) expect(statSync(join(home, file)).mode & 0o077).toBe(0);
    }
    await write();
    expect(readNetworkFile(networkFile).genesisConfigDigest).toBe(before);
  });
});

describe("the control API's chain", () => {
  const children = { start: () => false, pid: () => undefined, stop: async () => undefined };

  async function open(chains: Parameters<typeof startControl>[0]["chains"]) {
    const port = await freePort();
    const control = await startControl({ port, nodes: [], gateways: [], children, world: undefined, chains });
    closing.push(control.close);
    return async (method: "GET" | "POST", body?: object) => {
      const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
      const reply = await fetch(`http://127.0.0.1:${port}/chain`, { method, ...init });
      return { status: reply.status, json: await reply.json() };
    };
  }

  it("shows the chain, moves it, and names a field at fault", async () => {
    const chain = await openChain();
    closing.push(chain.stop);
    const ask = await open(chain);
    const moved = { chain: "ETHEREUM", baseFeeGwei: 900, headAgeMs: 60_000 };
    expect(await ask("GET")).toMatchObject({ status: 200, json: [{ chain: "ETHEREUM", baseFeeGwei: "30", headAgeMs: 0 }] });
    expect(await ask("POST", moved)).toMatchObject({ status: 200, json: [{ ...moved, baseFeeGwei: "900" }] });
    expect(await ask("GET")).toMatchObject({ json: [{ baseFeeGwei: "900", headAgeMs: 60_000 }] });
    expect(await ask("POST", { chain: "MARS", waitMs: 1 })).toMatchObject({
      status: 400,
      json: { detail: "chain: expected one of ETHEREUM" },
    });
    expect(await ask("POST", { chain: "ETHEREUM", waitMs: "1" })).toMatchObject({
      status: 400,
      json: { detail: expect.stringMatching(/^waitMs: /) },
    });
  });

  it("is not there beside a live market", async () => {
    const ask = await open(undefined);
    for (const method of ["GET", "POST"] as const)
      expect(await ask(method, method === "POST" ? {} : undefined)).toMatchObject({ status: 409 });
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
