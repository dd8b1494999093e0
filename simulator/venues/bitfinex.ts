import { formatAmount } from "../../protocol/amount.ts";
import type { SimulatedTicker, SimulatedVenue } from "../venue.ts";
import { notFound, type RawNumber, respondJson, symbolTable, type Wire } from "./wire.ts";

const SINGLE = /^\/v2\/ticker\/(.+)$/;
const NAMES: ReadonlyMap<string, string> = new Map([
  ["USDT", "UST"],
  ["USDC", "UDC"],
  ["WBTC", "WBT"],
]);

/** Bitfinex: bare arrays of numbers without times; a batch leaves unknown symbols out, the single ticker refuses them. */
export const bitfinex: SimulatedVenue = {
  venue: "bitfinex",
  respond: (request, markets) => {
    const table = symbolTable(markets, spell);
    const single = SINGLE.exec(request.path.replace("%3A", ":"))?.[1];
    if (request.method !== "GET" || (single === undefined && request.path !== "/v2/tickers")) return notFound(request);
    if (single === undefined) return respondJson(rowsOf(request.query.get("symbols") ?? "", table));
    const ticker = table.get(single);
    return ticker === undefined ? respondJson(["error", 10020, "symbol: invalid"], 500) : respondJson(numbersOf(ticker));
  },
};

function rowsOf(symbols: string, table: ReadonlyMap<string, SimulatedTicker>): readonly Wire[] {
  const asked = symbols === "ALL" ? [...table.keys()] : symbols.split(",");
  return asked.flatMap((symbol) => {
    const ticker = table.get(symbol);
    return ticker === undefined ? [] : [[symbol, ...numbersOf(ticker)]];
  });
}

function spell(base: string, quote: string): string {
  const [b, q] = [NAMES.get(base) ?? base, NAMES.get(quote) ?? quote];
  return b.length === 3 && q.length === 3 ? `t${b}${q}` : `t${b}:${q}`;
}

/** BID, BID_SIZE, ASK, ASK_SIZE, DAILY_CHANGE, DAILY_CHANGE_RELATIVE, LAST_PRICE, VOLUME, HIGH, LOW. */
function numbersOf(ticker: SimulatedTicker): readonly Wire[] {
  const last = raw(ticker.last);
  return [raw(ticker.bid), 2.55279457, raw(ticker.ask), 6.36068263, 126.6, 0.0175, last, raw(ticker.volume), last, last];
}

function raw(amount: bigint): RawNumber {
  return { raw: formatAmount(amount) };
}
