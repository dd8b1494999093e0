import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

/** MEXC: prices as strings; one symbol (an object) or all of them (a list). */
export const mexc: SimulatedVenue = {
  venue: "mexc",
  respond: (request, markets) => {
    if (request.method !== "GET" || request.path !== "/api/v3/ticker/24hr") return notFound(request);
    const table = symbolTable(markets, (base, quote) => `${base}${quote}`);
    const symbol = request.query.get("symbol");
    if (symbol === null) return respondJson([...table].map(([each, ticker]) => recordOf(each, ticker)));
    const ticker = table.get(symbol);
    if (ticker !== undefined) return respondJson(recordOf(symbol, ticker));
    return respondJson({ code: -1121, msg: "Invalid symbol.", _extend: null }, 400);
  },
};

function recordOf(symbol: string, ticker: SimulatedTicker): Wire {
  return {
    symbol,
    priceChange: "184.34",
    priceChangePercent: "0.0017",
    prevClosePrice: formatAmount(ticker.last),
    lastPrice: formatAmount(ticker.last),
    bidPrice: formatAmount(ticker.bid),
    bidQty: "10.010045",
    askPrice: formatAmount(ticker.ask),
    askQty: "6.337532",
    openPrice: formatAmount(ticker.last),
    highPrice: formatAmount(ticker.last),
    lowPrice: formatAmount(ticker.last),
    volume: formatAmount(ticker.volume),
    quoteVolume: "554877037.44",
    openTime: ticker.at - 19_000,
    closeTime: ticker.at,
    count: null,
  };
}
