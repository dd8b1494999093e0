import { describe, expect, it } from "vitest";
import { adviseOperator } from "../../cli/node-advice.ts";
import { type NodeConfig, parseNodeConfig } from "../../node/node-config.ts";
import { governance, governedNetwork } from "../support/governance.ts";
import { testNetwork } from "../support/network.ts";

const URLS = ["https://a.example/secret-key", "https://b.example", "https://c.example"];

function nodeOf(storage: { readonly rounds?: number; readonly bodies?: number }, rpc: object = {}): NodeConfig {
  const parsed = parseNodeConfig({
    ...{ network: "network.yaml", key: { file: "key.json" }, listen: ["/ip4/127.0.0.1/tcp/9000"], api: { port: 8080 } },
    ...{ storage: { path: "store.sqlite", ...storage }, rpc },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const REPLAY_ROUNDS = 1_000;
/** An hour of rounds more. */
const NEEDED = { 1000: 4_600, 7000: 1_515 };
const network = (roundMs: 1_000 | 7_000) =>
  governedNetwork({ roundMs, governance: { ...governance(), replayRounds: REPLAY_ROUNDS } }).config;

describe("what does not fit the config in force", () => {
  it("nothing of a node that keeps what it is told to by default", () => {
    expect(adviseOperator(nodeOf({}), governedNetwork().config)).toEqual([]);
  });

  it.each([1_000, 7_000] as const)("fewer bodies than a replay takes, and an hour more, with rounds of %i ms", (roundMs) => {
    const needed = NEEDED[roundMs];
    const config = network(roundMs);
    expect(adviseOperator(nodeOf({ bodies: needed }), config)).toEqual([]);
    expect(adviseOperator(nodeOf({ bodies: needed - 1 }), config)).toEqual([
      {
        fields: { kept: needed - 1, needed },
        text:
          "storage: too few for the replay of 1000 rounds by which a config is judged: this node agrees with none; " +
          `set storage.bodies and storage.rounds to at least ${needed}`,
      },
    ]);
  });

  it("fewer rounds than that: a body goes with its round", () => {
    const advice = adviseOperator(nodeOf({ rounds: 4_599 }), network(1_000));
    expect(advice.map(({ fields }) => fields)).toEqual([{ kept: 4_599, needed: 4_600 }]);
  });

  it("a network that no governor can change replays nothing", () => {
    expect(adviseOperator(nodeOf({ bodies: 60 }), testNetwork().config)).toEqual([]);
  });

  it("endpoints of a chain that the network does not declare, without their keys", () => {
    const { config } = testNetwork({ chains: [{ chain: "ETHEREUM", blockMs: 12_000 }] });
    const advice = adviseOperator(nodeOf({}, { ETHEREUM: URLS, BASE: URLS }), config);
    expect(advice.map(({ fields }) => fields)).toEqual([{ chain: "BASE" }]);
    expect(JSON.stringify(advice)).toMatch(/rpc\.BASE: the config in force declares no such chain/);
    expect(JSON.stringify(advice)).not.toContain("secret-key");
  });
});
