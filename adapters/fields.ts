import { parseAmount } from "../protocol/amount.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import type { Fault, MarketAnswer, Quote, VenueRequest } from "./adapter.ts";
import type { Json } from "./json.ts";
import { type TimeUnit, timeOf } from "./times.ts";

/** A place in a venue's record and what stands there; `path` names it in a fault's detail. */
export type Field = { readonly path: string; readonly value: Json | undefined; readonly misplaced?: true };

/**
 * The value at a path of keys and indexes. A missing key or a `null` on the way is an absent field; a scalar on the way is
 * `misplaced`, which reads as `malformed`.
 *
 * @example
 * at(ticker, "a", 0); // { path: "a[0]", value: "73380.70000" }
 */
export function at(record: Json, ...steps: readonly (string | number)[]): Field {
  let value: Json | undefined = record;
  let path = "";
  for (const step of steps) {
    path += typeof step === "number" ? `[${step}]` : path === "" ? step : `.${step}`;
    if (value === undefined || value === null) continue;
    if (typeof step === "string" && value instanceof Map) value = value.get(step);
    else if (typeof step === "number" && Array.isArray(value)) value = value[step];
    else return { path, value: undefined, misplaced: true };
  }
  return { path, value };
}

/** The field's text, whether the venue wrote a string or a number; undefined for anything else. */
export function textOf(field: Field): string | undefined {
  const { value } = field;
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null && "number" in value ? value.number : undefined;
}

/** The field's list; undefined when it is none. */
export function listOf(field: Field): readonly Json[] | undefined {
  return Array.isArray(field.value) ? field.value : undefined;
}

export type Timed = { readonly field: Field; readonly unit: TimeUnit };

export type QuoteFields = {
  readonly bid?: Field;
  readonly ask?: Field;
  readonly last?: Field;
  readonly volume?: Field;
  readonly bookAt?: Timed;
  readonly lastAt?: Timed;
};

const PRICES = ["bid", "ask", "last"] as const;
const TIMES = ["bookAt", "lastAt"] as const;

/**
 * A venue's fields → quote. `null`, `""` and a missing key are absent, so a one-sided book shows as exactly one of bid and ask.
 * Faults, in this order: `malformed` (bid, ask, last, bookAt, lastAt is no decimal or no plausible time; or none of the three
 * prices is there), `non-positive` (a price is zero or negative), `crossed` (bid > ask; equal is a locked book, not crossed).
 * A volume that does not parse is left out: no price rests on it.
 *
 * @example
 * readQuote("BTC/USDT", { bid: at(record, "bidPx"), ask: at(record, "askPx") }); // { ok: true, value: { market, bid, ask } }
 */
export function readQuote(market: string, fields: QuoteFields): Result<Quote, Fault> {
  const quote: { -readonly [K in keyof Quote]: Quote[K] } = { market };
  let nonPositive: string | undefined;
  for (const name of PRICES) {
    const field = fields[name];
    if (field === undefined || isAbsent(field)) continue;
    const price = parseAmount(textOf(field) ?? "");
    if (price.ok && price.value > 0n) quote[name] = price.value;
    else if (price.ok || price.error === "negative") nonPositive ??= field.path;
    else return malformed(`${field.path}: expected a decimal (${price.error})`);
  }
  for (const name of TIMES) {
    const timed = fields[name];
    if (timed === undefined || isAbsent(timed.field)) continue;
    const time = timeOf(textOf(timed.field) ?? "", timed.unit);
    if (time === undefined) return malformed(`${timed.field.path}: expected a time in ${timed.unit}`);
    quote[name] = time;
  }
  if (nonPositive !== undefined) return fail({ code: "non-positive", detail: `${nonPositive}: expected more than zero` });
  if (quote.bid === undefined && quote.ask === undefined && quote.last === undefined) return malformed("no bid, ask or last");
  if (quote.bid !== undefined && quote.ask !== undefined && quote.bid > quote.ask) {
    return fail({ code: "crossed", detail: `${fields.bid?.path} above ${fields.ask?.path}` });
  }
  const volume = fields.volume === undefined ? undefined : parseAmount(textOf(fields.volume) ?? "");
  if (volume?.ok) quote.volume = volume.value;
  return ok(quote);
}

/** One answer for each market of the request, in its order; a fault of the whole response is every market's fault. */
export function answerEach<T>(
  request: VenueRequest,
  body: Result<T, Fault>,
  quoteOf: (market: string, body: T) => Result<Quote, Fault>,
): readonly MarketAnswer[] {
  return request.markets.map((market) => ({ market, answer: body.ok ? quoteOf(market, body.value) : body }));
}

/** A venue's records by symbol. */
export type RecordIndex = ReadonlyMap<string | undefined, readonly Json[]>;

/** The list at a path, indexed by each record's text at `key`; `malformed` when there is no list. */
export function indexRecords(list: Field, key: string): Result<RecordIndex, Fault> {
  const records = listOf(list);
  if (records === undefined) return malformed(`${list.path || "body"}: expected a list`);
  return ok(Map.groupBy(records, (record) => textOf(at(record, key))));
}

/** The one record of a symbol: none is `unknown-market`, two contradict each other and are `malformed`. */
export function recordOf(index: RecordIndex, symbol: string): Result<Json, Fault> {
  const [record, second] = index.get(symbol) ?? [];
  if (record === undefined) return unknownMarket(symbol);
  return second === undefined ? ok(record) : malformed(`two records for ${symbol}`);
}

/** `BASE/QUOTE` in two; a market without a slash is a base alone and no venue will know it. */
/** The symbol of the venues that write base and quote together. @example joinedSymbol("BTC/USDT"); // "BTCUSDT" */
export function joinedSymbol(market: string): string {
  const { base, quote } = splitMarket(market);
  return `${base}${quote}`;
}

export function splitMarket(market: string): { readonly base: string; readonly quote: string } {
  const [base = "", quote = ""] = market.split("/");
  return { base, quote };
}

/** @example batchesOf(["A", "B", "C"], 2); // [["A", "B"], ["C"]] */
export function batchesOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

export function malformed(detail: string): { readonly ok: false; readonly error: Fault } {
  return fail({ code: "malformed", detail });
}

export function unknownMarket(symbol: string): { readonly ok: false; readonly error: Fault } {
  return fail({ code: "unknown-market", detail: `the venue does not know ${symbol}` });
}

function isAbsent(field: Field): boolean {
  return field.misplaced !== true && (field.value === undefined || field.value === null || field.value === "");
}
