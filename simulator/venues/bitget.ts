import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

/** Bitget: prices and each ticker's time as strings; one symbol (still a list) or all of them. */
export const bitget: SimulatedVenue = {
  venue: "bitget",
  respond: (request, markets) => {
    if (request.method !== "GET" || request.path !== "/api/v2/spot/market/tickers") return notFound(request);
    const table = symbolTable(markets, (base, quote) => `${base}${quote}`);
    const requestTime = Math.max(0, ...[...table.values()].map(({ at }) => at));
    const symbol = request.query.get("symbol");
    const asked = symbol === null ? [...table] : [...table].filter(([each]) => each === symbol);
    if (symbol !== null && asked.length === 0) {
      return respondJson({ code: "40034", msg: `Parameter ${symbol} does not exist`, requestTime, data: null }, 400);
    }
    const data = asked.map(([each, ticker]) => recordOf(each, ticker));
    return respondJson({ code: "00000", msg: "success", requestTime, data });
  },
};

function recordOf(symbol: string, ticker: SimulatedTicker): Wire {
  return {
    open: formatAmount(ticker.last),
    symbol,
    high24h: formatAmount(ticker.last),
    low24h: formatAmount(ticker.last),
    lastPr: formatAmount(ticker.last),
    quoteVolume: "519127705.303",
    baseVolume: formatAmount(ticker.volume),
    usdtVolume: "519127705.302908",
    ts: String(ticker.at),
    bidPr: formatAmount(ticker.bid),
    askPr: formatAmount(ticker.ask),
    bidSz: "0.0007",
    askSz: "0.0829",
    openUtc: formatAmount(ticker.last),
    changeUtc24h: "0.00359",
    change24h: "0.00321",
  };
}
