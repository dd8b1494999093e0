import { coinOf } from "../../adapters/hyperliquid.ts";
import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, respondJson, symbolTable, type Wire } from "./wire.ts";

const BOOK_REQUEST = /^\{"type":"l2Book","coin":"([^"\\]+)"\}$/;

/** Hyperliquid: one POST a coin, the book's levels as strings, its time as a number; an unknown coin is `null`. */
export const hyperliquid: SimulatedVenue = {
  venue: "hyperliquid",
  respond: (request, markets) => {
    if (request.method !== "POST" || request.path !== "/info") return notFound(request);
    const coin = BOOK_REQUEST.exec(request.body)?.[1];
    if (coin === undefined) {
      return { status: 422, contentType: "text/plain", body: "Failed to deserialize the JSON body into the target type" };
    }
    const ticker = symbolTable(markets, (base, quote) => coinOf(`${base}/${quote}`)).get(coin);
    return respondJson(ticker === undefined ? null : bookOf(coin, ticker));
  },
};

/** Two levels a side: the second must not be taken for the best. */
function bookOf(coin: string, ticker: SimulatedTicker): Wire {
  const bids = [ticker.bid, ticker.bid - ticker.bid / 1_000n];
  const asks = [ticker.ask, ticker.ask + ticker.ask / 1_000n];
  return { coin, time: ticker.at, levels: [bids.map(levelOf), asks.map(levelOf)] };
}

function levelOf(price: bigint): Wire {
  return { px: formatAmount(price), sz: "0.31694", n: 3 };
}
