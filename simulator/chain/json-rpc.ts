import { encodeWords } from "../../protocol/abi.ts";
import { type Hex, isHex, keccak, toHex, utf8 } from "../../protocol/bytes.ts";
import { type SimulatedChain, type SimulatedTransaction, TIP_WEI } from "./chain.ts";

/** Calls in one batch, as public endpoints limit them. */
const MAX_BATCH = 100;
/** Blocks that `eth_feeHistory` tells of at most. */
const MAX_HISTORY = 1_024n;
/** What development chains are known by: nobody takes this one for Ethereum. */
const CHAIN_ID = 1_337;

type Wire = null | boolean | number | string | readonly Wire[] | { readonly [key: string]: Wire };
type Fault = { readonly code: number; readonly message: string };
type Answer = { readonly result: Wire } | { readonly error: Fault };
type Method = (chain: SimulatedChain, params: readonly unknown[]) => Answer;

const PARSE_ERROR: Fault = { code: -32700, message: "parse error" };
const INVALID_REQUEST: Fault = { code: -32600, message: "invalid request" };
const INVALID_PARAMS: Fault = { code: -32602, message: "invalid params" };

/**
 * A node's answer to one JSON-RPC 2.0 request or batch, in the words of the Ethereum execution API. Total.
 *
 * @param chain advanced to now
 */
export function answerRpc(chain: SimulatedChain, body: string): string {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    return JSON.stringify({ jsonrpc: "2.0", id: null, error: PARSE_ERROR });
  }
  if (!Array.isArray(request)) return JSON.stringify(answerOne(chain, request));
  if (request.length === 0 || request.length > MAX_BATCH)
    return JSON.stringify({ jsonrpc: "2.0", id: null, error: INVALID_REQUEST });
  return JSON.stringify(request.map((item) => answerOne(chain, item)));
}

function answerOne(chain: SimulatedChain, request: unknown): Wire {
  const { id, method, params } = fieldsOf(request);
  const envelope = { jsonrpc: "2.0", id: typeof id === "number" || typeof id === "string" ? id : null };
  if (typeof method !== "string" || !(params === undefined || Array.isArray(params)))
    return { ...envelope, error: INVALID_REQUEST };
  const known = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (known === undefined)
    return { ...envelope, error: { code: -32601, message: `the method ${method.slice(0, 64)} does not exist` } };
  return { ...envelope, ...known(chain, params ?? []) };
}

const METHODS: Readonly<Record<string, Method>> = {
  eth_chainId: () => ({ result: quantity(CHAIN_ID) }),
  eth_blockNumber: (chain) => ({ result: quantity(chain.head().number) }),
  eth_feeHistory: feeHistory,
  eth_getBlockByNumber: blockByNumber,
  eth_getTransactionByHash: transactionByHash,
  eth_call: call,
};

/** Every block of the history has today's fee: it is set, not found. */
function feeHistory(chain: SimulatedChain, [count, , percentiles]: readonly unknown[]): Answer {
  const asked = typeof count === "string" && /^0x[0-9a-f]{1,8}$/i.test(count) ? BigInt(count) : undefined;
  if (asked === undefined || asked === 0n || !Array.isArray(percentiles)) return { error: INVALID_PARAMS };
  const blocks = Number(asked > MAX_HISTORY ? MAX_HISTORY : asked);
  const fee = quantity(chain.baseFeeWei());
  return {
    result: {
      oldestBlock: quantity(chain.head().number - blocks + 1),
      baseFeePerGas: Array.from({ length: blocks + 1 }, () => fee),
      gasUsedRatio: Array.from({ length: blocks }, () => 0.5),
      reward: Array.from({ length: blocks }, () => percentiles.map(() => quantity(TIP_WEI))),
    },
  };
}

function blockByNumber(chain: SimulatedChain, [which, whole]: readonly unknown[]): Answer {
  const head = chain.head();
  const pending = chain.pending();
  const fields = { baseFeePerGas: quantity(chain.baseFeeWei()) };
  if (which === "latest" || which === quantity(head.number)) {
    return { result: { ...fields, number: quantity(head.number), timestamp: quantity(head.at / 1_000), transactions: [] } };
  }
  if (which !== "pending") return { result: null };
  const transactions = pending.map((item) => (whole === true ? transaction(chain, item) : item.hash));
  return {
    result: { ...fields, number: quantity(head.number + 1), timestamp: quantity(head.at / 1_000 + 1), hash: null, transactions },
  };
}

function transactionByHash(chain: SimulatedChain, [hash]: readonly unknown[]): Answer {
  if (!isHex(hash, 32)) return { error: INVALID_PARAMS };
  const found = chain.transaction(hash);
  return { result: found === undefined ? null : transaction(chain, found) };
}

/** Everybody bids twice the base fee and everybody's tip. */
function transaction(chain: SimulatedChain, { hash, block }: SimulatedTransaction): Wire {
  const cap = quantity(2n * chain.baseFeeWei() + TIP_WEI);
  return {
    hash,
    blockNumber: block === undefined ? null : quantity(block),
    gasPrice: cap,
    maxFeePerGas: cap,
    maxPriorityFeePerGas: quantity(TIP_WEI),
  };
}

/** An address without code answers with nothing, a contract that lacks the function reverts. */
function call(chain: SimulatedChain, [message]: readonly unknown[]): Answer {
  const { to, data } = fieldsOf(message);
  if (!isHex(to, 20) || typeof data !== "string") return { error: INVALID_PARAMS };
  if (to !== chain.contracts.rate && to !== chain.contracts.uptime) return { result: "0x" };
  const view = VIEWS.find(({ contract, selector }) => chain.contracts[contract] === to && data.startsWith(selector));
  if (view === undefined) return { error: { code: 3, message: "execution reverted" } };
  return { result: toHex(encodeWords(view.read(chain))) };
}

type View = {
  readonly contract: keyof SimulatedChain["contracts"];
  readonly selector: Hex;
  readonly read: (chain: SimulatedChain) => readonly (bigint | number)[];
};

const VIEWS: readonly View[] = [
  { contract: "rate", selector: selectorOf("stEthPerToken()"), read: (chain) => [chain.settings().rate] },
  { contract: "uptime", selector: selectorOf("decimals()"), read: () => [0] },
  {
    contract: "uptime",
    selector: selectorOf("latestRoundData()"),
    read: (chain) => {
      const since = Math.floor(chain.sequencerSince() / 1_000);
      return [1, chain.settings().sequencer === "up" ? 0 : 1, since, since, 1];
    },
  },
];

function selectorOf(signature: string): Hex {
  return toHex(keccak(utf8(signature)).subarray(0, 4));
}

function quantity(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
