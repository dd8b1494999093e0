import type { Adapter, VenueRequest } from "./adapter.ts";
import { answerEach, at, malformed, readQuote, textOf, unknownMarket } from "./fields.ts";
import type { Json } from "./json.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Hyperliquid spot, `POST /info {"type":"l2Book","coin":"@142"}`: one request a market, twenty levels a side, weight 2 of
 * 1 200 a minute and address.
 *
 * Why not `spotMetaAndAssetCtxs`, one request for everything: it has no bid and no ask. `midPx` is a mid whose spread nobody
 * can judge, `markPx` a mixture with other venues' prices (this network would count those twice), and nothing there has a
 * time; it costs weight 20 and 0.2 MB. `l2Book` is the book itself. It has no last and no volume.
 *
 * An unknown coin is `null` with status 200. A listed coin without any order reads as `malformed` (no bid, ask or last).
 *
 * `time` is the time of the block whose book this is, and blocks come several times a second: it is fresh on a quiet market
 * and stands still when the chain does.
 */
export const hyperliquid: Adapter = {
  venue: "hyperliquid",
  baseUrl: "https://api.hyperliquid.xyz",
  docs: "https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint#l2-book-snapshot",
  requestsPerSecond: 8,
  request: (markets) => markets.map(requestOf),
  parse: (request, response) => answerEach(request, readBody(response, RULES), quoteOf),
};

function requestOf(market: string): VenueRequest {
  return { method: "POST", path: "/info", body: JSON.stringify({ type: "l2Book", coin: coinOf(market) }), markets: [market] };
}

function quoteOf(market: string, book: Json): ReturnType<typeof readQuote> {
  const coin = coinOf(market);
  if (book === null) return unknownMarket(coin);
  if (textOf(at(book, "coin")) !== coin) return malformed(`coin: expected ${coin}`);
  return readQuote(market, {
    bid: at(book, "levels", 0, 0, "px"),
    ask: at(book, "levels", 1, 0, "px"),
    bookAt: { field: at(book, "time"), unit: "ms" },
  });
}

/**
 * Spot pairs go by `@` and the index in `spotMeta.universe`; only PURR/USDC has a name. UBTC, UETH and USOL are the native
 * coins bridged by Unit, one for one, and the venue's own page shows them as BTC, ETH and SOL. Without the prefix the same
 * letters name perpetuals, which are other markets.
 */
const COINS: ReadonlyMap<string, string> = new Map([
  ["HYPE/USDC", "@107"],
  ["BTC/USDC", "@142"],
  ["ETH/USDC", "@151"],
  ["SOL/USDC", "@156"],
]);

/** The name the venue gives a spot pair. @example coinOf("BTC/USDC"); // "@142" */
export function coinOf(market: string): string {
  return COINS.get(market) ?? market;
}

/** Words of the refusals that come in a body; a plain limit is status 429. */
const RULES: VenueRules = {
  bodyFault: (body) => {
    if (textOf(at(body, "status")) !== "err") return undefined;
    const words = textOf(at(body, "response")) ?? "";
    return { code: words.startsWith("Too many") ? "rate-limited" : "http-status", detail: "status err" };
  },
};
