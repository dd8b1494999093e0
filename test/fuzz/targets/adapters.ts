import { FAULT_CODES, type MarketAnswer } from "../../../adapters/adapter.ts";
import { ADAPTERS, VENUES } from "../../../adapters/index.ts";
import { MAX_RETRY_MS } from "../../../adapters/times.ts";
import { MAX_AMOUNT } from "../../../protocol/amount.ts";
import { fixturesOf, RECEIVED_AT, requestOf } from "../../adapters/fixtures.ts";
import { joined } from "../mutate-bytes.ts";
import { ensure, type Target } from "../target.ts";

const STATUSES: readonly number[] = [
  200, 200, 200, 200, 201, 204, 206, 0, 100, 301, 304, 400, 401, 403, 404, 418, 429, 451, 500, 502, 503, 520, 599, 999,
];
const RETRIES = [
  undefined,
  "0",
  "30",
  "-1",
  "1e9",
  "999999999",
  "Wed, 13 Mar 2999 11:10:41 GMT",
  "Thu, 01 Jan 1970 00:00:00 GMT",
  "soon",
  "",
] as const;
/** A fault's detail goes into logs and onto screens: short, however long the venue's words are. */
const MAX_DETAIL = 400;
const HEAD_BYTES = 4;

/** Venue, fixture, status and Retry-After as numbers, then the body. */
export const adapters: Target = {
  name: "adapters",
  about: "every venue's parser over changed bodies of its own fixtures, with odd statuses and headers",
  covers: ["adapters/"],
  shape: "json",
  maxBytes: 32 * 1024,
  batch: 64,
  limitMs: 300,
  maxAllocation: 8 * 2 ** 20,
  dictionary: [
    "BTCUSDT",
    "BTC-USDT",
    "USDT",
    "null",
    "0.0000",
    "-1",
    "1e5",
    '"code":',
    '"status":"error"',
    "<html>",
    "\\u0000",
    "\ufeff",
  ],
  open: async () => {
    const cases = VENUES.map((venue) =>
      fixturesOf(venue).map((fixture) => ({ fixture, request: requestOf(ADAPTERS[venue], fixture) })),
    );
    const seeds = cases.flatMap((list, venue) =>
      list.map(({ fixture: { response } }, index) => {
        const status = Math.max(0, STATUSES.indexOf(response.status));
        return joined(Uint8Array.of(venue, index, status, 0), Buffer.from(response.body));
      }),
    );
    const execute = (input: Uint8Array): string => {
      const [venueIndex = 0, caseIndex = 0, status = 0, retry = 0] = input;
      const venue = VENUES[venueIndex % VENUES.length] ?? "binance";
      const list = cases[venueIndex % VENUES.length] ?? [];
      const chosen = list[caseIndex % list.length];
      if (chosen === undefined) return "none";
      const retryAfter = RETRIES[retry % RETRIES.length];
      const answers = ADAPTERS[venue].parse(chosen.request, {
        status: STATUSES[status % STATUSES.length] ?? 200,
        headers: { ...chosen.fixture.response.headers, ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }) },
        body: input.subarray(HEAD_BYTES),
        receivedAt: RECEIVED_AT,
      });
      ensure(
        answers.map(({ market }) => market).join() === chosen.request.markets.join(),
        "every market asked for gets one answer",
      );
      return `${venue} ${[...new Set(answers.map(check))].join(" ")}`;
    };
    return { seeds, execute, close: async () => undefined };
  },
};

function check({ market, answer }: MarketAnswer): string {
  if (!answer.ok) {
    const { code, detail, retryAt } = answer.error;
    ensure(FAULT_CODES.includes(code), "a fault's code is one of the list");
    ensure(detail.length <= MAX_DETAIL, "a fault's detail is short");
    const isBounded = retryAt === undefined || (retryAt >= RECEIVED_AT && retryAt <= RECEIVED_AT + MAX_RETRY_MS);
    ensure(isBounded, "a venue silences itself for a bounded time");
    return `${code}${retryAt === undefined ? "" : "+"}`;
  }
  const { bid, ask, last, volume, bookAt, lastAt } = answer.value;
  ensure(answer.value.market === market, "a quote is of its market");
  for (const price of [bid, ask, last])
    ensure(price === undefined || (price > 0n && price <= MAX_AMOUNT), "a price is positive and bounded");
  ensure(volume === undefined || (volume >= 0n && volume <= MAX_AMOUNT), "a volume is an amount");
  ensure(bid === undefined || ask === undefined || bid <= ask, "a quote is not crossed");
  ensure(
    [bid, ask, last].some((price) => price !== undefined),
    "a quote has a price",
  );
  for (const time of [bookAt, lastAt]) ensure(time === undefined || Number.isSafeInteger(time), "a time is whole milliseconds");
  return `quote${Object.keys(answer.value).length}`;
}
