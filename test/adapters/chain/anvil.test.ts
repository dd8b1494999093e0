import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { aggregatorProbe } from "../../../adapters/chain/aggregator-v3.ts";
import { encodeBatch, type Probe, readBatch } from "../../../adapters/chain/json-rpc.ts";
import { referenceProbe } from "../../../adapters/chain/reference.ts";
import { sqrtRatioAtTick } from "../../../adapters/chain/tick-math.ts";
import { uptimeProbe } from "../../../adapters/chain/uptime.ts";
import { createVenueHttp } from "../../../adapters/io/http.ts";
import { marketKey } from "../../../adapters/snapshot.ts";
import { encodeWords } from "../../../protocol/abi.ts";
import { ONE } from "../../../protocol/amount.ts";
import { toHex } from "../../../protocol/bytes.ts";
import type { ReferenceConfig } from "../../../protocol/config.ts";
import { feedId } from "../../support/rounds.ts";
import { type Anvil, compileContracts, startAnvil } from "./anvil.ts";
import { openWatch, startProxy, until } from "./rig.ts";

type Address = `0x${string}`;

const contracts = compileContracts();
const closing: (() => unknown)[] = [];
let anvil: Anvil;
let feed: Address;
let uptime: Address;
let rates: Address;
let pool: Address;

