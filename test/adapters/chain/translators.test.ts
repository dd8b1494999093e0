import { describe, expect, test } from "vitest";
import type { Fault, FaultCode } from "../../../adapters/adapter.ts";
import { aggregatorProbe } from "../../../adapters/chain/aggregator-v3.ts";
import { exchangeRateProbe } from "../../../adapters/chain/exchange-rate.ts";
import { feeHistoryProbe } from "../../../adapters/chain/fee-history.ts";
import { blockGapMs, headProbe } from "../../../adapters/chain/head.ts";
import { dataOf, encodeBatch, type Probe, quantityOf, type RpcAnswer, readBatch } from "../../../adapters/chain/json-rpc.ts";
import { pendingProbe, standingProbe } from "../../../adapters/chain/pending.ts";
import { MAX_TICK, sqrtRatioAtTick } from "../../../adapters/chain/tick-math.ts";
import { meanTick, spotProbe, twapProbe } from "../../../adapters/chain/uniswap-v3.ts";
import { uptimeProbe } from "../../../adapters/chain/uptime.ts";
import { type Json, parseJson } from "../../../adapters/json.ts";
import { encodeWords } from "../../../protocol/abi.ts";
import { ONE } from "../../../protocol/amount.ts";
import { toHex, utf8 } from "../../../protocol/bytes.ts";
import { fail, ok } from "../../../protocol/result.ts";
import { digestOf } from "../../support/network.ts";

const CONTRACT = "0x00000000000000000000000000000000000000aa";

function json(value: unknown): Json {
  const parsed = parseJson(utf8(JSON.stringify(value)));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

/** What a node answers to one call. */
const said = (value: unknown): RpcAnswer => ok(json(value));
const words = (...values: readonly (bigint | number)[]): RpcAnswer => said(toHex(encodeWords(values)));

function codeOf(probe: Probe<unknown>, ...answers: readonly RpcAnswer[]): FaultCode | "ok" {
  const result = probe.read(answers);
  return result.ok ? "ok" : result.error.code;
}

describe("JSON-RPC", () => {
  const respond = (body: unknown, status = 200) =>
    ok({ status, headers: {}, body: utf8(typeof body === "string" ? body : JSON.stringify(body)), receivedAt: 1_000 });
  const codes = (answers: readonly RpcAnswer[]) => answers.map((answer) => (answer.ok ? answer.value : answer.error.code));

  test("a batch is numbered by place", () => {
    const calls = [
      { method: "eth_blockNumber", params: [] },
      { method: "eth_chainId", params: [] },
    ];
    expect(JSON.parse(encodeBatch(calls))).toEqual([
      { jsonrpc: "2.0", id: 0, method: "eth_blockNumber", params: [] },
      { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] },
    ]);
  });

  const one = (id: number, result: unknown) => ({ jsonrpc: "2.0", id, result });
  const error = (code: number, message: string, id: number | null = 0) => ({ jsonrpc: "2.0", id, error: { code, message } });
  const rows: readonly (readonly [name: string, body: unknown, status: number, answers: readonly unknown[]])[] = [
    ["answers in any order", [one(1, "0x2"), one(0, "0x1")], 200, ["0x1", "0x2"]],
    ["a null result is a result", [one(0, null), one(1, "0x")], 200, [null, "0x"]],
    ["an id that is missing", [one(1, "0x2")], 200, ["malformed", "0x2"]],
    ["an id answered twice", [one(0, "0x1"), one(0, "0x2"), one(1, "0x3")], 200, ["malformed", "0x3"]],
    ["an answer without result and error", [{ id: 0 }, one(1, "0x2")], 200, ["malformed", "0x2"]],
    ["an answer that is no object", [7, "x", null], 200, ["malformed", "malformed"]],
    ["a revert, geth's code", [error(3, "execution reverted: OLD"), one(1, "0x2")], 200, ["unknown-market", "0x2"]],
    ["a revert, another's words", [error(-32000, "VM Exception: revert"), one(1, "0x2")], 200, ["unknown-market", "0x2"]],
    ["a limit", [error(-32005, "limit exceeded"), one(1, "0x2")], 200, ["rate-limited", "0x2"]],
    ["another error", [error(-32601, "no such method"), one(1, "0x2")], 200, ["http-status", "0x2"]],
    ["one error for the batch", error(-32600, "batch too large", null), 200, ["http-status", "http-status"]],
    ["one error for the batch, with a status", error(-32005, "too many", null), 400, ["rate-limited", "rate-limited"]],
    ["one answer for the batch", one(0, "0x1"), 200, ["malformed", "malformed"]],
    ["a status", "nope", 500, ["http-status", "http-status"]],
    ["too many requests", "slow down", 429, ["rate-limited", "rate-limited"]],
    ["a page", "<html>", 200, ["html", "html"]],
    ["half a document", '[{"id":0', 200, ["malformed", "malformed"]],
    ["nothing", "", 200, ["malformed", "malformed"]],
  ];
  test.each(rows)("%s", (_, body, status, answers) => {
    expect(codes(readBatch(respond(body, status), 2))).toEqual(answers);
  });

  test("a fault of the transport is every call's", () => {
    const fault: Fault = { code: "timeout", detail: "no answer" };
    expect(readBatch(fail(fault), 3)).toEqual([fail(fault), fail(fault), fail(fault)]);
  });

  test.each([
    ["0x0", 0n],
    ["0x3b9aca00", 1_000_000_000n],
    [`0x${"f".repeat(64)}`, 2n ** 256n - 1n],
    ...["0x", "0x01", "12", "0x-1", "0xg", `0x1${"0".repeat(64)}`, "", 12, null, {}, ["0x1"]].map((text) => [text, undefined]),
  ])("quantity %j", (text, value) => {
    expect(quantityOf(json(text))).toBe(value);
  });

  test.each([
    ["0xAB", "0xab"],
    ["0x", "0x"],
    ["0xabc", undefined],
    ["ab", undefined],
    [7, undefined],
    [`0x${"00".repeat(4_097)}`, undefined],
  ])("data %j", (text, value) => {
    expect(dataOf(json(text))).toBe(value);
  });
});

