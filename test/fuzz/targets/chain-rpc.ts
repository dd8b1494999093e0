import type { VenueResponse } from "../../../adapters/adapter.ts";
import { FAULT_CODES } from "../../../adapters/adapter.ts";
import { agree, MAX_LAG_BLOCKS } from "../../../adapters/chain/agreement.ts";
import { type RpcCall, readBatch } from "../../../adapters/chain/json-rpc.ts";
import { createPendingTracker, MAX_FOLLOWED } from "../../../adapters/chain/pending.ts";
import { type EndpointView, type Poll, planPoll } from "../../../adapters/chain/poll.ts";
import { MAX_AMOUNT } from "../../../protocol/amount.ts";
import { genesisNetwork, type NetworkConfig } from "../../../protocol/config.ts";
import { ok } from "../../../protocol/result.ts";
import { governedNetwork } from "../../support/governance.ts";
import { plainSources } from "../../support/network.ts";
import { classOf, ensure, type Target } from "../target.ts";

const AT = 1_763_800_000_000;
const MAX_AGE_MS = 10_000;
/** In gwei of 10⁻¹⁸: what a signed observation can carry. */
const MAX_GAUGE = 2n ** 191n;
const ADDRESS = `0x${"ab".repeat(20)}`;
const HASHES = [1, 2, 3].map((index) => `0x${String(index).padStart(64, "0")}`);

/** What one endpoint answers to a whole poll: a batch of a chain with every kind of reference, a sequencer and a pending block. */
export const chainRpc: Target = {
  name: "chain-rpc",
  about: "answers of JSON-RPC endpoints: every probe's, and what three endpoints agree on when one of them lies",
  covers: ["adapters/chain/"],
  shape: "json",
  maxBytes: 32 * 1024,
  batch: 16,
  limitMs: 500,
  maxAllocation: 16 * 2 ** 20,
  dictionary: [
    ...[
      "0x",
      "0x0",
      "0x1",
      "0x00",
      "0xffffffffffffffff",
      `0x${"f".repeat(64)}`,
      `0x${"0".repeat(64)}`,
      "jsonrpc",
      "result",
      "error",
    ],
    ...[
      "code",
      "-32005",
      "429",
      "execution reverted",
      "baseFeePerGas",
      "reward",
      "gasUsedRatio",
      "0e999",
      "transactions",
      "blockNumber",
    ],
    ...["gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "number", "timestamp", "hash", "id"],
  ],
  open: async () => {
    const { config } = genesisNetwork(CHAINED);
    const { poll } = openPoll(config);
    return {
      seeds: [answersTo(poll.calls, false), answersTo(poll.calls, true), ...ERRORS].map(
        (answers) => new Uint8Array(Buffer.from(typeof answers === "string" ? answers : JSON.stringify(answers))),
      ),
      execute: (input) => execute(config, input),
      close: async () => undefined,
    };
  },
};

const reference = (name: string, market: string, read: Record<string, unknown>) => ({ name, chain: "ETHEREUM", market, read });
const POOL = { pool: ADDRESS, base: "token0", baseDecimals: 18, quoteDecimals: 6 };
const CHAINED: NetworkConfig = governedNetwork({
  feeds: [{ feed: "ETH/USD", preset: "major", sources: plainSources("ETH/USD", 6) }],
  chains: [{ chain: "ETHEREUM", blockMs: 12_000, uptimeFeed: ADDRESS }],
  references: [
    reference("a-chainlink", "ETH/USD", { kind: "chainlink", contract: ADDRESS }),
    reference("b-rate", "WSTETH/ETH", { kind: "exchange-rate", contract: ADDRESS, method: "convertToAssets", decimals: 18 }),
    reference("c-spot", "ETH/USDC", { kind: "uniswap-v3-spot", ...POOL }),
    reference("d-twap", "ETH/USDC", { kind: "uniswap-v3-twap", ...POOL, windowMs: 1_800_000 }),
  ],
}).config;

/** A poll that follows transactions and looks for new ones. */
function openPoll({ chains, references }: NetworkConfig): {
  readonly poll: Poll;
  readonly tracker: ReturnType<typeof createPendingTracker>;
} {
  const [chain] = chains;
  if (chain === undefined) throw new Error("the config has a chain");
  const tracker = createPendingTracker();
  const transactions = HASHES.map((hash) => ({ hash: hash as `0x${string}`, cap: 10n ** 12n, tip: 10n ** 9n }));
  tracker.sample({ number: 101n, transactions }, { fees: { baseFee: 1n, tip: 1n }, newest: 100, at: AT - 20_000 });
  return { tracker, poll: planPoll({ chain, references }, { tracker, lookForNew: true }) };
}

const word = (value: bigint) => BigInt.asUintN(256, value).toString(16).padStart(64, "0");
const words = (...values: readonly bigint[]) => `0x${values.map(word).join("")}`;
const quantity = (value: number | bigint) => `0x${value.toString(16)}`;

const BLOCK = { number: quantity(100), timestamp: quantity(AT / 1_000) };
const NEXT = { number: quantity(101), timestamp: quantity(AT / 1_000) };
const TRANSACTIONS = [4, 5].map((index) => ({
  hash: `0x${String(index).padStart(64, "0")}`,
  maxFeePerGas: quantity(10n ** 12n),
  maxPriorityFeePerGas: quantity(10n ** 10n),
}));
const ROUND = words(7n, 180_012_000_000n, BigInt(AT / 1_000), BigInt(AT / 1_000), 7n);
const FEES = {
  baseFeePerGas: [30, 31, 32, 33, 34].map((gwei) => quantity(gwei * 1e9)),
  reward: [1, 2, 3, 4].map((gwei) => [quantity(gwei * 1e9)]),
  gasUsedRatio: [0.5, 0, 0.9, 1],
};
/** By the first bytes of what is called. */
const SELECTORS: Readonly<Record<string, string>> = {
  "0x313ce567": words(8n),
  "0xfeaf968c": ROUND,
  "0x07a2d13a": words(1_180_000_000_000_000_000n),
  "0x3850c7bd": words(79_228_162_514_264_337_593_543_950n, 0n, 0n, 1n, 1n, 0n, 1n),
  "0x883bdbfd": words(64n, 128n, 2n, 0n, -1_000_000n, 2n, 1n, 2n),
};

/** An honest batch; `down`: the sequencer is, and all that was followed is in a block or gone. */
function answersTo(calls: readonly RpcCall[], down: boolean): readonly object[] {
  return calls.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, result: resultOf(method, params, down) }));
}

