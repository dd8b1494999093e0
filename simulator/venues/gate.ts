import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

/** Gate: prices as strings, no times; one pair (still a list) or all of them. */
export const gate: SimulatedVenue = {
  venue: "gate",
  respond: (request, markets) => {
    if (request.method !== "GET" || request.path !== "/api/v4/spot/tickers") return notFound(request);
    const table = symbolTable(markets, (base, quote) => `${base}_${quote}`);
    const pair = request.query.get("currency_pair");
    if (pair === null) return respondJson([...table].map(([symbol, ticker]) => recordOf(symbol, ticker)));
    const ticker = table.get(pair);
    if (ticker !== undefined) return respondJson([recordOf(pair, ticker)]);
    return respondJson({ label: "INVALID_CURRENCY_PAIR", message: `Invalid currency pair ${pair}` }, 400);
  },
};

function recordOf(symbol: string, ticker: SimulatedTicker): Wire {
  return {
    currency_pair: symbol,
    last: formatAmount(ticker.last),
    lowest_ask: formatAmount(ticker.ask),
    lowest_size: "0.17",
    highest_bid: formatAmount(ticker.bid),
    highest_size: "1.04",
    change_percentage: "0.24",
    base_volume: formatAmount(ticker.volume),
    quote_volume: "60887901.935971",
    high_24h: formatAmount(ticker.last),
    low_24h: formatAmount(ticker.last),
  };
}
