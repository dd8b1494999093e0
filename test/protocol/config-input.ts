import { type ConfigFault, type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";

/** Plain values as a YAML reader gives them; a case edits its own copy. */
export type Plain = Record<string, unknown>;
export type Input = Plain & {
  committee: Plain[];
  basket: Plain[];
  chains: Plain[];
  feeds: (Plain & { thresholds: Plain; sources: (Plain & { convert: Plain[] })[] })[];
};

const VENUES = ["binance", "coinbase", "kraken", "okx", "bitstamp", "gemini"];
export const FEEDS = ["BTC/USD", "ETH/USD", "SOL/USD", "USDT/USD", "WSTETH/ETH"] as const;
export const [BTC, ETH, SOL, USDT, WSTETH] = [0, 1, 2, 3, 4] as const;

export function base(): Input {
  const direct = (market: string) => VENUES.map((venue) => ({ venue, market, weight: 1, convert: [] }));
  const paths = VENUES.map((venue) => ({
    venue,
    market: "WSTETH/USDT",
    weight: 1,
    convert: [{ multiply: "USDT/USD" }, { divide: "ETH/USD" }],
  }));
  return {
    network: "test",
    rules: 1,
    committee: [1, 2, 3, 4].map((digit) => ({ name: `node-${digit}`, address: `0x${String(digit).repeat(40)}` })),
    chains: [{ chain: "ETHEREUM", blockMs: 12_000 }],
    basket: ["BTC/USD", "ETH/USD", "SOL/USD"].map((feed) => ({ feed, weight: 30 })),
    feeds: FEEDS.map((feed, index) => ({
      feed,
      preset: index === USDT ? "stable" : index === WSTETH ? "staked" : "major",
      thresholds: {},
      sources: index === WSTETH ? paths : direct(feed),
    })),
  };
}

export function edited(edit: (input: Input) => void): Input {
  const input = base();
  edit(input);
  return input;
}

export function parsed(input: unknown) {
  const result = parseNetworkConfig(input);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

export function faultsOf(input: unknown): readonly string[] {
  const result = parseNetworkConfig(input);
  return result.ok ? [] : result.error.map(({ path, expected }: ConfigFault) => `${path}: ${expected}`);
}

/** `at(input.feeds, 1)`: an element that the base has. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`the base has no item ${index}`);
  return item;
}

export const feed = (input: Input, index: number) => at(input.feeds, index);
export const source = (input: Input, index: number, position = 0) => at(feed(input, index).sources, position);
export const member = (input: Input, index: number) => at(input.committee, index);

export const holderAddress = (digit: string) => `0x${digit.repeat(40)}`;
/** Keyholders of these digits. */
export const holders = (prefix: string, digits: string) =>
  [...digits].map((digit) => ({ name: `${prefix}-${digit}`, address: holderAddress(digit) }));

export type GovernedInput = Input & {
  governance: Plain & { governors: Plain[]; guardians: Plain[] };
  references: (Plain & { read: Plain })[];
};

/** The base with five governors, three guardians, and references of every kind. */
export function governed(edit: (input: GovernedInput) => void = () => undefined): GovernedInput {
  const input = edited(() => undefined) as GovernedInput;
  input.governance = { governors: holders("governor", "56789"), quorum: 3, guardians: holders("guardian", "abc") };
  const pool = { pool: holderAddress("d"), base: "token0", baseDecimals: 18, quoteDecimals: 6 };
  input.references = [
    {
      name: "steth-rate",
      market: "WSTETH/STETH",
      read: { kind: "exchange-rate", contract: holderAddress("e"), method: "stEthPerToken", decimals: 18 },
    },
    { name: "link-usd", market: "SOL/USD", read: { kind: "chainlink", contract: holderAddress("f") } },
    { name: "pool-twap", market: "SOL/USD", read: { kind: "uniswap-v3-twap", ...pool, windowMs: 60_000 } },
    { name: "pool-spot", market: "SOL/USD", read: { kind: "uniswap-v3-spot", ...pool } },
  ].map((reference) => ({ chain: "ETHEREUM", ...reference }));
  feed(input, WSTETH).peg = { rate: "steth-rate" };
  Object.assign(source(input, SOL, 0), { venue: "link-usd", group: "ethereum" });
  Object.assign(source(input, SOL, 1), {
    venue: "pool-twap",
    group: "ethereum",
    cap: { value: "200.5", at: 1_795_300_000_000, growthBps: 500 },
  });
  edit(input);
  return input;
}

/** The governed base one version later, edited. */
export function nextConfig(edit: (input: GovernedInput) => void = () => undefined): NetworkConfig {
  return parsed(
    governed((input) => {
      input.version = 2;
      edit(input);
    }),
  );
}
