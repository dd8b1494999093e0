import { type ConfigFault, parseNetworkConfig } from "../../protocol/config.ts";

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
