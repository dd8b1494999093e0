import { type FeedId, parseFeedId } from "../../protocol/feed.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";

/** A quote asset is read from the end of a symbol, the longest first; others need to be named by hand. */
const QUOTES = ["USDT", "USDC", "DAI", "USD", "EUR", "GBP", "BTC", "ETH"];
/** Copies of a venue get a number behind its name, and a config's names end at 32. */
const VENUE = /^[a-z0-9][a-z0-9.-]{0,27}$/;
const FILE = /^(?<venue>.+)-(?<symbol>[A-Z0-9]+)-\d+[smhd](?:-[\w.-]+)?\.csv$/;

export type FileMarket = { readonly venue: string; readonly market: FeedId };

/**
 * `<venue>-<SYMBOL>-<bar>.csv`, with anything after the bar's length.
 *
 * @example
 * parseFileName("kraken-BTCUSD-1m.csv"); // { venue: "kraken", market: "BTC/USD" }
 * parseFileName("binance-LUNAUSDT-1m-2022-05.csv"); // { venue: "binance", market: "LUNA/USDT" }
 */
export function parseFileName(name: string): Result<FileMarket, string> {
  const { venue = "", symbol = "" } = FILE.exec(name)?.groups ?? {};
  if (!VENUE.test(venue)) return fail("expected a name as kraken-BTCUSD-1m.csv (venue, symbol, length of a bar)");
  const quote = QUOTES.find((asset) => symbol.endsWith(asset) && symbol.length > asset.length);
  if (quote === undefined) return fail(`"${symbol}" ends with none of ${QUOTES.join(", ")}; name its feed`);
  const market = parseFeedId(`${symbol.slice(0, -quote.length)}/${quote}`);
  return market.ok ? ok({ venue, market: market.value }) : market;
}

/** The venue of a file whose feed was named by hand: what stands before its symbol, else the whole name. */
export function venueOf(name: string): Result<string, string> {
  const { venue = name.replace(/\.csv$/, "").toLowerCase() } = FILE.exec(name)?.groups ?? {};
  return VENUE.test(venue) ? ok(venue) : fail("expected a file name of a-z, 0-9, '.' and '-', at most 28, before .csv");
}
