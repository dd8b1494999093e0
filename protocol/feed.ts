import { fail, ok, type Result } from "./result.ts";

/** `BASE/QUOTE`, each `[A-Z0-9.]+`, at most 31 bytes: it fits a right-padded bytes32 with room for the terminator. */
export type FeedId = string & { readonly __brand: "FeedId" };

export const MAX_FEED_ID_BYTES = 31;
export const FEED_ID = /^[A-Z0-9.]+\/[A-Z0-9.]+$/;

/** @example parseFeedId("ETH/USD"); // { ok: true, value: "ETH/USD" } */
export function parseFeedId(text: string): Result<FeedId, string> {
  if (!FEED_ID.test(text)) return fail("expected BASE/QUOTE, each of A-Z, 0-9 and '.'");
  if (text.length > MAX_FEED_ID_BYTES) return fail(`expected at most ${MAX_FEED_ID_BYTES} bytes`);
  return ok(text as FeedId);
}

/** The URL form. @example feedToSlug("ETH/USD"); // "ETH-USD" */
export function feedToSlug(feed: FeedId): string {
  return feed.replace("/", "-");
}

/** `ETH-USD` or `ETH/USD` → feed id. */
export function slugToFeed(slug: string): Result<FeedId, string> {
  return parseFeedId(slug.replace("-", "/"));
}

/** Base of the leaves that speak of chains; no feed of a config has it. */
export const CHAIN_BASE = "CHAIN";

/** The leaf of a chain. @example chainLeaf("ETHEREUM"); // "CHAIN/ETHEREUM" */
export function chainLeaf(chain: string): FeedId {
  return `${CHAIN_BASE}/${chain}` as FeedId;
}

export function baseOf(feed: FeedId): string {
  return feed.slice(0, feed.indexOf("/"));
}

export function quoteOf(feed: FeedId): string {
  return feed.slice(feed.indexOf("/") + 1);
}

/** ASCII, right-padded with zeros, as Solidity's `bytes32("ETH/USD")`. */
export function feedToBytes32(feed: FeedId): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let i = 0; i < feed.length; i++) bytes[i] = feed.charCodeAt(i);
  return bytes;
}

/** The feed whose {@link feedToBytes32} this is; a byte after the padding began, or no feed's name, is a fault. */
export function bytes32ToFeed(bytes: Uint8Array): Result<FeedId, string> {
  return parseFeedId(String.fromCharCode(...bytes).replace(/\0+$/, ""));
}

/** Canonical order of ids is byte order, never locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
