import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, type RawNumber, respondJson, symbolTable, type Wire } from "./wire.ts";

/** HTX: prices as JSON numbers, errors with status 200; `ts` is the response's time, here that of the newest market. */
export const htx: SimulatedVenue = {
  venue: "htx",
  respond: (request, markets) => {
    const table = symbolTable(markets, (base, quote) => `${base}${quote}`.toLowerCase());
    const ts = Math.max(0, ...[...table.values()].map(({ at }) => at));
    if (request.method !== "GET") return notFound(request);
    if (request.path === "/market/tickers") {
      return respondJson({ data: [...table].map(([symbol, ticker]) => recordOf(symbol, ticker)), status: "ok", ts });
    }
    if (request.path !== "/market/detail/merged") return notFound(request);
    const symbol = request.query.get("symbol") ?? "";
    const ticker = table.get(symbol);
    if (ticker !== undefined)
      return respondJson({ ch: `market.${symbol}.detail.merged`, status: "ok", ts, tick: tickOf(ticker) });
    return respondJson({ ts, status: "error", "err-code": "invalid-parameter", "err-msg": "invalid symbol" });
  },
};

function recordOf(symbol: string, ticker: SimulatedTicker): Wire {
  const { bid, ask, ...day } = sidesOf(ticker);
  return { symbol, ...day, bid, bidSize: 0.7136, ask, askSize: 0.4156 };
}

function tickOf(ticker: SimulatedTicker): Wire {
  const { bid, ask, ...day } = sidesOf(ticker);
  return { id: 311_869_842_476, version: 311_869_842_476, ...day, bid: [bid, 0.204], ask: [ask, 0.8] };
}

function sidesOf(ticker: SimulatedTicker): { readonly [key: string]: Wire; readonly bid: Wire; readonly ask: Wire } {
  const close = raw(ticker.last);
  return {
    open: close,
    high: close,
    low: close,
    close,
    amount: raw(ticker.volume),
    vol: 238_221_682.42,
    count: 265_846,
    bid: raw(ticker.bid),
    ask: raw(ticker.ask),
  };
}

function raw(amount: bigint): RawNumber {
  return { raw: formatAmount(amount) };
}
