import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, partsOf, respondJson, type Wire } from "./wire.ts";

/** What Kraken calls some assets when asked, and the older names under which pairs of theirs answer. */
const ASKED: Readonly<Record<string, string>> = { BTC: "XBT", DOGE: "XDG" };
const ANSWERED: Readonly<Record<string, string>> = {
  BTC: "XXBT",
  ETH: "XETH",
  XRP: "XXRP",
  LTC: "XLTC",
  USD: "ZUSD",
  EUR: "ZEUR",
};

/** Kraken: prices as strings in lists, no times; answers `XBTUSD` as `XXBTZUSD`, and one bad pair fails the batch at status 200. */
export const kraken: SimulatedVenue = {
  venue: "kraken",
  respond: (request, markets) => {
    if (request.method !== "GET" || request.path !== "/0/public/Ticker") return notFound(request);
    const table = new Map([...markets].map(([market, ticker]) => [askedAs(market), { name: answeredAs(market), ticker }]));
    const result: [string, Wire][] = [];
    for (const pair of (request.query.get("pair") ?? "").split(",")) {
      const found = table.get(pair);
      if (found === undefined) return respondJson({ error: ["EQuery:Unknown asset pair"] });
      result.push([found.name, recordOf(found.ticker)]);
    }
    return respondJson({ error: [], result: Object.fromEntries(result) });
  },
};

function askedAs(market: string): string {
  const [base, quote] = partsOf(market);
  return `${ASKED[base] ?? base}${ASKED[quote] ?? quote}`;
}

/** Old names come in pairs: ETH/USD is `XETHZUSD`, ETH/USDT stays `ETHUSDT`; USDT/USD alone is `USDTZUSD`. */
function answeredAs(market: string): string {
  const [base, quote] = partsOf(market);
  const [oldBase, oldQuote] = [ANSWERED[base], ANSWERED[quote]];
  if (market === "USDT/USD") return "USDTZUSD";
  return oldBase === undefined || oldQuote === undefined ? askedAs(market) : `${oldBase}${oldQuote}`;
}

function recordOf(ticker: SimulatedTicker): Wire {
  const volume = formatAmount(ticker.volume);
  return {
    a: [formatAmount(ticker.ask), "1", "1.000"],
    b: [formatAmount(ticker.bid), "1", "1.000"],
    c: [formatAmount(ticker.last), "0.00160710"],
    v: ["165.16072288", volume],
    t: [6405, 21_103],
    o: formatAmount(ticker.last),
  };
}
