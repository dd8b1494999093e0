import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, partsOf, respondJson, type Wire } from "./wire.ts";

const SINGLE = /^\/api\/ticker\/([a-z0-9.]+)$/;

/** Indodax: prices as strings, the server's clock in seconds, the volumes' keys named after the assets; errors with status 200. */
export const indodax: SimulatedVenue = {
  venue: "indodax",
  respond: (request, markets) => {
    if (request.method !== "GET") return notFound(request);
    if (request.path === "/api/ticker_all") {
      const tickers = [...markets].map(([market, ticker]) => [partsOf(market.toLowerCase()).join("_"), recordOf(market, ticker)]);
      return respondJson({ tickers: Object.fromEntries(tickers) });
    }
    const symbol = SINGLE.exec(request.path)?.[1];
    if (symbol === undefined) return notFound(request);
    const market = [...markets.keys()].find((each) => partsOf(each.toLowerCase()).join("") === symbol);
    const ticker = market === undefined ? undefined : markets.get(market);
    if (market === undefined || ticker === undefined) {
      return respondJson({ error: "invalid_pair", error_description: "Invalid Pair" });
    }
    return respondJson({ ticker: recordOf(market, ticker) });
  },
};

function recordOf(market: string, ticker: SimulatedTicker): Wire {
  const [base, quote] = partsOf(market.toLowerCase());
  return {
    high: formatAmount(ticker.last),
    low: formatAmount(ticker.last),
    [`vol_${base}`]: formatAmount(ticker.volume),
    [`vol_${quote}`]: "113619.71423736",
    last: formatAmount(ticker.last),
    buy: formatAmount(ticker.bid),
    sell: formatAmount(ticker.ask),
    server_time: Math.floor(ticker.at / 1_000),
  };
}
