import { FAULT_CODES } from "../../../adapters/adapter.ts";
import { MAX_FRAME_BYTES, type StreamMessage, symbolsOf } from "../../../adapters/stream.ts";
import { createStreamSession, STREAM_DEFAULTS } from "../../../adapters/stream-session.ts";
import { STREAM_ADAPTERS, streamFixturesOf } from "../../adapters/stream-fixtures.ts";
import { joined } from "../mutate-bytes.ts";
import { ensure, type Target } from "../target.ts";

/** A fault's detail goes into logs: short, however long the venue's words are. */
const MAX_DETAIL = 200;
const MARKETS = ["BTC/USDT", "ETH/USDT"];

/** The venue as a number, then the frame. */
export const venueFrames: Target = {
  name: "venue-frames",
  about: "every venue's pushed frames, changed, read and heard by an open session",
  covers: ["adapters/stream", "adapters/json.ts", "adapters/fields.ts"],
  shape: "json",
  maxBytes: 16 * 1024,
  batch: 64,
  limitMs: 300,
  maxAllocation: 8 * 2 ** 20,
  dictionary: [
    ...["BTCUSDT", "BTC-USDT", "BTC/USDT", "btcusdt@ticker", "order_book_btcusdt", "orderbook.1.BTCUSDT", "tickers"],
    ...["24hrTicker", "subscribe", "bts:error", '"event":', '"topic":', '"sequence":', "null", "0.0000", "-1", "1e5", "pong"],
  ],
  open: async () => {
    const seeds = STREAM_ADAPTERS.flatMap(({ venue }, index) =>
      streamFixturesOf(venue)
        .flatMap(({ frames }) => frames)
        .map(({ text }) => joined(Uint8Array.of(index), Buffer.from(text))),
    );
    const execute = (input: Uint8Array): string => {
      const adapter = STREAM_ADAPTERS[(input[0] ?? 0) % STREAM_ADAPTERS.length];
      if (adapter === undefined) return "none";
      const frame = input.subarray(1);
      const messages = adapter.read(frame, symbolsOf(adapter, MARKETS));
      ensure(messages.length > 0, "a frame says at least one thing");
      ensure(messages.length <= MAX_FRAME_BYTES, "a frame says no more than it has bytes");
      const session = createStreamSession({ adapter, markets: MARKETS, settings: STREAM_DEFAULTS, random: () => 0 }, 0);
      session.handle({ kind: "wake" }, 0);
      session.handle({ kind: "opened" }, 1);
      for (const now of [2, 3]) session.handle({ kind: "frame", bytes: frame }, now);
      ensure(session.wakeAt() < Number.POSITIVE_INFINITY, "a session wakes again");
      return `${adapter.venue} ${[...new Set(messages.map(check))].join(" ")}`;
    };
    return { seeds, execute, close: async () => undefined };
  },
};

function check(message: StreamMessage): string {
  if (message.kind === "fault" || message.kind === "refused") {
    ensure(FAULT_CODES.includes(message.fault.code), "a fault's code is one of the list");
    ensure(message.fault.detail.length <= MAX_DETAIL, "a fault's detail is short");
    return `${message.kind} ${message.fault.code}`;
  }
  if (message.kind !== "quote") return message.kind;
  ensure(MARKETS.includes(message.market), "a quote is of a market that was asked for");
  if (!message.answer.ok) return message.answer.error.code;
  const { bid, ask, last, bookAt } = message.answer.value;
  for (const price of [bid, ask, last]) ensure(price === undefined || price > 0n, "a price is positive");
  ensure(bid === undefined || ask === undefined || bid <= ask, "a quote is not crossed");
  ensure(bookAt === undefined || Number.isSafeInteger(bookAt), "a time is whole milliseconds");
  return `quote${Object.keys(message.answer.value).length}`;
}
