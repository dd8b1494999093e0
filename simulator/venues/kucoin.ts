import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

/** KuCoin: prices as strings, times as numbers, one time for the whole list; an unknown symbol gets its name over nulls. */
export const kucoin: SimulatedVenue = {
  venue: "kucoin",
  respond: (request, markets) => {
    const table = symbolTable(markets, (base, quote) => `${base}-${quote}`);
    if (request.method === "GET" && request.path === "/api/v1/market/allTickers") {
      const time = Math.max(0, ...[...table.values()].map(({ at }) => at));
      return respondJson({
        code: "200000",
        data: { time, ticker: [...table].map(([symbol, ticker]) => recordOf(symbol, ticker)) },
      });
    }
    if (request.method !== "GET" || request.path !== "/api/v1/market/stats") return notFound(request);
    const symbol = request.query.get("symbol") ?? "";
    const ticker = table.get(symbol);
    const record = ticker === undefined ? { symbol, buy: null, sell: null, last: null, vol: null } : recordOf(symbol, ticker);
    return respondJson({ code: "200000", data: { time: ticker?.at ?? 0, ...record } });
  },
};

function recordOf(symbol: string, ticker: SimulatedTicker): { readonly [key: string]: Wire } {
  return {
    symbol,
    buy: formatAmount(ticker.bid),
    sell: formatAmount(ticker.ask),
    changeRate: "-0.0055",
    vol: formatAmount(ticker.volume),
    last: formatAmount(ticker.last),
    takerFeeRate: "0.001",
  };
}
