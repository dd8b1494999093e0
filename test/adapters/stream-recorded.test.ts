import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type StreamMessage, symbolsOf } from "../../adapters/stream.ts";
import { formatAmount } from "../../protocol/amount.ts";
import { frameOf, STREAM_ADAPTERS } from "./stream-fixtures.ts";

/** Recorded frames are kept beside the checkout, not in it: their licence does not allow to pass them on. */
const FOLDER = new URL("../../../shared/data/exchanges/", import.meta.url);
const PRESENT = existsSync(FOLDER);
const ABSENT = "there is no ../shared/data/exchanges beside this checkout";

type Recording = {
  readonly kind: string;
  readonly source: string;
  readonly frames: readonly { readonly text: string }[];
};

/** Every spot market that a frame of our channels was recorded of. */
const MARKETS = [
  ...["BTC/USDT", "ETH/USDT", "BTC/USD", "ETH/USD", "ETH/BTC", "BTC/EUR", "NKN/USDT", "BNB/USDT"],
  ...["BAND/GBP", "BAND/BTC", "NMR/EUR", "YFI/BTC", "DASH/BTC", "SKL/USD", "SKL/BTC", "CRV/EUR", "NU/GBP", "SKL/GBP"],
];

/**
 * How many of the recorded frames are of the channel that the adapter subscribes to, in the version it speaks, and what all the others
 * are: recordings are of 2021 to 2024, and some of their APIs are gone.
 */
const EXPECTED: Readonly<Record<string, { readonly quotes: number; readonly others: string }>> = {
  binance: { quotes: 3, others: "@bookTicker, @trade, @depth and futures: documented still, other channels" },
  bitstamp: { quotes: 1, others: "diff_order_book, live_trades and live_orders: documented still, other channels" },
  bybit: {
    quotes: 0,
    others: "the v2 API (realtime, instrument_info, trade), which is gone, and v5 tickers, which have no spot book",
  },
  coinbase: {
    quotes: 69,
    others: "level2, matches and full of ws-feed.pro.coinbase.com, whose host is gone; its ticker is as today",
  },
  kraken: { quotes: 2, others: "v1 (lists and events with XBT): frozen by Kraken, another format" },
  okx: { quotes: 28, others: "trades, books, bbo-tbt and candles, and tickers of futures and swaps" },
};

const tally: string[] = [];

describe("recorded frames", () => {
  for (const adapter of STREAM_ADAPTERS) {
    const { venue } = adapter;
    test(venue, (context) => {
      const path = new URL(`${venue}/ws-frames.json`, FOLDER);
      if (!existsSync(path)) return context.skip(ABSENT);
      const recordings: readonly Recording[] = JSON.parse(readFileSync(path, "utf8"));
      const symbols = symbolsOf(adapter, MARKETS);
      const kinds = new Map<string, number>();
      let quotes = 0;
      for (const { text } of recordings.flatMap(({ frames }) => frames)) {
        for (const message of adapter.read(frameOf(text), symbols)) {
          kinds.set(nameOf(message), (kinds.get(nameOf(message)) ?? 0) + 1);
          if (message.kind !== "quote" || !message.answer.ok) continue;
          quotes += 1;
          expectPricesOf(text, message);
        }
      }
      expect(quotes).toBe(EXPECTED[venue]?.quotes);
      const columns = [...kinds].map(([kind, count]) => `${kind} ${count}`).join(", ");
      tally.push(`  ${venue.padEnd(10)} ${columns}; others: ${EXPECTED[venue]?.others}`);
    });
  }

  test("the table of what became of them", (context) => {
    if (!PRESENT) {
      console.log(`recorded frames: NOT CHECKED, ${ABSENT}`);
      return context.skip(ABSENT);
    }
    console.log(`recorded frames: what the stream adapters made of them\n${tally.join("\n")}`);
    expect(tally).toHaveLength(STREAM_ADAPTERS.length);
  });
});

function nameOf(message: StreamMessage): string {
  if (message.kind === "quote") return message.answer.ok ? "quote" : message.answer.error.code;
  return message.kind === "fault" ? message.fault.code : message.kind;
}

/** Every price of the quote stands in the frame, digit for digit but for zeros at the end. */
function expectPricesOf(text: string, message: Extract<StreamMessage, { readonly kind: "quote" }>): void {
  if (!message.answer.ok) return;
  const written = new Set((text.match(/\d+(?:\.\d+)?/g) ?? []).map((digits) => canonical(digits)));
  const { bid, ask, last } = message.answer.value;
  for (const price of [bid, ask, last]) if (price !== undefined) expect(written).toContain(formatAmount(price));
}

/** @example canonical("73380.70000"); // "73380.7" */
function canonical(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
