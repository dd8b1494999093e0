import fc from "fast-check";
import { hexToString } from "viem";
import { expect, test } from "vitest";
import { toHex } from "../../protocol/bytes.ts";
import { baseOf, bytes32ToFeed, feedToBytes32, feedToSlug, parseFeedId, quoteOf, slugToFeed } from "../../protocol/feed.ts";
import { feedIds } from "./fixtures.ts";

test.each(["ETH/USD", "A/B", "STETH.V2/ETH", "1INCH/USD", `${"A".repeat(15)}/${"B".repeat(15)}`])("%s is a feed", (text) => {
  expect(parseFeedId(text)).toEqual({ ok: true, value: text });
});

test.each([
  "",
  "ETH",
  "ETH/",
  "/USD",
  "eth/usd",
  "ETH/USD/X",
  "ETH-USD",
  "ETH /USD",
  "ETH/USD\n",
  "ÉTH/USD",
  "ETH/US\u0000",
  "A".repeat(30),
])("%j has no form of a feed", (text) => {
  expect(parseFeedId(text)).toEqual({ ok: false, error: "expected BASE/QUOTE, each of A-Z, 0-9 and '.'" });
});

test("a feed has at most 31 bytes", () => {
  const text = `${"A".repeat(16)}/${"B".repeat(15)}`;
  expect(parseFeedId(text)).toEqual({ ok: false, error: "expected at most 31 bytes" });
  expect(slugToFeed(text.replace("/", "-"))).toEqual({ ok: false, error: "expected at most 31 bytes" });
});

test("slug, parts and bytes32 lead back to the feed", () => {
  fc.assert(
    fc.property(feedIds, (feed) => {
      expect(slugToFeed(feedToSlug(feed))).toEqual({ ok: true, value: feed });
      expect(`${baseOf(feed)}/${quoteOf(feed)}`).toBe(feed);
      const bytes = feedToBytes32(feed);
      expect(bytes.length).toBe(32);
      expect(hexToString(toHex(bytes), { size: 32 })).toBe(feed);
      expect(bytes32ToFeed(bytes)).toEqual({ ok: true, value: feed });
    }),
  );
});

test.each([
  ["nothing", []],
  ["a byte after the padding began", [0x41, 0x2f, 0x42, 0, 0x41]],
  ["a leading zero", [0, 0x41, 0x2f, 0x42]],
  ["bytes that are no ASCII", [0xc3, 0x89, 0x2f, 0x42]],
])("bytes32 of %s is no feed", (_, start) => {
  const bytes = new Uint8Array(32);
  bytes.set(start);
  expect(bytes32ToFeed(bytes).ok).toBe(false);
});
