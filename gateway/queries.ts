import { z } from "zod";
import type { Network } from "../protocol/config.ts";
import { MAX_CONFIG_BYTES } from "../protocol/config-codec.ts";
import { digestSchema } from "../protocol/document.ts";
import { chainLeaf, type FeedId, slugToFeed } from "../protocol/feed.ts";
import { MAX_DOCUMENT_BYTES } from "../protocol/governance-codec.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import { INTERVALS, type Interval } from "./candles.ts";
import { DEFAULT_PARTICIPATION, MAX_PARTICIPATION } from "./participation.ts";

/** Feeds in one bundle or stream: what a large portfolio needs, and a bound on what one reader costs. */
export const MAX_CHOSEN_FEEDS = 100;
export const MAX_HISTORY = 1_000;
export const DEFAULT_HISTORY = 100;
/** Nine tenths of the time. */
const DEFAULT_COVERAGE_BPS = 9_000;
export const MAX_EVIDENCE = 100;
/** Every leaf of the largest network, which may all change in one round. */
export const MAX_LOG = 2_080;
export const DEFAULT_LOG = 100;
export const MAX_LISTED_DOCUMENTS = 100;
/** Each holds a config. */
export const MAX_TRANSITIONS = 16;
/** Hex in JSON: the largest document, which proposes the config of a network of 2 048 feeds; and a pause by every keyholder. */
export const MAX_DOCUMENT_BODY = 2 * MAX_DOCUMENT_BYTES + 64;
export const MAX_PAUSE_BODY = 16 * 1024;
export const MAX_CONFIG_BODY = MAX_CONFIG_BYTES + 64 * 1024;
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

export const candlesQuerySchema = z
  .strictObject({
    interval: z
      .enum(Object.keys(INTERVALS) as [Interval, ...Interval[]], `expected one of ${Object.keys(INTERVALS).join(", ")}`)
      .default("1m")
      .describe("length of a candle"),
    from: wholeNumber(0, MAX_INSTANT, "Unix ms; the earliest beginning of a candle to give, that one included").default(0),
    to: wholeNumber(0, MAX_INSTANT, "Unix ms; the latest beginning of a candle to give, that one included").default(MAX_INSTANT),
    limit: wholeNumber(1, MAX_HISTORY, "the newest so many candles of the range").default(DEFAULT_HISTORY),
  })
  .refine(({ from, to }) => from <= to, { path: ["from"], message: "expected at most `to`" });

export const twapQuerySchema = z.strictObject({
  from: wholeNumber(0, MAX_INSTANT, "Unix ms, included; an hour before `to` without it").optional(),
  to: wholeNumber(0, MAX_INSTANT, "Unix ms, excluded; the newest round's timestamp without it").optional(),
  minCoverageBps: wholeNumber(1, 10_000, "share of the time that fresh certified prices must cover").default(
    DEFAULT_COVERAGE_BPS,
  ),
});

export const roundParamsSchema = z.strictObject({
  round: wholeNumber(0, Number.MAX_SAFE_INTEGER, "the round's number"),
});

export const bodyQuerySchema = z.strictObject({
  body: flagSchema.describe("1 adds all that is needed to recompute the round"),
});

export const committeeQuerySchema = z.strictObject({
  config: flagSchema.describe("1 adds the config in force, whose RFC 8785 form hashes to configDigest"),
});

export const participationQuerySchema = z.strictObject({
  rounds: wholeNumber(1, MAX_PARTICIPATION, "the last so many round numbers").default(DEFAULT_PARTICIPATION),
});

export const evidenceQuerySchema = z.strictObject({
  limit: wholeNumber(1, MAX_EVIDENCE, "the newest so many").default(MAX_EVIDENCE),
});

