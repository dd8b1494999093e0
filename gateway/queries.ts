import { z } from "zod";
import type { Network } from "../protocol/config.ts";
import { type FeedId, slugToFeed } from "../protocol/feed.ts";
import { fail, ok, type Result } from "../protocol/result.ts";

/** Feeds in one bundle or stream: what a large portfolio needs, and a bound on what one reader costs. */
export const MAX_CHOSEN_FEEDS = 100;
export const MAX_HISTORY = 1_000;
export const DEFAULT_HISTORY = 100;
export const MAX_EVIDENCE = 100;
/** A hundred ids of 31 bytes with their commas. */
const MAX_FEEDS_TEXT = 3_200;
const MAX_INSTANT = Number.MAX_SAFE_INTEGER;

/** The description stands on the text that comes in: what follows a transform is not in the OpenAPI document. */
function wholeNumber(min: number, max: number, description: string) {
  const expected = `expected a whole number from ${min} to ${max}`;
  const fits = (text: string) => /^(0|[1-9][0-9]{0,15})$/.test(text) && Number(text) >= min && Number(text) <= max;
  return z.string(expected).refine(fits, { error: expected, abort: true }).describe(description).transform(Number);
}

const flagSchema = z.enum(["0", "1"], "expected 0 or 1").default("0");

export const noQuerySchema = z.strictObject({});

export const feedParamsSchema = z.strictObject({ id: z.string().describe("the feed as BASE-QUOTE, e.g. ETH-USD") });

export const historyQuerySchema = z
  .strictObject({
    from: wholeNumber(0, MAX_INSTANT, "Unix ms; the earliest timestamp of a round to give, that one included").default(0),
    to: wholeNumber(0, MAX_INSTANT, "Unix ms; the latest timestamp of a round to give, that one included").default(MAX_INSTANT),
    limit: wholeNumber(1, MAX_HISTORY, "the newest so many rounds of the range").default(DEFAULT_HISTORY),
  })
  .refine(({ from, to }) => from <= to, { path: ["from"], message: "expected at most `to`" });

export const roundParamsSchema = z.strictObject({
  round: wholeNumber(0, Number.MAX_SAFE_INTEGER, "the round's number"),
});

export const bodyQuerySchema = z.strictObject({
  body: flagSchema.describe("1 adds all that is needed to recompute the round"),
});

export const committeeQuerySchema = z.strictObject({
  config: flagSchema.describe("1 adds the config in force, whose RFC 8785 form hashes to configDigest"),
});

export const evidenceQuerySchema = z.strictObject({
  limit: wholeNumber(1, MAX_EVIDENCE, "the newest so many").default(MAX_EVIDENCE),
});

export const chosenFeedsQuerySchema = z.strictObject({
  feeds: z
    .string(`expected 1 to ${MAX_CHOSEN_FEEDS} feeds, as ETH-USD,BTC-USD`)
    .min(1, `expected 1 to ${MAX_CHOSEN_FEEDS} feeds, as ETH-USD,BTC-USD`)
    .max(MAX_FEEDS_TEXT, `expected at most ${MAX_CHOSEN_FEEDS} feeds`)
    .describe("feeds with commas between them, e.g. ETH-USD,BTC-USD"),
});

/** What the path or the query names, looked up among the network's feeds. */
export type FeedLookup = {
  readonly one: (slug: string) => FeedId | undefined;
  /** Each feed once, in the order named; the fault is the first slug that is no feed, or the count. */
  readonly many: (
    text: string,
  ) => Result<readonly FeedId[], { readonly code: "unknown"; readonly slug: string } | { readonly code: "count" }>;
};

export function createFeedLookup({ config }: Network): FeedLookup {
  const known = new Set<FeedId>(config.feeds.map(({ feed }) => feed));
  const one = (slug: string): FeedId | undefined => {
    const feed = slugToFeed(slug);
    return feed.ok && known.has(feed.value) ? feed.value : undefined;
  };
  return {
    one,
    many: (text) => {
      const slugs = [...new Set(text.split(","))];
      if (slugs.length > MAX_CHOSEN_FEEDS) return fail({ code: "count" });
      const feeds: FeedId[] = [];
      for (const slug of slugs) {
        const feed = one(slug);
        if (feed === undefined) return fail({ code: "unknown", slug });
        feeds.push(feed);
      }
      return ok(feeds);
    },
  };
}