describe("head", () => {
  test("number and time of the newest block", () => {
    expect(headProbe.read([said({ number: "0x64", timestamp: "0x3e8", hash: "0x1" })])).toEqual(
      ok({ number: 100, at: 1_000_000 }),
    );
  });
  const faults: readonly (readonly [name: string, result: unknown])[] = [
    ["null", null],
    ["no object", "0x1"],
    ["no number", { timestamp: "0x3e8" }],
    ["number too large", { number: `0x${"f".repeat(14)}`, timestamp: "0x3e8" }],
    ["time zero", { number: "0x64", timestamp: "0x0" }],
    ["time beyond an instant", { number: "0x64", timestamp: `0x${"f".repeat(16)}` }],
    ["time as a number", { number: "0x64", timestamp: 1_000 }],
  ];
  test.each(faults)("%s is malformed", (_, result) => expect(codeOf(headProbe, said(result))).toBe("malformed"));
  test("no answer is malformed, a fault is passed on", () => {
    expect(codeOf(headProbe)).toBe("malformed");
    expect(codeOf(headProbe, fail({ code: "timeout", detail: "" }))).toBe("timeout");
  });
  test.each([
    [{ number: 102, at: 1_036_000 }, 18_000],
    [{ number: 100, at: 1_036_000 }, undefined],
    [{ number: 99, at: 1_036_000 }, undefined],
  ])("gap to %j", (later, gap) => expect(blockGapMs({ number: 100, at: 1_000_000 }, later)).toBe(gap));
});

