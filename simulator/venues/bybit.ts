import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

/** Bybit v5: prices as strings, `retCode` and the envelope's `time` as numbers; an unknown symbol is 10001 at status 200. */
export const bybit: SimulatedVenue = {
  venue: "bybit",
  respond: (request, markets) => {
    if (request.method !== "GET" || request.path !== "/v5/market/tickers") return notFound(request);
    const table = symbolTable(markets, (base, quote) => `${base}${quote}`);
    const symbol = request.query.get("symbol");
    const shown = symbol === null ? [...table] : [...table].filter(([name]) => name === symbol);
    const time = Math.max(0, ...[...table.values()].map(({ at }) => at));
    if (symbol !== null && shown.length === 0) {
      return respondJson({ retCode: 10_001, retMsg: "Not supported symbols", result: {}, retExtInfo: {}, time });
    }
    const list = shown.map(([name, ticker]) => recordOf(name, ticker));
    return respondJson({ retCode: 0, retMsg: "OK", result: { category: "spot", list }, retExtInfo: {}, time });
  },
};

function recordOf(symbol: string, ticker: SimulatedTicker): Wire {
  return {
    symbol,
    bid1Price: formatAmount(ticker.bid),
    bid1Size: "2",
    ask1Price: formatAmount(ticker.ask),
    ask1Size: "1.862172",
    lastPrice: formatAmount(ticker.last),
    volume24h: formatAmount(ticker.volume),
    usdIndexPrice: "",
  };
}
