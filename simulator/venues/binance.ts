import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

const DAY_MS = 86_400_000;

/** Binance: prices as strings, times as numbers; one bad symbol fails the batch with -1121 and names nobody. */
export const binance: SimulatedVenue = {
  venue: "binance",
  respond: (request, markets) => {
    if (request.method !== "GET" || request.path !== "/api/v3/ticker/24hr") return notFound(request);
    const table = symbolTable(markets, (base, quote) => `${base}${quote}`);
    const asked = symbolsOf(request.query.get("symbols") ?? "");
    if (asked === undefined) return respondJson({ code: -1100, msg: "Illegal characters found in parameter 'symbols'." }, 400);
    const records: Wire[] = [];
    for (const symbol of asked) {
      const ticker = table.get(symbol);
      if (ticker === undefined) return respondJson({ code: -1121, msg: "Invalid symbol." }, 400);
      records.push(recordOf(symbol, ticker));
    }
    return respondJson(records);
  },
};

function symbolsOf(text: string): readonly string[] | undefined {
  return /^\["[A-Z0-9._-]+"(,"[A-Z0-9._-]+")*\]$/.test(text) ? text.slice(2, -2).split('","') : undefined;
}

function recordOf(symbol: string, ticker: SimulatedTicker): Wire {
  return {
    symbol,
    lastPrice: formatAmount(ticker.last),
    lastQty: "0.00731000",
    bidPrice: formatAmount(ticker.bid),
    bidQty: "7.15931000",
    askPrice: formatAmount(ticker.ask),
    askQty: "0.09592000",
    volume: formatAmount(ticker.volume),
    openTime: ticker.at - DAY_MS,
    closeTime: ticker.at,
    count: 1_933_312,
  };
}
