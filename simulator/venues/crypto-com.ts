import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

/** Crypto.com: one-letter keys, prices as strings, the update time as a number; one instrument or all of them. */
export const cryptoCom: SimulatedVenue = {
  venue: "crypto.com",
  respond: (request, markets) => {
    if (request.method !== "GET" || request.path !== "/exchange/v1/public/get-tickers") return notFound(request);
    const table = symbolTable(markets, (base, quote) => `${base}_${quote}`);
    const name = request.query.get("instrument_name");
    const asked = name === null ? [...table.keys()] : [name];
    const data: Wire[] = [];
    for (const symbol of asked) {
      const ticker = table.get(symbol);
      if (ticker === undefined) return respondJson({ code: 40004, message: "Invalid instrument_name" }, 400);
      data.push(recordOf(symbol, ticker));
    }
    return respondJson({ id: -1, method: "public/get-tickers", code: 0, result: { data } });
  },
};

function recordOf(symbol: string, ticker: SimulatedTicker): Wire {
  return {
    i: symbol,
    h: formatAmount(ticker.last),
    l: formatAmount(ticker.last),
    a: formatAmount(ticker.last),
    v: formatAmount(ticker.volume),
    vv: "495479911.35",
    c: "0.0171",
    b: formatAmount(ticker.bid),
    k: formatAmount(ticker.ask),
    t: ticker.at,
  };
}