beforeAll(async () => {
  anvil = await startAnvil();
  feed = await anvil.deploy(contracts.Aggregator, [8]);
  uptime = await anvil.deploy(contracts.Aggregator, [0]);
  rates = await anvil.deploy(contracts.Rates);
  pool = await anvil.deploy(contracts.Pool);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => anvil?.stop());

/** Carried out, and in a block. */
async function send(contract: keyof typeof contracts, address: Address, ...args: readonly unknown[]): Promise<void> {
  const hash = await anvil.client.writeContract({ address, abi: contracts[contract].abi, functionName: "set", args });
  await anvil.client.waitForTransactionReceipt({ hash });
}

/** What viem, which knows nothing of our translators, reads. */
function viem(contract: keyof typeof contracts, address: Address, functionName: string, args: readonly unknown[] = []) {
  return anvil.client.readContract({ address, abi: contracts[contract].abi, functionName, args });
}

/** Our own way: the calls in one batch over real HTTP, and what they mean. */
async function ask<T>(probe: Probe<T>) {
  const client = createVenueHttp({ baseUrl: anvil.url, timeoutMs: 2_000, maxBytes: 1_000_000, maxSockets: 1, now: Date.now });
  closing.push(client.destroy);
  const response = await client.send({ method: "POST", path: "", body: encodeBatch(probe.calls), markets: [] });
  return probe.read(readBatch(response, probe.calls.length));
}

describe("a contract read here and by viem", () => {
  test("AggregatorV3", async () => {
    await send("Aggregator", feed, 7n, 180_012_345_678n, 1_700_000_000n, 1_700_000_012n, 7n);
    const [, answer, , updatedAt] = (await viem("Aggregator", feed, "latestRoundData")) as bigint[];
    const decimals = (await viem("Aggregator", feed, "decimals")) as number;
    const read = await ask(aggregatorProbe({ kind: "chainlink", contract: feed }));
    expect(read).toEqual({
      ok: true,
      value: { price: (answer ?? 0n) * 10n ** BigInt(18 - decimals), at: Number(updatedAt) * 1_000 },
    });
  });

  test("a negative and a zero answer, an incomplete and a carried round", async () => {
    for (const [round, code] of [
      [[7n, -1n, 1n, 1n, 7n], "non-positive"],
      [[7n, 0n, 1n, 1n, 7n], "non-positive"],
      [[7n, 5n, 1n, 0n, 7n], "malformed"],
      [[7n, 5n, 1n, 1n, 6n], "malformed"],
    ] as const) {
      await send("Aggregator", feed, ...round);
      expect(await ask(aggregatorProbe({ kind: "chainlink", contract: feed }))).toMatchObject({ ok: false, error: { code } });
    }
  });

  test("sequencer uptime", async () => {
    for (const [answer, up] of [
      [0n, true],
      [1n, false],
    ] as const) {
      await send("Aggregator", uptime, 1n, answer, 1_700_000_000n, 1_700_000_000n, 1n);
      expect(await ask(uptimeProbe(uptime))).toEqual({ ok: true, value: { up, since: 1_700_000_000_000 } });
    }
  });

  test.each(["stEthPerToken", "getExchangeRate", "exchangeRate", "getRate"] as const)("%s", async (method) => {
    await send("Rates", rates, 1_234_567_890_123_456_789n, 0n);
    const read = { kind: "exchange-rate", contract: rates, method, decimals: 18, shareDecimals: 18 } as const;
    expect(await ask(referenceProbe(read))).toEqual({ ok: true, value: { price: await viem("Rates", rates, method) } });
  });

  test("convertToAssets of a vault with 8 and 6 decimals", async () => {
    await send("Rates", rates, 0n, 1_051_234n);
    const read = { kind: "exchange-rate", contract: rates, method: "convertToAssets", decimals: 6, shareDecimals: 8 } as const;
    const assets = (await viem("Rates", rates, "convertToAssets", [10n ** 8n])) as bigint;
    expect(await ask(referenceProbe(read))).toEqual({ ok: true, value: { price: assets * 10n ** 12n } });
  });

  const sides = () => ({ pool, base: "token0", baseDecimals: 18, quoteDecimals: 18 }) as const;

  test("slot0", async () => {
    await send("Pool", pool, sqrtRatioAtTick(-1_234), 0, -1_234, 0);
    const [root = 0n] = (await viem("Pool", pool, "slot0")) as bigint[];
    expect(await ask(referenceProbe({ kind: "uniswap-v3-spot", ...sides() }))).toEqual({
      ok: true,
      value: { price: (root * root * ONE) / 2n ** 192n },
    });
  });

  test("observe over a window in which the tick changed", async () => {
    const { timestamp } = await anvil.client.getBlock();
    await send("Pool", pool, 1n, 100, -101, Number(timestamp) - 7);
    const [[earlier = 0n, later = 0n] = []] = (await viem("Pool", pool, "observe", [[60, 0]])) as bigint[][];
    const mean = Math.floor(Number(later - earlier) / 60);
    expect(mean).toBeGreaterThan(-101);
    expect(mean).toBeLessThan(100);
    const root = sqrtRatioAtTick(mean);
    const read = await ask(referenceProbe({ kind: "uniswap-v3-twap", ...sides(), windowMs: 60_000 }));
    expect(read).toEqual({ ok: true, value: { price: (root * root * ONE) / 2n ** 192n } });
  });

  test("a pool that does not remember that far back, and an address without code", async () => {
    const twap = { kind: "uniswap-v3-twap", ...sides(), windowMs: 7_200_000 } as const;
    expect(await ask(referenceProbe(twap))).toMatchObject({ ok: false, error: { code: "unknown-market" } });
    const nobody = { kind: "chainlink", contract: `0x${"77".repeat(20)}` } as const;
    expect(await ask(referenceProbe(nobody))).toMatchObject({ ok: false, error: { code: "unknown-market" } });
  });
});

const chain = () => ({ chain: "ANVIL", blockMs: 1_000, feeFloorGwei: "20", uptimeFeed: uptime, liquidateNone: false });
const references = (): ReferenceConfig[] => [
  { name: "eth-link", chain: "ANVIL", market: feedId("ETH/USD"), read: { kind: "chainlink", contract: feed } },
  {
    name: "wsteth-rate",
    chain: "ANVIL",
    market: feedId("WSTETH/ETH"),
    read: { kind: "exchange-rate", contract: rates, method: "stEthPerToken", decimals: 18, shareDecimals: 18 },
  },
];

/** A watch over these URLs, running. */
function watchOver(urls: readonly string[]) {
  const { watch, heard } = openWatch({ chains: [chain()], references: references(), endpoints: { ANVIL: urls } });
  closing.push(watch.stop);
  watch.start();
  return { watch, heard, value: (gauge: string) => watch.gauges().find((entry) => entry.gauge === gauge)?.value };
}

/** Three ways to the chain itself. */
function direct(): readonly string[] {
  return [1, 2, 3].map((way) => `${anvil.url}/?way=${way}`);
}

async function proxies(count: number) {
  const opened = await Promise.all(Array.from({ length: count }, () => startProxy(anvil.url)));
  for (const proxy of opened) closing.push(proxy.stop);
  return opened;
}

async function healthy(): Promise<void> {
  await send("Aggregator", feed, 7n, 180_000_000_000n, 1_700_000_000n, 1_700_000_012n, 7n);
  await send("Aggregator", uptime, 1n, 0n, 1_700_000_000n, 1_700_000_000n, 1n);
  await send("Rates", rates, (12n * ONE) / 10n, 0n);
}

describe("a chain watched through three endpoints", () => {
  beforeAll(healthy);

  test("what they agree on is what viem reads; the reference is a venue of its name", async () => {
    const { watch, value } = watchOver(direct());
    await until(() => value("fee.ANVIL") !== undefined);
    const { timestamp } = await anvil.client.getBlock();
    const history = await anvil.client.getFeeHistory({ blockCount: 1, rewardPercentiles: [50] });
    expect(value("head.ANVIL")).toBe(timestamp * 1_000n);
    expect(value("fee.ANVIL")).toBe((history.baseFeePerGas.at(-1) ?? 0n) * 10n ** 9n);
    expect(value("seq.ANVIL")).toBe(0n);
    expect(value("rate.wsteth-rate")).toBe((12n * ONE) / 10n);
    const names = watch.gauges().map(({ gauge }) => gauge);
    expect(names).toEqual([...names].sort());
    const state = watch.quotes().get(marketKey("eth-link", "ETH/USD"));
    expect(state?.quote).toEqual({ market: "ETH/USD", last: 1_800n * ONE, lastAt: 1_700_000_012_000 });
    expect(watch.quotes().size).toBe(1);
  });

  test("blocks stop: the head stays where it is and grows old", async () => {
    const { value } = watchOver(direct());
    await until(() => value("head.ANVIL") !== undefined);
    const head = value("head.ANVIL");
    const before = Date.now() - Number(head);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(value("head.ANVIL")).toBe(head);
    expect(Date.now() - Number(value("head.ANVIL"))).toBeGreaterThanOrEqual(before + 1_200);
    await anvil.client.mine({ blocks: 1 });
    await until(() => (value("head.ANVIL") ?? 0n) > (head ?? 0n));
  });

  test("the base fee is raised", async () => {
    const { value } = watchOver(direct());
    await anvil.client.setNextBlockBaseFeePerGas({ baseFeePerGas: 900n * 10n ** 9n });
    await anvil.client.mine({ blocks: 1 });
    // The gauge is the fee of the block after it, an eighth lower at most.
    await until(() => (value("fee.ANVIL") ?? 0n) > 700n * ONE);
    expect(value("fee.ANVIL")).toBeLessThanOrEqual(900n * ONE);
    await anvil.client.setNextBlockBaseFeePerGas({ baseFeePerGas: 10n ** 9n });
    await anvil.client.mine({ blocks: 1 });
    await until(() => (value("fee.ANVIL") ?? ONE * 900n) < 2n * ONE);
  });

  test("the sequencer goes down and comes back", async () => {
    const { value } = watchOver(direct());
    await until(() => value("seq.ANVIL") === 0n);
    await send("Aggregator", uptime, 2n, 1n, 1_700_000_100n, 1_700_000_100n, 2n);
    await until(() => value("seq.ANVIL") === 1n);
    await send("Aggregator", uptime, 3n, 0n, 1_700_000_200n, 1_700_000_200n, 3n);
    await until(() => value("seq.ANVIL") === 0n);
  });

  test("pending transactions are held back: the wait grows, and ends with their block", async () => {
    await anvil.client.setAutomine(false);
    closing.push(() => anvil.client.setAutomine(true));
    const { value } = watchOver(direct());
    const pay = { to: `0x${"11".repeat(20)}`, value: 1n, maxPriorityFeePerGas: 10n ** 10n, maxFeePerGas: 10n ** 13n } as const;
    const hash = await anvil.client.sendTransaction(pay);
    await until(() => (value("wait.ANVIL") ?? 0n) > 300n);
    const first = value("wait.ANVIL") ?? 0n;
    await until(() => (value("wait.ANVIL") ?? 0n) > first + 500n);
    await anvil.client.mine({ blocks: 1 });
    await anvil.client.waitForTransactionReceipt({ hash });
    // What is included waits no longer: the median stands still.
    let earlier = -1n;
    await until(async () => {
      const before = value("wait.ANVIL") ?? 0n;
      await new Promise((resolve) => setTimeout(resolve, 300));
      earlier = before;
      return value("wait.ANVIL") === earlier && earlier > first;
    });
  });
});

describe("one of three endpoints", () => {
  beforeAll(healthy);
  const hexOf = (value: bigint) => `0x${value.toString(16)}`;

  test("lies about every value: the medians do not move, it is named, and its key is not", async () => {
    const [a, b, liar] = await proxies(3);
    const { watch, heard, value } = watchOver([a, b, liar].map((proxy) => proxy?.url ?? ""));
    await until(() => value("seq.ANVIL") === 0n && value("wait.ANVIL") === undefined);
    const before = watch.gauges().map(({ gauge, value: amount }) => [gauge, amount]);
    liar?.distort((method, result) => {
      if (method === "eth_feeHistory")
        return { ...(result as object), baseFeePerGas: [hexOf(1n), hexOf(10n ** 13n)], reward: [[hexOf(1n)]] };
      // To each contract at once: decimals 1, answer 1, a sequencer that is down, a rate of one wei.
      if (method === "eth_call") return toHex(encodeWords([1, 1, 1_700_000_000, 1_700_000_000, 1]));
      return result;
    });
    const lies = ["2 fee.ANVIL", "2 rate.wsteth-rate", "2 seq.ANVIL"];
    await until(() => lies.every((lie) => heard.dissents.includes(lie)));
    expect(watch.gauges().map(({ gauge, value: amount }) => [gauge, amount])).toEqual(before);
    expect(watch.quotes().get(marketKey("eth-link", "ETH/USD"))?.quote?.last).toBe(1_800n * ONE);
    expect(heard.lines.join("\n")).toMatch(/ANVIL RPC 2 127\.0\.0\.1:\d+ says \d+ of fee\.ANVIL, the others \d+/);
    expect(heard.lines.join("\n")).not.toMatch(/RPC [01]|c0ffee/);
  });

  test("lags: it is left out and named", async () => {
    const [a, b, laggard] = await proxies(3);
    const { heard, value } = watchOver([a, b, laggard].map((proxy) => proxy?.url ?? ""));
    await anvil.client.mine({ blocks: 5 });
    laggard?.distort((method, result) => {
      if (method !== "eth_getBlockByNumber") return result;
      const block = result as { number: string; timestamp: string };
      return { ...block, number: hexOf(BigInt(block.number) - 4n), timestamp: hexOf(BigInt(block.timestamp) - 400n) };
    });
    await until(() => heard.standings.includes("2 lagging"));
    const { timestamp } = await anvil.client.getBlock();
    expect(value("head.ANVIL")).toBe(timestamp * 1_000n);
    expect(heard.lines.join("\n")).toMatch(/ANVIL RPC 2 127\.0\.0\.1:\d+ is lagging/);
    laggard?.distort(undefined);
    await until(() => heard.standings.at(-1) === "2 counted" || heard.standings.slice(-3).includes("2 counted"));
  });

  test("hangs: the others go on, and it is named without its key", async () => {
    const [a, b, dead] = await proxies(3);
    dead?.distort("hang");
    const { heard, value } = watchOver([a, b, dead].map((proxy) => proxy?.url ?? ""));
    await until(() => value("fee.ANVIL") !== undefined && heard.lines.length > 0);
    expect(heard.lines[0]).toMatch(/^ANVIL RPC 2 127\.0\.0\.1:\d+: timeout: 127\.0\.0\.1:\d+: no complete answer in 400 ms/);
    expect(heard.lines.join("\n")).not.toContain("c0ffee");
    await anvil.client.mine({ blocks: 1 });
    const { timestamp } = await anvil.client.getBlock();
    await until(() => value("head.ANVIL") === timestamp * 1_000n);
  });

  test("two of three hang: nothing is said rather than one endpoint's word", async () => {
    const [a, b, c] = await proxies(3);
    const { watch, value } = watchOver([a, b, c].map((proxy) => proxy?.url ?? ""));
    await until(() => value("fee.ANVIL") !== undefined);
    b?.distort("hang");
    c?.distort("hang");
    await until(() => watch.gauges().length === 0);
    expect(watch.quotes().get(marketKey("eth-link", "ETH/USD"))?.quote).toBeUndefined();
    b?.distort(undefined);
    await until(() => value("fee.ANVIL") !== undefined);
  });
});

test("another config: a chain that goes is watched no longer, one that stays goes on, one that comes is watched", async () => {
  const { watch } = openWatch({
    chains: [chain()],
    references: references(),
    endpoints: { ANVIL: direct(), OTHER: direct() },
  });
  closing.push(watch.stop);
  watch.start();
  const names = () => watch.gauges().map(({ gauge }) => gauge);
  await until(() => names().includes("fee.ANVIL"));
  const { uptimeFeed, ...plain } = chain();
  watch.follow({ chains: [chain(), { ...plain, chain: "OTHER" }], references: references() });
  expect(names(), `${uptimeFeed} is still asked`).toContain("fee.ANVIL");
  await until(() => names().includes("fee.OTHER"));
  expect(names()).not.toContain("seq.OTHER");
  watch.follow({ chains: [{ ...plain, chain: "OTHER" }], references: [] });
  expect(names().filter((name) => name.endsWith("ANVIL"))).toEqual([]);
});

test("a pending config's reference is watched beside the one in force, and goes on when it comes into force", async () => {
  await send("Aggregator", feed, 7n, 180_000_000_000n, 1_700_000_000n, 1_700_000_012n, 7n);
  const other = await anvil.deploy(contracts.Aggregator, [8]);
  await send("Aggregator", other, 7n, 190_000_000_000n, 1_700_000_000n, 1_700_000_012n, 7n);
  const { watch } = openWatch({ chains: [chain()], references: references(), endpoints: { ANVIL: direct() } });
  closing.push(watch.stop);
  watch.start();
  const lastOf = (quotes: typeof watch.quotes) => quotes().get(marketKey("eth-link", "ETH/USD"))?.quote?.last;
  await until(() => lastOf(watch.quotes) === 1_800n * ONE);
  expect(lastOf(watch.pendingQuotes)).toBe(1_800n * ONE);
  const next = references().map((item) =>
    item.name === "eth-link" ? { ...item, read: { kind: "chainlink" as const, contract: other } } : item,
  );
  const pending = { chains: [chain()], references: next };
  watch.follow({ chains: [chain()], references: references() }, pending);
  await until(() => lastOf(watch.pendingQuotes) === 1_900n * ONE);
  expect(lastOf(watch.quotes)).toBe(1_800n * ONE);
  watch.follow(pending);
  expect(lastOf(watch.quotes)).toBe(1_900n * ONE);
  expect(lastOf(watch.pendingQuotes)).toBe(1_900n * ONE);
});
