import { formatAmount, parseAmount } from "../../../protocol/amount.ts";
import { type ControlledWorld, controlFaults, controlMarket } from "../../../simulator/control.ts";
import { createMarket } from "../../../simulator/market.ts";
import { classOf, ensure, type Target } from "../target.ts";

const AT = 1_763_800_000_000;
const LISTINGS = new Map([
  ["binance", ["BTC/USDT", "ETH/USDT"]],
  ["kraken", ["BTC/USD", "ETH/USD"]],
]);

/** A body of the development network's control API, parsed as JSON. */
export const control: Target = {
  name: "control",
  about: "bodies of the development network's control API, and a market that goes on quoting afterwards",
  covers: ["simulator/control.ts", "simulator/market.ts", "simulator/world.ts", "simulator/faults.ts"],
  shape: "json",
  maxBytes: 8 * 1024,
  batch: 64,
  limitMs: 500,
  maxAllocation: 8 * 2 ** 20,
  dictionary: [
    "ETH/USD",
    "binance",
    "moveBps",
    "price",
    "overMs",
    "offset",
    "freeze",
    "latency",
    "status",
    "malformed",
    "down",
    "bps",
    "market",
  ],
  open: async () => ({ seeds: seedsOf(), execute, close: async () => undefined }),
};

function seedsOf(): readonly Uint8Array[] {
  const bodies = [
    { feed: "ETH/USD", moveBps: -4_000, overMs: 5_000 },
    { feed: "BTC/USD", moveBps: 100_000_000 },
    { feed: "ETH/USD", price: "1.12", overMs: 0 },
    { feed: "USDT/USD", price: "1000000000000" },
    { venue: "binance", market: "ETH/USDT", fault: "offset", bps: -3_000 },
    { venue: "binance", fault: "freeze" },
    { venue: "kraken", fault: "latency", ms: 500 },
    { venue: "kraken", market: "BTC/USD", fault: "status", status: 503 },
    { venue: "kraken", fault: "malformed" },
    { venue: "kraken", fault: "down" },
  ];
  return bodies.map((body) => new Uint8Array(Buffer.from(JSON.stringify(body))));
}

function execute(input: Uint8Array): string {
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(input).toString("utf8"));
  } catch {
    return "not JSON";
  }
  const market = createMarket({ seed: 1, listings: LISTINGS, startAt: AT });
  const world: ControlledWorld = {
    move: (command) => market.move(command, AT + 250),
    setPrice: (command) => market.setPrice(command, AT + 250),
    addFault: (fault) => market.addFault(fault, AT + 250),
    clearFaults: market.clearFaults,
    state: () => ({
      at: market.at(),
      feeds: [...market.feeds()].map(([feed, price]) => ({ feed, price: formatAmount(price) })),
      faults: market.faults(),
    }),
  };
  const outcomes = [controlMarket(world, body), controlMarket(world, body), controlFaults(world, body)].map((done) =>
    done.ok ? "done" : classOf(`${done.error.field}: ${done.error.problem}`),
  );
  market.advance(AT + 10_000);
  for (const venue of LISTINGS.keys())
    for (const [, ticker] of market.tickers(venue)) ensure(ticker.bid <= ticker.ask, "a market quotes a book");
  for (const { price } of world.state().feeds) ensure(parseAmount(price).ok, "a true price is an amount");
  return outcomes.join("; ");
}