describe("fees", () => {
  const history = (fees: readonly string[], reward: unknown = [], gasUsedRatio: unknown = []) =>
    said({ oldestBlock: "0x1", baseFeePerGas: fees, reward, gasUsedRatio });

  test("base fee of the block to come, median tip of the blocks that were not empty", () => {
    const answer = history(["0x1", "0x2", "0x3", "0x4", "0x5"], [["0x9"], ["0x0"], ["0x7"], ["0x8"]], [0.5, 0.0, 0.1, 1]);
    expect(feeHistoryProbe.read([answer])).toEqual(ok({ baseFee: 5n, tip: 8n }));
  });
  test("no tip where every block was empty", () => {
    expect(feeHistoryProbe.read([history(["0x1", "0x2"], [["0x0"]], [0])])).toEqual(ok({ baseFee: 2n, tip: 0n }));
  });
  const faults: readonly (readonly [name: string, answer: RpcAnswer])[] = [
    ["no fees", history([])],
    ["one fee", history(["0x1"])],
    [
      "more fees than were asked for",
      history(
        Array.from({ length: 6 }, () => "0x1"),
        Array.from({ length: 5 }, () => ["0x1"]),
      ),
    ],
    ["a fee as a number", said({ baseFeePerGas: [1, 2], reward: [["0x1"]], gasUsedRatio: [1] })],
    ["a fee beyond reason", history(["0x1", `0x1${"0".repeat(33)}`], [["0x1"]], [1])],
    ["no rewards", history(["0x1", "0x2"])],
    ["null", said(null)],
  ];
  test.each(faults)("%s is malformed", (_, answer) => expect(codeOf(feeHistoryProbe, answer)).toBe("malformed"));
});

describe("sequencer uptime feed", () => {
  const probe = uptimeProbe(CONTRACT);
  test.each([
    [0, true],
    [1, false],
  ])("answer %d", (answer, up) => {
    expect(probe.read([words(9, answer, 1_000, 1_001, 9)])).toEqual(ok({ up, since: 1_000_000 }));
  });
  const faults: readonly (readonly [name: string, answer: RpcAnswer, code: FaultCode])[] = [
    ["not initialised", words(0, 0, 0, 0, 0), "malformed"],
    ["another status", words(1, 2, 1_000, 1_000, 1), "malformed"],
    ["minus one", words(1, -1, 1_000, 1_000, 1), "malformed"],
    ["too short", words(1, 0, 1_000), "malformed"],
    ["not whole words", said("0x0102"), "malformed"],
    ["no contract", said("0x"), "unknown-market"],
    ["null", said(null), "malformed"],
  ];
  test.each(faults)("%s", (_, answer, code) => expect(codeOf(probe, answer)).toBe(code));
});

describe("AggregatorV3", () => {
  const probe = aggregatorProbe({ kind: "chainlink", contract: CONTRACT });
  test("the answer in 10⁻¹⁸, as old as its update", () => {
    const answer = words(7, 180_012_000_000n, 1_000, 1_001, 7);
    expect(probe.read([words(8), answer])).toEqual(ok({ price: 180_012n * (ONE / 100n), at: 1_001_000 }));
  });
  test("decimals beyond 18 are truncated", () => {
    expect(probe.read([words(20), words(7, 199n, 1, 1, 7)])).toEqual(ok({ price: 1n, at: 1_000 }));
  });
  const faults: readonly (readonly [name: string, decimals: RpcAnswer, round: RpcAnswer, code: FaultCode])[] = [
    ["zero", words(8), words(7, 0, 1_000, 1_001, 7), "non-positive"],
    ["negative", words(8), words(7, -5n, 1_000, 1_001, 7), "non-positive"],
    ["nothing left after scaling", words(36), words(7, 1, 1_000, 1_001, 7), "non-positive"],
    ["incomplete round", words(8), words(7, 5, 1_000, 0, 7), "malformed"],
    ["carried over from an earlier round", words(8), words(7, 5, 1_000, 1_001, 6), "malformed"],
    ["decimals beyond reason", words(37), words(7, 5, 1_000, 1_001, 7), "malformed"],
    ["beyond a price", words(0), words(7, 2n ** 255n - 1n, 1_000, 1_001, 7), "oversize"],
    ["no decimals", said("0x"), words(7, 5, 1_000, 1_001, 7), "unknown-market"],
    ["no round", words(8), said("0x"), "unknown-market"],
  ];
  test.each(faults)("%s", (_, decimals, round, code) => expect(codeOf(probe, decimals, round)).toBe(code));
});

