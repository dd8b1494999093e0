import { join } from "node:path";

export type WelcomeNode = {
  readonly name: string;
  readonly pid: number | undefined;
  readonly address: string;
  readonly api: string;
};

/** What a newcomer reads first: what is running, where, and what to try next. */
export function welcome({
  api,
  control,
  market,
  simulated,
  folder,
  nodes,
}: {
  readonly api: string;
  readonly control: string;
  readonly market: string;
  readonly simulated: boolean;
  readonly folder: string;
  readonly nodes: readonly WelcomeNode[];
}): string {
  const rows = nodes.map(
    ({ name, pid, address, api: own }) => `    ${name}  pid ${String(pid ?? "-").padEnd(7)} ${address}  ${own}`,
  );
  return [
    "Breakwater development network: four nodes that sign prices and liquidation verdicts together, one round a second.",
    "",
    `  Market    ${market}`,
    `  Dashboard ${api}/`,
    `  API       ${api}/v1/feeds   docs ${api}/docs   metrics ${api}/metrics`,
    "            a gateway: it holds no key, follows all four nodes, verifies every round, and outlives any of them",
    `  Control   ${control}/nodes`,
    "  Nodes     each a process of its own, with its own key, store and API",
    ...rows,
    `  Files     ${folder}  (network.yaml, a folder a node with node.yaml, store.sqlite, node.log, and the gateway's)`,
    `  Governing ${join(folder, "keyholders")}  (a folder each with key.json and password: governor0 to governor4, of whom`,
    "            three change anything after 30 s and 10 s of matching prices; guardian0 to guardian2, who pause at once;",
    "            docs/governance.md says how)",
    "",
    "  The breaker's times are shortened for development: a quote counts 5 s, stale after 20 s, agreement 10 s, probe 10 s,",
    "  lease 15 s, blocks of the chain 1 s. A new feed starts open and closes after about 15 s; until then it permits less, and that is as it should be.",
    "",
    "  Try, in another terminal:",
    `    npm run -s breakwater -- status --url ${api}`,
    `    npm run -s breakwater -- verify ${api}/v1/feeds/ETH-USD`,
    `    curl -N '${api}/v1/stream?feeds=ETH-USD,BTC-USD'`,
    ...(simulated
      ? [
          `    curl -s -X POST ${control}/market -H 'content-type: application/json' -d '{"feed":"LINK/USD","moveBps":-2000,"overMs":0}'`,
          `    curl -s -X POST ${control}/chain -H 'content-type: application/json' -d '{"chain":"ETHEREUM","baseFeeGwei":900,"headAgeMs":60000}'`,
          `    curl -s -X POST ${control}/faults -H 'content-type: application/json' -d '{"venue":"binance","fault":"offset","bps":-3000}'`,
        ]
      : []),
    `    kill -9 ${nodes[0]?.pid ?? "<pid>"}    and then    curl -s -X POST ${control}/nodes/${nodes[0]?.name ?? "node0"}/start`,
    "",
    "  Ctrl-C ends all of it.",
  ].join("\n");
}
