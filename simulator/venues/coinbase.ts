import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable } from "./wire.ts";

const TICKER = /^\/products\/([^/]+)\/ticker$/;

/** Coinbase Exchange: all strings but the trade's number; the time is the last trade's, with microseconds. */
export const coinbase: SimulatedVenue = {
  venue: "coinbase",
  respond: (request, markets) => {
    const product = TICKER.exec(request.path)?.[1];
    if (request.method !== "GET" || product === undefined) return notFound(request);
    const ticker = symbolTable(markets, (base, quote) => `${base}-${quote}`).get(product);
    if (ticker === undefined) return respondJson({ message: "NotFound" }, 404);
    return respondJson({
      ask: formatAmount(ticker.ask),
      bid: formatAmount(ticker.bid),
      volume: formatAmount(ticker.volume),
      trade_id: 18_502_105,
      price: formatAmount(ticker.last),
      size: "0.00730812",
      time: new Date(ticker.at).toISOString().replace("Z", "099Z"),
    });
  },
};
