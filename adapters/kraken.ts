import { fail, ok, type Result } from "../protocol/result.ts";
import type { Adapter, Fault, FaultCode } from "./adapter.ts";
import { answerEach, at, batchesOf, listOf, malformed, readQuote, splitMarket, textOf, unknownMarket } from "./fields.ts";
import type { Json, JsonObject } from "./json.ts";
import { readBody, type VenueRules } from "./response.ts";

/**
 * Kraken spot, `GET /0/public/Ticker?pair=XBTUSD,ETHUSD`: one request for all markets, because public calls are limited to
 * about one a second per address, whatever they ask.
 *
 * One unknown pair fails the whole batch with `EQuery:Unknown asset pair` and is not named: every market of that request
 * answers `unknown-market`, and asking each alone finds the bad one (P8).
 *
 * No times: the ticker carries none.
 */
export const kraken: Adapter = {
  venue: "kraken",
  baseUrl: "https://api.kraken.com",
  docs: "https://docs.kraken.com/api/docs/rest-api/get-ticker-information",
  requestsPerSecond: 0.9,
  request: (markets) =>
    batchesOf(markets, PAIRS_PER_REQUEST).map((batch) => ({
      method: "GET",
      path: `/0/public/Ticker?pair=${batch.map((market) => encodeURIComponent(spellingsOf(market)[0])).join(",")}`,
      markets: batch,
    })),
  parse: (request, response) => {
    const body = readBody(response, RULES);
    const tickers = body.ok ? resultOf(body.value) : body;
    return answerEach(request, tickers, (market, result) => {
      const record = recordOf(result, market);
      if (!record.ok) return record;
      return readQuote(market, {
        bid: at(record.value, "b", 0),
        ask: at(record.value, "a", 0),
        last: at(record.value, "c", 0),
        volume: at(record.value, "v", 1),
      });
    });
  },
};

/** A hundred pairs keep the address under a kilobyte and a half. */
const PAIRS_PER_REQUEST = 100;

/** Kraken's own names. */
const RENAMED: Readonly<Record<string, string>> = { BTC: "XBT", DOGE: "XDG" };

/** Assets of before 2017 answer under a name with a letter before it: X for coins, Z for money. */
const PREFIXED = new Map([
  ...["XBT", "XDG", "ETH", "ETC", "LTC", "MLN", "REP", "XLM", "XMR", "XRP", "ZEC"].map((coin) => [coin, `X${coin}`] as const),
  ...["AUD", "CAD", "EUR", "GBP", "JPY", "USD"].map((money) => [money, `Z${money}`] as const),
]);

/**
 * The name to ask for, then the other names under which the same pair may answer.
 *
 * @example
 * spellingsOf("BTC/USD"); // ["XBTUSD", "XXBTZUSD", "XBTZUSD", "XXBTUSD", "BTC/USD"]
 */
function spellingsOf(market: string): readonly [string, ...string[]] {
  const parts = splitMarket(market);
  const base = RENAMED[parts.base] ?? parts.base;
  const quote = RENAMED[parts.quote] ?? parts.quote;
  const oldBase = PREFIXED.get(base) ?? base;
  const oldQuote = PREFIXED.get(quote) ?? quote;
  return [`${base}${quote}`, `${oldBase}${oldQuote}`, `${base}${oldQuote}`, `${oldBase}${quote}`, market];
}

function resultOf(body: Json): Result<JsonObject, Fault> {
  const { value } = at(body, "result");
  return value instanceof Map ? ok(value) : malformed("result: expected an object");
}

function recordOf(result: JsonObject, market: string): Result<Json, Fault> {
  const spellings = spellingsOf(market);
  const names = [...new Set(spellings)].filter((name) => result.has(name));
  const [name, second] = names;
  if (name === undefined) return unknownMarket(spellings[0]);
  return second === undefined ? ok(result.get(name) ?? null) : fail({ code: "malformed", detail: `both ${name} and ${second}` });
}

/** By the beginning of the text, as after it Kraken may add particulars: https://docs.kraken.com/api/docs/guides/spot-errors */
const ERRORS: readonly (readonly [beginning: string, code: FaultCode])[] = [
  ["EQuery:Unknown asset pair", "unknown-market"],
  ["EGeneral:Too many requests", "rate-limited"],
  ["EGeneral:Temporary lockout", "rate-limited"],
  ["EAPI:Rate limit exceeded", "rate-limited"],
  ["EService:Throttled", "rate-limited"],
  ["EService:Unavailable", "maintenance"],
  ["EService:Busy", "maintenance"],
  ["EService:Market in", "maintenance"],
];

/** `error` lists texts; `E…` is an error, `W…` a warning beside a good result. Throttled names its end in Unix seconds. */
const RULES: VenueRules = {
  bodyFault: (body) => {
    const stated = errorOf(body);
    if (stated === undefined) return undefined;
    const [, code = "http-status"] = ERRORS.find(([beginning]) => stated.startsWith(beginning)) ?? [];
    return { code, detail: stated.slice(0, 80) };
  },
  retryAt: (_response, body) => {
    const until = /^EService:Throttled: ?(\d{10})$/.exec(errorOf(body ?? null) ?? "")?.[1];
    return until === undefined ? undefined : Number(until) * 1000;
  },
};

function errorOf(body: Json): string | undefined {
  const texts = (listOf(at(body, "error")) ?? []).map((error) => textOf({ path: "error", value: error }) ?? "E: not a text");
  return texts.find((text) => !text.startsWith("W"));
}
