import { afterEach, describe, expect, test } from "vitest";
import { ONE } from "../../../protocol/amount.ts";
import { ok } from "../../../protocol/result.ts";
import { CALM, createSimulatedChain } from "../../../simulator/chain/chain.ts";
import { type ControlledChains, controlChain } from "../../../simulator/chain/control.ts";
import { answerRpc } from "../../../simulator/chain/json-rpc.ts";
import { startRpcServer } from "../../../simulator/io/rpc-server.ts";
import { openWatch, until } from "../../adapters/chain/rig.ts";
import { feedId } from "../../support/rounds.ts";

const T = 1_700_000_000_000;
const contracts = { rate: `0x${"aa".repeat(20)}`, uptime: `0x${"bb".repeat(20)}` } as const;
const open = (startAt = T) => createSimulatedChain({ name: "ETHEREUM", blockMs: 1_000, contracts, startAt });

describe("a simulated chain", () => {
  test("blocks are the clock's, so a restart goes on", () => {
    const chain = open();
    expect(chain.head()).toEqual({ number: T / 1_000, at: T });
    chain.advance(T + 2_700);
    expect(chain.head()).toEqual({ number: T / 1_000 + 2, at: T + 2_000 });
    expect(open(T + 2_700).head()).toEqual(chain.head());
    chain.advance(T);
    expect(chain.head().at).toBe(T + 2_000);
  });

  test("an old head stays as old as it was set", () => {
    const chain = open();
    chain.set({ headAgeMs: 60_000 }, T + 10_000);
    expect(chain.head().at).toBe(T - 50_000);
    chain.advance(T + 15_000);
    expect(chain.head().at).toBe(T - 45_000);
    chain.set({ headAgeMs: 0 }, T + 15_000);
    expect(chain.head().at).toBe(T + 15_000);
  });

  test("transactions arrive, and are in the block that is due", () => {
    const chain = open();
    chain.advance(T + 500);
    const [first] = chain.pending();
    expect(first?.arrivedAt).toBe(T + 500);
    chain.advance(T + 1_000);
    expect(chain.transaction(first?.hash ?? "0x")).toMatchObject({ block: T / 1_000 + 1 });
    expect(chain.pending()).toHaveLength(0);
  });

  test("a wait, or an old head, holds them back", () => {
    for (const held of [{ waitMs: 30_000 }, { headAgeMs: 30_000 }]) {
      const chain = open();
      chain.set(held, T);
      chain.advance(T + 29_999);
      const [first] = chain.pending();
      expect(chain.pending()).toHaveLength(59);
      chain.advance(T + 31_000);
      expect(chain.transaction(first?.hash ?? "0x")?.block).toBeDefined();
    }
  });

  test("a long sleep is not caught up with, a long wait is bounded", () => {
    const chain = open();
    chain.set({ waitMs: 600_000 }, T);
    chain.advance(T + 10_000_000);
    expect(chain.pending().length).toBeLessThanOrEqual(256);
  });
});

describe("its JSON-RPC", () => {
  const chain = open();
  const ask = (body: unknown) => JSON.parse(answerRpc(chain, typeof body === "string" ? body : JSON.stringify(body))) as unknown;
  const rows: readonly (readonly [name: string, body: unknown, code: number])[] = [
    ["no JSON", "{", -32700],
    ["an empty batch", [], -32600],
    ["a batch too long", Array.from({ length: 101 }, () => ({})), -32600],
    ["no method", { id: 1 }, -32600],
    ["params that are no list", { id: 1, method: "eth_call", params: {} }, -32600],
    ["an unknown method", { id: 1, method: "eth_sendTransaction" }, -32601],
    ["a name of every object", { id: 1, method: "toString" }, -32601],
    ["a history of nothing", { id: 1, method: "eth_feeHistory", params: ["0x0", "latest", []] }, -32602],
    ["a call of nobody", { id: 1, method: "eth_call", params: [] }, -32602],
    ["a hash that is none", { id: 1, method: "eth_getTransactionByHash", params: ["0x1"] }, -32602],
    [
      "a function that the contract lacks",
      { id: 1, method: "eth_call", params: [{ to: contracts.rate, data: "0x12345678" }] },
      3,
    ],
  ];
  test.each(rows)("%s", (_, body, code) => expect(ask(body)).toMatchObject({ error: { code } }));
  test("its id, by which endpoints of one chain are told from another's", () => {
    expect(ask({ id: 1, method: "eth_chainId" })).toMatchObject({ result: "0x539" });
  });
  test("an address without code", () => {
    const to = `0x${"cc".repeat(20)}`;
    expect(ask({ id: 1, method: "eth_call", params: [{ to, data: "0x" }, "latest"] })).toMatchObject({ result: "0x" });
  });
  test("a block that is not kept", () => {
    expect(ask({ id: 1, method: "eth_getBlockByNumber", params: ["0x1", false] })).toMatchObject({ result: null });
  });
});