describe("exchange rate", () => {
  const read = { kind: "exchange-rate", contract: CONTRACT, method: "convertToAssets", decimals: 6, shareDecimals: 8 } as const;
  test("asks for one whole share and scales the assets", () => {
    const { calls } = exchangeRateProbe(read);
    expect(calls).toEqual([
      {
        method: "eth_call",
        params: [{ to: CONTRACT, data: `0x07a2d13a${(10n ** 8n).toString(16).padStart(64, "0")}` }, "latest"],
      },
    ]);
    expect(exchangeRateProbe(read).read([words(1_050_000)])).toEqual(ok({ price: (105n * ONE) / 100n }));
  });
  test("zero is no rate", () => expect(codeOf(exchangeRateProbe(read), words(0))).toBe("non-positive"));
});

/** 2¹²⁸ / 1.0001^(2^i / 2), rounded: what the contract's constants are. */
function factorOf(bit: number): bigint {
  const scale = 1n << 512n;
  let ratio = (scale * 10_000n) / 10_001n;
  if (bit === 0) return (sqrt(ratio << 512n) * 2n * (1n << 128n) + scale) / (2n * scale);
  for (let i = 1; i < bit; i++) ratio = (ratio * ratio) / scale;
  return (ratio * 2n * (1n << 128n) + scale) / (2n * scale);
}

