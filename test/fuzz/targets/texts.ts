import { parseJson } from "../../../adapters/json.ts";
import { MAX_RETRY_MS, retryAfter, type TimeUnit, timeOf } from "../../../adapters/times.ts";
import { parseLastEventId } from "../../../gateway/events.ts";
import { formatAmount, MAX_AMOUNT, parseAmount } from "../../../protocol/amount.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { bytes32ToFeed, feedToBytes32, feedToSlug, parseFeedId, slugToFeed } from "../../../protocol/feed.ts";
import { ensure, type Target } from "../target.ts";

const UNITS: readonly TimeUnit[] = ["ms", "s", "us", "ns", "iso"];
const AT = 1_763_800_000_000;
const WORD = 32;

/** One text, read by everything that reads a text. */
export const texts: Target = {
  name: "texts",
  about: "amounts, feed ids, venues' times, Retry-After, Last-Event-ID and JSON with its numbers kept",
  covers: ["protocol/amount.ts", "protocol/feed.ts", "adapters/json.ts", "adapters/times.ts", "gateway/events.ts"],
  shape: "text",
  maxBytes: 16 * 1024,
  batch: 64,
  limitMs: 200,
  maxAllocation: 4 * 2 ** 20,
  dictionary: [
    ...[
      "1800.12",
      "-0",
      "1e5",
      ".",
      "/",
      "-",
      "ETH/USD",
      "T",
      "Z",
      "+00:00",
      "GMT",
      "Mon, ",
      "00:00:00",
      "0000",
      "[",
      "{",
      '"a":',
      "\\u0000",
    ],
    ...["2024-02-30", "60", "24:00:00", "\u0000", "\n", "é", "9007199254740993"],
  ],
  open: async () => ({ seeds: seedsOf(), execute, close: async () => undefined }),
};

function seedsOf(): readonly Uint8Array[] {
  const seeds = [
    ...["1800.12", "0", "0.000000000000000001", String(MAX_AMOUNT), "1e-7", "-1.5", "ETH/USD", "ETH-USD", "A.B/C.D"],
    ...[
      "1710328241",
      "1710328241000",
      "1710328241000000",
      "1710328241.123456",
      "2024-03-13T11:10:41.123456Z",
      "2024-02-29T23:59:59+00:00",
    ],
    ...["120", "Wed, 13 Mar 2024 11:10:41 GMT", '{"a":[1.10,{"b":null}],"c":"\\ud83d\\ude00"}', "[[[[]]]]", "9007199254740991"],
  ];
  return seeds.map((text) => new Uint8Array(Buffer.from(text)));
}

function execute(input: Uint8Array): string {
  const text = Buffer.from(input).toString("utf8");
  return [readAmount(text), readFeed(text, input), readTimes(text), readJson(input), parseLastEventId(text) !== undefined].join(
    " ",
  );
}

function readAmount(text: string): string {
  const amount = parseAmount(text);
  if (!amount.ok) return amount.error;
  ensure(amount.value >= 0n && amount.value <= MAX_AMOUNT, "an amount lies within its bounds");
  const again = parseAmount(formatAmount(amount.value));
  ensure(again.ok && again.value === amount.value, "an amount's text reads as the amount");
  return "amount";
}

function readFeed(text: string, bytes: Uint8Array): string {
  const feed = parseFeedId(text);
  const slug = slugToFeed(text);
  if (feed.ok) {
    const again = bytes32ToFeed(feedToBytes32(feed.value));
    ensure(again.ok && again.value === feed.value, "a feed's bytes32 reads as the feed");
    const bySlug = slugToFeed(feedToSlug(feed.value));
    ensure(bySlug.ok && bySlug.value === feed.value, "a feed's slug reads as the feed");
  }
  const word = new Uint8Array(WORD);
  word.set(bytes.subarray(0, WORD));
  const padded = bytes32ToFeed(word);
  if (padded.ok) ensure(toHex(feedToBytes32(padded.value)) === toHex(word), "a feed has one bytes32");
  return `${feed.ok} ${slug.ok} ${padded.ok}`;
}

function readTimes(text: string): string {
  const read = UNITS.filter((unit) => {
    const time = timeOf(text, unit);
    ensure(time === undefined || Number.isSafeInteger(time), "a time is whole milliseconds");
    return time !== undefined;
  });
  const retryAt = retryAfter({ "retry-after": text }, AT);
  ensure(retryAt === undefined || (retryAt >= AT && retryAt <= AT + MAX_RETRY_MS), "Retry-After lies between now and its cap");
  return `${read.join("")} ${retryAt === undefined ? "-" : retryAt === AT ? "now" : "later"}`;
}

function readJson(bytes: Uint8Array): string {
  const json = parseJson(bytes);
  return json.ok ? `json ${typeof json.value}` : json.error.detail.replace(/\d+/g, "#");
}
