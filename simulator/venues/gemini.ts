import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedVenue } from "../venue.ts";
import { notFound, partsOf, respondJson } from "./wire.ts";

const TICKER = /^\/v1\/pubticker\/([a-z0-9]+)$/;

/** Gemini: prices as strings, the volume by asset with the end of its window as a number. */
export const gemini: SimulatedVenue = {
  venue: "gemini",
  respond: (request, markets) => {
    const symbol = TICKER.exec(request.path)?.[1];
    if (request.method !== "GET" || symbol === undefined) return notFound(request);
    const market = [...markets.keys()].find((name) => partsOf(name).join("").toLowerCase() === symbol);
    const ticker = market === undefined ? undefined : markets.get(market);
    if (market === undefined || ticker === undefined) {
      return respondJson(
        { result: "error", reason: "InvalidSymbol", message: `Supplied value '${symbol}' is not a valid symbol` },
        400,
      );
    }
    const [base, quote] = partsOf(market);
    return respondJson({
      bid: formatAmount(ticker.bid),
      ask: formatAmount(ticker.ask),
      volume: { [base]: formatAmount(ticker.volume), [quote]: "14727307.57545006088", timestamp: ticker.at },
      last: formatAmount(ticker.last),
    });
  },
};
