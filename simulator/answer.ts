import { ONE } from "../protocol/amount.ts";
import type { VenueFault } from "./faults.ts";
import { statusBody } from "./status-bodies.ts";
import type { SimulatedRequest, SimulatedResponse, SimulatedTicker, SimulatedVenue } from "./venue.ts";

type Tickers = ReadonlyMap<string, SimulatedTicker>;

/** What the server does with a request: cuts the connection, or answers after a while. */
export type VenueAnswer =
  | { readonly kind: "drop" }
  | { readonly kind: "respond"; readonly delayMs: number; readonly response: SimulatedResponse };

/** Amounts that no market has, so that one market's fields can be found again in any venue's body. */
const MARK = 71_717_171n;
const MARKED: Pick<SimulatedTicker, "bid" | "ask" | "last"> = {
  bid: MARK * ONE,
  ask: (MARK + 1n) * ONE,
  last: (MARK + 2n) * ONE,
};
const MARKED_TEXT = /"7171717[123][^"]*"|\b7171717[123](?:\.\d+)?\b/g;

/**
 * A venue's answer under the faults in force; `offset` and `freeze` are in the tickers already.
 *
 * A fault of one market touches that market alone. `malformed` garbles its price fields wherever they stand, in a batch as
 * well. `latency`, `status` and `down` are about a whole exchange, so they apply to requests that name only that market: a
 * venue that is asked for everything at once cannot fail for one market, and does not.
 */
export function answerRequest(
  venue: SimulatedVenue,
  request: SimulatedRequest,
  tickers: Tickers,
  faults: readonly VenueFault[],
): VenueAnswer {
  const inForce = faults.filter(
    (fault) => fault.market === undefined || fault.fault === "malformed" || namesOnly(venue, request, tickers, fault.market),
  );
  if (inForce.some(({ fault }) => fault === "down")) return { kind: "drop" };
  let delayMs = 0;
  for (const fault of inForce) if (fault.fault === "latency") delayMs = Math.max(delayMs, fault.ms);
  for (const fault of inForce) {
    if (fault.fault !== "status") continue;
    return { kind: "respond", delayMs, response: { status: fault.status, ...statusBody(venue.venue, fault.status) } };
  }
  const garbled = inForce.filter(({ fault }) => fault === "malformed");
  return { kind: "respond", delayMs, response: garble(venue, request, tickers, garbled) };
}

/**
 * Whether a request is about this market and no other, told without knowing the format: a table of this market alone gives
 * the same answer as the whole table, and a table without it does not.
 */
function namesOnly(venue: SimulatedVenue, request: SimulatedRequest, tickers: Tickers, market: string): boolean {
  const ticker = tickers.get(market);
  if (ticker === undefined) return false;
  const whole = venue.respond(request, tickers).body;
  const without = new Map([...tickers].filter(([name]) => name !== market));
  return venue.respond(request, new Map([[market, ticker]])).body === whole && venue.respond(request, without).body !== whole;
}

function garble(
  venue: SimulatedVenue,
  request: SimulatedRequest,
  tickers: Tickers,
  faults: readonly VenueFault[],
): SimulatedResponse {
  const marked = new Map(tickers);
  for (const { market } of faults) {
    const ticker = market === undefined ? undefined : tickers.get(market);
    if (market !== undefined && ticker !== undefined) marked.set(market, { ...ticker, ...MARKED });
  }
  const response = venue.respond(request, marked);
  if (faults.length === 0) return response;
  const body = response.body.replaceAll(MARKED_TEXT, '"not a number"');
  const wholeVenue = faults.some(({ market }) => market === undefined);
  // Half a document and a byte that JSON forbids: what a connection cut behind a proxy leaves.
  return { ...response, body: wholeVenue ? `${body.slice(0, body.length >> 1)}\u0000` : body };
}
