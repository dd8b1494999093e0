import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, partsOf, respondJson, type Wire } from "./wire.ts";

const TICKER = /^\/api\/v2\/ticker\/(?:([a-z0-9]+)\/)?$/;

/** Bitstamp: all strings, the time in whole seconds; only the list names its pairs, and an unknown pair is a web page. */
export const bitstamp: SimulatedVenue = {
  venue: "bitstamp",
  respond: (request, markets) => {
    const match = TICKER.exec(request.path);
    if (request.method !== "GET" || match === null) return notFound(request);
    if (match[1] === undefined) {
      return respondJson([...markets].map(([pair, ticker]) => ({ ...recordOf(ticker), pair })));
    }
    const market = [...markets.keys()].find((name) => partsOf(name).join("").toLowerCase() === match[1]);
    const ticker = market === undefined ? undefined : markets.get(market);
    return ticker === undefined ? notFound(request) : respondJson(recordOf(ticker));
  },
};

function recordOf(ticker: SimulatedTicker): { readonly [key: string]: Wire } {
  return {
    timestamp: String(Math.floor(ticker.at / 1000)),
    last: formatAmount(ticker.last),
    volume: formatAmount(ticker.volume),
    bid: formatAmount(ticker.bid),
    ask: formatAmount(ticker.ask),
    side: "0",
    percent_change_24: "1.58",
  };
}