export const breakerLogQuerySchema = z
  .strictObject({
    feed: z.string().optional().describe("one feed or chain alone, as ETH-USD or CHAIN-ETHEREUM"),
    from: wholeNumber(0, Number.MAX_SAFE_INTEGER, "the first round to give").default(0),
    to: wholeNumber(0, Number.MAX_SAFE_INTEGER, "the last round to give").default(Number.MAX_SAFE_INTEGER),
    limit: wholeNumber(1, MAX_LOG, "the newest so many entries of the range").default(DEFAULT_LOG),
  })
  .refine(({ from, to }) => from <= to, { path: ["from"], message: "expected at most `to`" });

export const documentsQuerySchema = z.strictObject({
  limit: wholeNumber(1, MAX_LISTED_DOCUMENTS, "the newest so many").default(MAX_LISTED_DOCUMENTS),
});

export const documentParamsSchema = z.strictObject({ digest: digestSchema.describe("of the document's canonical bytes") });

export const transitionsQuerySchema = z.strictObject({
  after: wholeNumber(
    0,
    Number.MAX_SAFE_INTEGER,
    "only those of later rounds; without it the genesis config comes too",
  ).optional(),
  limit: wholeNumber(1, MAX_TRANSITIONS, "the oldest so many").default(MAX_TRANSITIONS),
});

/** One bad character is looked for, instead of all good ones matched: millions of them come in one text. */
function isHexText(text: string): boolean {
  return text.length > 2 && text.length % 2 === 0 && text.startsWith("0x") && !/[^0-9a-f]/.test(text.slice(2));
}

export const submissionSchema = z.strictObject({
  document: z
    .string("expected 0x and lower-case hex digits")
    .refine(isHexText, "expected 0x and lower-case hex digits")
    .describe("the signed document's canonical bytes"),
});

export const proposalSchema = z.strictObject({
  config: z.record(z.string(), z.unknown(), "expected a network's config").describe("the whole proposed config"),
  to: z.int().min(0).optional().describe("the last round to replay; the newest one without it"),
  activation: z.int().min(0).optional().describe("may stand here; the replay does not depend on it"),
});

const chosenFeedsSchema = z
  .string(`expected 1 to ${MAX_CHOSEN_FEEDS} feeds, as ETH-USD,BTC-USD`)
  .min(1, `expected 1 to ${MAX_CHOSEN_FEEDS} feeds, as ETH-USD,BTC-USD`)
  .max(MAX_FEEDS_TEXT, `expected at most ${MAX_CHOSEN_FEEDS} feeds`)
  .describe("feeds with commas between them, e.g. ETH-USD,BTC-USD");

export const chosenFeedsQuerySchema = z.strictObject({ feeds: chosenFeedsSchema });

export const socketQuerySchema = z.strictObject({
  feeds: chosenFeedsSchema,
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER, "round to resume after").optional(),
});

export const batchQuerySchema = z.strictObject({
  ids: chosenFeedsSchema.optional().describe("feeds with commas between them: their documents instead of the list"),
});

/** Why a text of several feeds names none: the first slug that is no feed, or too many of them. */
export type SelectionFault = { readonly code: "unknown"; readonly slug: string } | { readonly code: "count" };

/** What the path or the query names, looked up among the network's feeds. */
export type FeedLookup = {
  readonly one: (slug: string) => FeedId | undefined;
  /** Each feed once, in the order named. */
  readonly many: (text: string) => Result<readonly FeedId[], SelectionFault>;
};

/** Feeds and chains' leaves of the config in force, whichever that is when it is asked. */
export function createFeedLookup(network: () => Network): FeedLookup {
  let last: { readonly of: Network; readonly known: ReadonlySet<FeedId> } | undefined;
  const knownIn = (current: Network): ReadonlySet<FeedId> => {
    const { feeds, chains } = current.config;
    if (last?.of !== current) {
      last = { of: current, known: new Set([...feeds.map(({ feed }) => feed), ...chains.map(({ chain }) => chainLeaf(chain))]) };
    }
    return last.known;
  };
  const one = (slug: string): FeedId | undefined => {
    const feed = slugToFeed(slug);
    return feed.ok && knownIn(network()).has(feed.value) ? feed.value : undefined;
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
