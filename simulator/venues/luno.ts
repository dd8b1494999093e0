import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

/** Luno: prices as strings, the tick's time as a number, Bitcoin as XBT; the batch leaves unknown pairs out, the single one refuses. */
export const luno: SimulatedVenue = {
  venue: "luno",
  respond: (request, markets) => {
    if (request.method !== "GET") return notFound(request);
    const table = symbolTable(markets, (base, quote) => `${codeOf(base)}${codeOf(quote)}`);
    const pairs = request.query.getAll("pair");
    if (request.path === "/api/1/tickers") {
      const asked = [...table].filter(([pair]) => pairs.length === 0 || pairs.includes(pair));
      return respondJson({ tickers: asked.map(([pair, ticker]) => recordOf(pair, ticker)) });
    }
    if (request.path !== "/api/1/ticker") return notFound(request);
    const [pair = ""] = pairs;
    const ticker = table.get(pair);
    if (ticker !== undefined) return respondJson(recordOf(pair, ticker));
    return respondJson({ error: "Market not available", error_code: "ErrMarketUnavailable" }, 400);
  },
};

function codeOf(asset: string): string {
  return asset === "BTC" ? "XBT" : asset;
}

function recordOf(pair: string, ticker: SimulatedTicker): Wire {
  return {
    pair,
    timestamp: ticker.at,
    bid: formatAmount(ticker.bid),
    ask: formatAmount(ticker.ask),
    last_trade: formatAmount(ticker.last),
    rolling_24_hour_volume: formatAmount(ticker.volume),
    status: "ACTIVE",
  };
}