describe("POST /chain", () => {
  const calls: unknown[] = [];
  const chains: ControlledChains = {
    set: (...call) => {
      calls.push(call);
      return ok(undefined);
    },
    state: () => [],
  };
  afterEach(() => void calls.splice(0));

  test.each([
    [
      { chain: "ETHEREUM", baseFeeGwei: 900, headAgeMs: 60_000 },
      { baseFeeGwei: 900n * ONE, headAgeMs: 60_000 },
    ],
    [{ chain: "ETHEREUM", baseFeeGwei: "0.5" }, { baseFeeGwei: ONE / 2n }],
    [
      { chain: "ETHEREUM", waitMs: 5_000, sequencer: "down", rate: "1.3" },
      { waitMs: 5_000, sequencer: "down", rate: (13n * ONE) / 10n },
    ],
  ])("%j", (body, change) => {
    expect(controlChain(chains, body)).toEqual(ok([]));
    expect(calls).toEqual([["ETHEREUM", change]]);
  });

  test.each([
    [undefined, "body"],
    [{ chain: "ETHEREUM" }, "body"],
    [{ baseFeeGwei: 900 }, "chain"],
    [{ chain: "ETHEREUM", baseFeeGwei: -1 }, "baseFeeGwei"],
    [{ chain: "ETHEREUM", baseFeeGwei: "1e3" }, "baseFeeGwei"],
    [{ chain: "ETHEREUM", baseFeeGwei: "1000001" }, "baseFeeGwei"],
    [{ chain: "ETHEREUM", headAgeMs: 3_600_001 }, "headAgeMs"],
    [{ chain: "ETHEREUM", headAgeMs: 1.5 }, "headAgeMs"],
    [{ chain: "ETHEREUM", waitMs: -1 }, "waitMs"],
    [{ chain: "ETHEREUM", sequencer: "sideways" }, "sequencer"],
    [{ chain: "ETHEREUM", rate: "0" }, "rate"],
    [{ chain: "ETHEREUM", rate: 1.2 }, "rate"],
    [{ chain: "ETHEREUM", basefee: 1 }, "basefee"],
  ])("%j is refused for its %s", (body, field) => {
    expect(controlChain(chains, body)).toMatchObject({ ok: false, error: { field } });
    expect(calls).toEqual([]);
  });
});

describe("the development network's chain, as a node sees it", () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  test("every gauge, at rest and as control moves them", async () => {
    const server = await startRpcServer({ chains: [open(Date.now())], now: Date.now });
    closing.push(server.stop);
    const rate = {
      kind: "exchange-rate",
      contract: contracts.rate,
      method: "stEthPerToken",
      decimals: 18,
      shareDecimals: 18,
    } as const;
    const { watch, heard } = openWatch({
      chains: [{ chain: "ETHEREUM", blockMs: 1_000, feeFloorGwei: "20", uptimeFeed: contracts.uptime, liquidateNone: false }],
      references: [{ name: "wsteth-rate", chain: "ETHEREUM", market: feedId("WSTETH/STETH"), read: rate }],
      endpoints: server.endpoints,
    });
    closing.push(watch.stop);
    watch.start();
    const value = (gauge: string) => watch.gauges().find((entry) => entry.gauge === gauge)?.value;
    await until(() => value("wait.ETHEREUM") !== undefined);
    expect(watch.gauges().map(({ gauge }) => gauge)).toEqual(
      ["fee", "head", "rate", "seq", "wait"].map((kind) => `${kind}.${kind === "rate" ? "wsteth-rate" : "ETHEREUM"}`),
    );
    expect(value("fee.ETHEREUM")).toBe(CALM.baseFeeGwei);
    expect(value("seq.ETHEREUM")).toBe(0n);
    expect(value("rate.wsteth-rate")).toBe(CALM.rate);
    expect(value("wait.ETHEREUM")).toBeLessThan(3_000n);
    expect(Date.now() - Number(value("head.ETHEREUM"))).toBeLessThan(4_000);
    expect(heard.lines).toEqual([]);
    const body = { chain: "ETHEREUM", baseFeeGwei: 900, headAgeMs: 60_000, waitMs: 20_000, sequencer: "down", rate: "1.1" };
    expect(controlChain(server, body)).toMatchObject({ ok: true, value: [{ ...body, baseFeeGwei: "900" }] });
    await until(() => value("fee.ETHEREUM") === 900n * ONE && value("seq.ETHEREUM") === 1n);
    expect(value("rate.wsteth-rate")).toBe((11n * ONE) / 10n);
    expect(Date.now() - Number(value("head.ETHEREUM"))).toBeGreaterThanOrEqual(60_000);
    await until(() => (value("wait.ETHEREUM") ?? 0n) > 1_500n);
    expect(controlChain(server, { chain: "MARS", waitMs: 1 })).toMatchObject({ ok: false, error: { field: "chain" } });
  });
});
