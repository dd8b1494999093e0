import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, type RawNumber, respondJson, symbolTable, type Wire } from "./wire.ts";

/** Upbit: the last trade as a JSON number with its time, no book; one unknown code fails the batch with 404 and names nobody. */
export const upbit: SimulatedVenue = {
  venue: "upbit",
  respond: (request, markets) => {
    if (request.method !== "GET" || request.path !== "/v1/ticker") return notFound(request);
    const table = symbolTable(markets, (base, quote) => `${quote}-${base}`);
    const records: Wire[] = [];
    for (const market of (request.query.get("markets") ?? "").split(",")) {
      const ticker = table.get(market);
      if (ticker === undefined) return respondJson({ error: { name: 404, message: "Code not found" } }, 404);
      records.push(recordOf(market, ticker));
    }
    return respondJson(records);
  },
};

function recordOf(market: string, ticker: SimulatedTicker): Wire {
  const price = raw(ticker.last);
  return {
    market,
    trade_timestamp: ticker.at,
    opening_price: price,
    high_price: price,
    low_price: price,
    trade_price: price,
    prev_closing_price: price,
    change: "RISE",
    change_price: 0,
    change_rate: 0,
    trade_volume: 0.00325605,
    acc_trade_price_24h: 506342.98398488,
    acc_trade_volume_24h: raw(ticker.volume),
    timestamp: ticker.at,
  };
}

function raw(amount: bigint): RawNumber {
  return { raw: formatAmount(amount) };
}
