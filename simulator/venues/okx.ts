import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

/** OKX: everything a string, the envelope's code too; an unknown instrument is an error at status 200. */
export const okx: SimulatedVenue = {
  venue: "okx",
  respond: (request, markets) => {
    const table = symbolTable(markets, (base, quote) => `${base}-${quote}`);
    if (request.method === "GET" && request.path === "/api/v5/market/tickers") {
      return respondJson({ code: "0", msg: "", data: [...table].map(([instId, ticker]) => recordOf(instId, ticker)) });
    }
    if (request.method !== "GET" || request.path !== "/api/v5/market/ticker") return notFound(request);
    const instId = request.query.get("instId") ?? "";
    const ticker = table.get(instId);
    if (ticker === undefined) return respondJson({ code: "51001", msg: "Instrument ID doesn't exist.", data: [] });
    return respondJson({ code: "0", msg: "", data: [recordOf(instId, ticker)] });
  },
};

function recordOf(instId: string, ticker: SimulatedTicker): Wire {
  return {
    instType: "SPOT",
    instId,
    last: formatAmount(ticker.last),
    lastSz: "0.044378",
    askPx: formatAmount(ticker.ask),
    askSz: "4.2",
    bidPx: formatAmount(ticker.bid),
    bidSz: "6.050058",
    vol24h: formatAmount(ticker.volume),
    ts: String(ticker.at),
  };
}