function resultOf(method: string, [first, second]: RpcCall["params"], down: boolean): unknown {
  if (method === "eth_feeHistory") return FEES;
  if (method === "eth_getBlockByNumber") return first === "pending" ? { ...NEXT, transactions: TRANSACTIONS } : BLOCK;
  if (method === "eth_getTransactionByHash")
    return down ? { hash: first, blockNumber: quantity(99) } : { hash: first, blockNumber: null };
  const { data = "" } = first as { readonly data?: string };
  ensure(method === "eth_call" && second === "latest", "a poll asks for what is known here");
  const answer = SELECTORS[data.slice(0, 10)];
  ensure(answer !== undefined, `a poll calls what is known here (${data.slice(0, 10)})`);
  return down && data.startsWith("0xfeaf968c") ? words(7n, 1n, BigInt(AT / 1_000), BigInt(AT / 1_000), 7n) : answer;
}

const ERRORS: readonly (string | readonly object[])[] = [
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"limit exceeded"}}',
  '[{"id":0,"error":{"code":3,"message":"execution reverted: OLD"}},{"id":1,"result":null},{"id":"1","result":1}]',
];

function execute(config: NetworkConfig, input: Uint8Array): string {
  const { view, codes } = viewOf(config, input);
  const truth = honestView(config);
  for (const views of [
    [view, truth, truth],
    [truth, view, truth],
    [truth, truth, view],
  ]) {
    checkAgreement(views, truth);
  }
  return `${view === undefined ? "-" : [...view.gauges.keys()].length} ${codes}`;
}

let honest: EndpointView | undefined;
function honestView(config: NetworkConfig): EndpointView {
  const batch = () => new Uint8Array(Buffer.from(JSON.stringify(answersTo(openPoll(config).poll.calls, false))));
  honest ??= viewOf(config, batch()).view;
  ensure(honest !== undefined, "an honest endpoint has a view");
  return honest;
}

function viewOf(config: NetworkConfig, body: Uint8Array) {
  const { poll, tracker } = openPoll(config);
  const response: VenueResponse = { status: 200, headers: {}, body, receivedAt: AT };
  const answers = readBatch(ok(response), poll.calls.length);
  ensure(answers.length === poll.calls.length, "every call has one answer");
  const { view, faults } = poll.read(answers, { sentAt: AT - 100, receivedAt: AT });
  ensure(tracker.following().length <= MAX_FOLLOWED, "no more is followed than may be");
  for (const { fault } of faults) ensure(FAULT_CODES.includes(fault.code), "a fault has a code of the closed union");
  if (view !== undefined) checkView(view);
  return { view, codes: faults.map(({ read, fault }) => `${read} ${fault.code} ${classOf(fault.detail)}`).join(" ") };
}

function checkView({ head, gauges, prices }: EndpointView): void {
  ensure(Number.isSafeInteger(head.number) && Number.isSafeInteger(head.at) && head.at > 0, "a head is whole numbers");
  for (const value of gauges.values()) ensure(value >= 0n && value < MAX_GAUGE, "a gauge can be signed");
  for (const price of prices.values()) {
    if (!price.ok) continue;
    ensure(price.value.price > 0n && price.value.price <= MAX_AMOUNT, "a reference's price is an amount above zero");
    ensure(Number.isSafeInteger(price.value.at), "a reference's instant is whole milliseconds");
  }
}

/** Two endpoints say the same: what they say is what counts, whatever the third does. */
function checkAgreement(views: readonly (EndpointView | undefined)[], truth: EndpointView): void {
  const { gauges, prices } = agree(views, { now: AT + 1, maxAgeMs: MAX_AGE_MS, maxLagBlocks: MAX_LAG_BLOCKS });
  const said = new Map(gauges.map(({ gauge, value }) => [gauge, value]));
  for (const [gauge, value] of truth.gauges) ensure(said.get(gauge) === value, "one endpoint moves no gauge");
  ensure(said.size === truth.gauges.size, "one endpoint adds no gauge");
  for (const [name, price] of truth.prices) {
    const agreed = prices.get(name);
    ensure(price.ok && agreed?.ok === true && agreed.value.quote.price === price.value.price, "one endpoint moves no price");
    ensure(agreed.value.quote.at <= price.value.at, "one endpoint makes no price younger");
  }
}
