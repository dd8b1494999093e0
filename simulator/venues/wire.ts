import type { SimulatedRequest, SimulatedResponse, SimulatedTicker } from "../venue.ts";

export type Markets = ReadonlyMap<string, SimulatedTicker>;

/** A number that goes out with exactly these digits, for venues that write prices as JSON numbers. */
export type RawNumber = { readonly raw: string };

/** What a simulated venue writes: JSON, a `bigint` as a JSON string being a mistake of the caller and refused by the type. */
export type Wire = null | boolean | string | number | RawNumber | readonly Wire[] | { readonly [key: string]: Wire };

/** @example jsonOf({ last: { raw: "1.10" }, symbol: "BTCUSDT" }); // '{"last":1.10,"symbol":"BTCUSDT"}' */
export function jsonOf(value: Wire): string {
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isRaw(value)) return value.raw;
  const entries = Object.entries(value as { readonly [key: string]: Wire });
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${jsonOf(inner)}`).join(",")}}`;
}

export function respondJson(value: Wire, status = 200): SimulatedResponse {
  return { status, contentType: "application/json", body: jsonOf(value) };
}

/** What a web server says to a path that the venue does not have. */
export function notFound(request: SimulatedRequest): SimulatedResponse {
  return { status: 404, contentType: "text/html", body: `<html><body>404: no ${request.method} ${request.path}</body></html>` };
}

/** The venue's symbols of the table, by the venue's own spelling. */
export function symbolTable(
  markets: Markets,
  spell: (base: string, quote: string) => string,
): ReadonlyMap<string, SimulatedTicker> {
  return new Map([...markets].map(([market, ticker]) => [spell(...partsOf(market)), ticker]));
}

/** `BASE/QUOTE` in two. */
export function partsOf(market: string): [base: string, quote: string] {
  const [base = "", quote = ""] = market.split("/");
  return [base, quote];
}

function isRaw(value: object): value is RawNumber {
  return "raw" in value;
}