function sqrt(value: bigint): bigint {
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + value / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

describe("Uniswap v3 ticks", () => {
  test("the ends are those of TickMath", () => {
    expect(sqrtRatioAtTick(-MAX_TICK)).toBe(4_295_128_739n);
    expect(sqrtRatioAtTick(MAX_TICK)).toBe(1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342n);
    expect(sqrtRatioAtTick(0)).toBe(2n ** 96n);
  });

  test("every bit's factor is the power it stands for", () => {
    for (let bit = 0; bit < 20; bit++) {
      const tick = -(2 ** bit);
      if (tick < -MAX_TICK) continue;
      const factor = factorOf(bit);
      expect(sqrtRatioAtTick(tick), `bit ${bit}`).toBe((factor >> 32n) + (factor % (1n << 32n) === 0n ? 0n : 1n));
    }
  });

  test.each([
    [7n, 3],
    [-7n, -4],
    [-8n, -4],
    [1n, 0],
    [-1n, -1],
    [0n, 0],
  ])("a mean of %s over two seconds rounds down", (delta, tick) => {
    expect(meanTick({ earlier: 100n, later: 100n + delta, seconds: 2 })).toBe(BigInt(tick));
  });
});

describe("Uniswap v3 prices", () => {
  const usdcWeth = { pool: CONTRACT, base: "token1", baseDecimals: 18, quoteDecimals: 6 } as const;
  const spot = spotProbe({ kind: "uniswap-v3-spot", ...usdcWeth });
  const twap = twapProbe({ kind: "uniswap-v3-twap", ...usdcWeth, windowMs: 1_800_000 });
  const slot = (root: bigint) => words(root, 0, 0, 1, 1, 0, 1);
  const observed = (earlier: bigint, later: bigint) => words(64, 160, 2, earlier, later, 2, 0, 0);
  /** USDC is token0: 10¹⁸ wei for 1800 · 10⁶. */
  const root1800 = sqrt(((10n ** 18n) << 192n) / 1_800_000_000n);

  test("spot, base token1 and base token0", () => {
    const price = spot.read([slot(root1800)]);
    expect(price.ok && Number(price.value.price - 1_800n * ONE) / 1e18).toBeCloseTo(0, 9);
    const other = { ...usdcWeth, base: "token0", baseDecimals: 6, quoteDecimals: 18 } as const;
    const inverse = spotProbe({ kind: "uniswap-v3-spot", ...other }).read([slot(root1800)]);
    expect(inverse.ok && Number(inverse.value.price) / 1e18).toBeCloseTo(1 / 1_800, 12);
  });

  test("observe is asked for the window and now", () => {
    const [call] = twap.calls;
    expect(call?.params[0]).toEqual({
      to: CONTRACT,
      data: `0x883bdbfd${[32n, 2n, 1_800n, 0n].map((word) => word.toString(16).padStart(64, "0")).join("")}`,
    });
  });

  test("the window's mean tick, down to negative infinity", () => {
    const tick = 201_338;
    const exact = twap.read([observed(-5n, -5n + BigInt(tick) * 1_800n)]);
    const root = sqrtRatioAtTick(tick);
    expect(exact).toEqual(ok({ price: ((1n << 192n) * ONE * 10n ** 18n) / (root * root * 10n ** 6n) }));
    const below = twap.read([observed(0n, BigInt(-tick) * 1_800n - 1n)]);
    const under = sqrtRatioAtTick(-tick - 1);
    expect(below).toEqual(ok({ price: ((1n << 192n) * ONE * 10n ** 18n) / (under * under * 10n ** 6n) }));
  });

  const faults: readonly (readonly [name: string, code: FaultCode, probe: Probe<unknown>, answer: RpcAnswer])[] = [
    ["spot: never initialised", "non-positive", spot, slot(0n)],
    ["spot: no uint160", "malformed", spot, slot(2n ** 160n)],
    ["spot: no price left", "non-positive", spot, slot(2n ** 160n - 1n)],
    ["spot: too short", "malformed", spot, words(root1800)],
    ["twap: one cumulative", "malformed", twap, words(64, 128, 1, 5, 0)],
    ["twap: an offset beyond the answer", "malformed", twap, words(2n ** 255n, 160, 2, 0, 0, 2, 0, 0)],
    ["twap: an offset within a word", "malformed", twap, words(65, 160, 2, 0, 0, 2, 0, 0)],
    ["twap: beyond the last tick", "malformed", twap, observed(0n, BigInt(MAX_TICK + 1) * 1_800n)],
    ["twap: below the first tick", "malformed", twap, observed(0n, -BigInt(MAX_TICK + 1) * 1_800n)],
    ["twap: no contract", "unknown-market", twap, said("0x")],
  ];
  test.each(faults)("%s is %s", (_, code, probe, answer) => expect(codeOf(probe, answer)).toBe(code));
});

describe("pending transactions", () => {
  const hash = digestOf(1);
  const full = { number: "0x9", transactions: [] };
  test("their bids, by either kind of fee; what does not read is left out", () => {
    const transactions = [
      { hash, maxFeePerGas: "0x64", maxPriorityFeePerGas: "0x2", gasPrice: "0x50" },
      { hash: digestOf(2), gasPrice: "0x50" },
      { hash: digestOf(3) },
      { hash: "0x12", gasPrice: "0x50" },
      "0x12",
      null,
    ];
    expect(pendingProbe.read([said({ ...full, transactions })])).toEqual(
      ok({
        number: 9n,
        transactions: [
          { hash, cap: 100n, tip: 2n },
          { hash: digestOf(2), cap: 80n, tip: 80n },
        ],
      }),
    );
  });
  test.each([[null], [{ transactions: [] }], [{ number: "0x9" }], ["0x9"]])("%j is malformed", (block) => {
    expect(codeOf(pendingProbe, said(block))).toBe("malformed");
  });
  test.each([
    [null, "gone"],
    [{ blockNumber: null }, "waiting"],
    [{}, "waiting"],
    [{ blockNumber: "0x7" }, "included"],
  ])("%j is %s", (transaction, standing) => expect(standingProbe(hash).read([said(transaction)])).toEqual(ok(standing)));
  test.each([[7], [{ blockNumber: "x" }]])("%j is malformed", (transaction) => {
    expect(codeOf(standingProbe(hash), said(transaction))).toBe("malformed");
  });
});
