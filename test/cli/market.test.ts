import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, it } from "vitest";
import { parse } from "yaml";
import { ADAPTERS } from "../../adapters/index.ts";
import { marketCommand } from "../../cli/commands/market.ts";
import { parseNodeConfig } from "../../node/node-config.ts";
import { freePorts } from "../e2e/ports.ts";
import { MAIN, run, spawnCli } from "./session.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** What a node.yaml says before the exchanges are pasted in. */
const NODE = {
  ...{ network: "network.yaml", key: { file: "key.json" }, listen: ["/ip4/127.0.0.1/tcp/9001"], api: { port: 8081 } },
  storage: { path: "store.sqlite" },
};

it("prints what node.yaml needs once all of it answers, and ends on SIGTERM", { timeout: 60_000 }, async () => {
  const { api } = await freePorts();
  const market = spawn(process.execPath, [MAIN, "market", ...ports(api)]);
  closing.push(() => market.kill("SIGKILL"));
  const printed = await untilPrinted(market, /^rpc:\n[\s\S]*\/2\n$/m);
  const { venues, rpc } = parse(printed) as { venues: Record<string, { url: string }>; rpc: Record<string, string[]> };
  expect(parseNodeConfig({ ...NODE, venues, rpc }).ok).toBe(true);
  expect(Object.keys(ADAPTERS)).toEqual(expect.arrayContaining(Object.keys(venues)));

  const quoted = await fetch(`${venues.kraken?.url}/0/public/Ticker?pair=XBTUSD`);
  expect(quoted.status).toBe(200);
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_blockNumber", params: [] });
  const head = await fetch(rpc.ETHEREUM?.[1] ?? "", { method: "POST", headers: { "content-type": "application/json" }, body });
  expect(await head.json()).toMatchObject({ id: 1, result: expect.stringMatching(/^0x[0-9a-f]+$/) });
  const control = await fetch(`http://127.0.0.1:${api + 2}/market`);
  expect(await control.json()).toMatchObject({ feeds: expect.arrayContaining([expect.objectContaining({ feed: "LINK/USD" })]) });

  market.kill("SIGTERM");
  expect(await once(market, "exit")).toEqual([0, null]);
});

it("names a port that is taken and leaves nothing running", { timeout: 60_000 }, async () => {
  const { api } = await freePorts();
  const taken = createServer().listen(api + 1, "127.0.0.1");
  await once(taken, "listening");
  closing.push(() => taken.close());
  const ended = await spawnCli(["market", ...ports(api)]);
  expect(ended).toMatchObject({ code: 1, stdout: "" });
  expect(ended.stderr).toBe(`breakwater: port ${api + 1} is taken: end what listens there, or choose another\n`);
});

it.each([
  ["--port", "0"],
  ["--port", "65536"],
  ["--rpc-port", "x"],
  ["--block-ms", "999"],
  ["--seed", "-1"],
])("refuses %s %s", async (flag, value) => {
  await expect(run(marketCommand(), flag, value)).rejects.toThrow(/expected/);
});

function ports(first: number): readonly string[] {
  return ["--port", `${first}`, "--rpc-port", `${first + 1}`, "--control-port", `${first + 2}`];
}

async function untilPrinted(process: ChildProcess, pattern: RegExp): Promise<string> {
  let text = "";
  for await (const chunk of process.stdout ?? []) {
    text += String(chunk);
    if (pattern.test(text)) return text;
  }
  throw new Error(`ended without it: ${text}`);
}
