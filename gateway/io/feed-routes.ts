import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { bundleDocumentSchema, feedDocumentSchema } from "../../protocol/document.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { feedListSchema, historySchema, toFeedList, toHistoryDocument } from "../documents.ts";
import { cacheControlOf, NO_STORE, readinessOf } from "../lease.ts";
import {
  batchQuerySchema,
  chosenFeedsQuerySchema,
  feedParamsSchema,
  historyQuerySchema,
  MAX_CHOSEN_FEEDS,
  noQuerySchema,
  type SelectionFault,
} from "../queries.ts";
import type { RoundSnapshot } from "../snapshots.ts";
import { sourcesSchema, toSourcesDocument } from "../sources.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { describeResponses, sendJson, sendProblem, sendTagged } from "./replies.ts";

const TAGS = ["prices"];
const batchSchema = z.array(feedDocumentSchema).max(MAX_CHOSEN_FEEDS);

/** Prices: the list, one feed, several of one round, a feed's past, and how this node got its own. */
export function registerFeedRoutes(app: GatewayApp, context: RouteContext): void {
  registerList(app, context);
  registerFeed(app, context);
  registerBundle(app, context);
  registerHistory(app, context);
  registerSources(app, context);
}

function registerList(app: GatewayApp, context: RouteContext): void {
  const { network, latest, snapshot, lookup, now } = context;
  const schema = {
    tags: TAGS,
    summary: "Every configured feed, null until its first price; with `ids` the documents of those feeds",
    description:
      "Without `ids` a list to look at: it carries no proof and is served after the lease's end as well. With `ids` an array of the documents " +
      "that /v1/feeds/{id} gives, in the order asked for, all of one round or none: each is whole and can be passed on alone. " +
      "/v1/bundle says the same of the same feeds with one header and one set of signatures for all of them, and is smaller.",
    querystring: batchQuerySchema,
    response: describeResponses(
      { description: "Every configured feed, or an array of feeds' documents", schema: feedListSchema.or(batchSchema) },
      "unknown-feed",
      "no-price",
      "lease-ended",
    ),
  };
  app.get("/v1/feeds", { schema }, (request, reply) => {
    const round = latest();
    if (request.query.ids !== undefined) {
      const feeds = lookup.many(request.query.ids);
      if (!feeds.ok) return refuseSelection(request, reply, { fault: feeds.error, field: "ids" });
      return sendPrices(request, reply, { context, feeds: feeds.value, textOf: batchText });
    }
    if (round === undefined) return sendJson(reply, JSON.stringify(toFeedList(network(), undefined)), NO_STORE);
    const { feedList, tag } = snapshot(round);
    return sendTagged(request, reply, { text: feedList(), tag, cacheControl: cacheControlOf(round, now(), network().config) });
  });
}

function batchText(snapshot: RoundSnapshot, feeds: readonly FeedId[]): string | undefined {
  const texts = feeds.map(snapshot.feed);
  return texts.includes(undefined) ? undefined : `[${texts.join(",")}]`;
}

function registerFeed(app: GatewayApp, context: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "One feed of the newest round with its proof",
    description:
      "Until validUntil, and no longer: an ended lease permits nothing, so there is no document then (503 `lease-ended`), and " +
      "/v1/rounds/latest shows what was said last. Verify it with client/verify.ts, or with any EIP-712 and OpenZeppelin Merkle library.",
    params: feedParamsSchema,
    querystring: noQuerySchema,
    response: describeResponses(
      { description: "The feed, what may be done with its price, and the proof", schema: feedDocumentSchema },
      "unknown-feed",
      "no-price",
      "lease-ended",
    ),
  };
  app.get("/v1/feeds/:id", { schema }, (request, reply) => {
    const feed = context.lookup.one(request.params.id);
    if (feed === undefined) return refuseFeed(request, reply, request.params.id);
    return sendPrices(request, reply, { context, feeds: [feed], textOf: feedText });
  });
}

function feedText(snapshot: RoundSnapshot, [feed]: readonly FeedId[]): string | undefined {
  return feed === undefined ? undefined : snapshot.feed(feed);
}

function registerBundle(app: GatewayApp, context: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "Several feeds of one round under one header",
    description:
      "One decision, one header: take all legs of a loan from one bundle. All feeds or none, and none once the lease has ended " +
      "(503 `lease-ended`).",
    querystring: chosenFeedsQuerySchema,
    response: describeResponses(
      { description: "The feeds, in the order asked for", schema: bundleDocumentSchema },
      "unknown-feed",
      "no-price",
      "lease-ended",
    ),
  };
  app.get("/v1/bundle", { schema }, (request, reply) => {
    const feeds = context.lookup.many(request.query.feeds);
    if (!feeds.ok) return refuseSelection(request, reply, { fault: feeds.error, field: "feeds" });
    return sendPrices(request, reply, { context, feeds: feeds.value, textOf: bundleText });
  });
}

function bundleText(snapshot: RoundSnapshot, feeds: readonly FeedId[]): string | undefined {
  return snapshot.bundle(feeds);
}

/** What may be decided on, of the newest round: nothing once its lease has ended (P3), and all of the feeds or none. */
function sendPrices(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    context: { network, latest, snapshot, now },
    feeds,
    textOf,
  }: {
    readonly context: RouteContext;
    readonly feeds: readonly FeedId[];
    readonly textOf: (snapshot: RoundSnapshot, feeds: readonly FeedId[]) => string | undefined;
  },
): FastifyReply {
  const round = latest();
  if (round === undefined) return refusePrice(request, reply, feeds, undefined);
  const at = now();
  const readiness = readinessOf(round, at);
  if (!readiness.ready) return sendProblem(request, reply, "lease-ended", { detail: readiness.why });
  const made = snapshot(round);
  const text = textOf(made, feeds);
  if (text === undefined) return refusePrice(request, reply, feeds, round);
  return sendTagged(request, reply, { text, tag: made.tag, cacheControl: cacheControlOf(round, at, network().config) });
}

function registerHistory(app: GatewayApp, { network, store, lookup }: RouteContext): void {
  // A network's rounds never change their length (protocol/config-change.ts).
  const { roundMs } = network().config;
  const schema = {
    tags: TAGS,
    summary: "A feed's past rounds, oldest first",
    description:
      "`from` and `to` are Unix ms and bound the rounds' timestamps, both included. The newest `limit` rounds of the range are " +
      "given; `more` says that there are older ones. Each point's proof is in its round.",
    params: feedParamsSchema,
    querystring: historyQuerySchema,
    response: describeResponses({ description: "Past rounds", schema: historySchema }, "unknown-feed"),
  };
  app.get("/v1/feeds/:id/history", { schema }, (request, reply) => {
    const feed = lookup.one(request.params.id);
    if (feed === undefined) return refuseFeed(request, reply, request.params.id);
    const { from, to, limit } = request.query;
    const span = { from: Math.ceil(from / roundMs), to: Math.floor(to / roundMs), limit: limit + 1 };
    return sendJson(reply, JSON.stringify(toHistoryDocument(feed, store.history(feed, span), limit)), "public, max-age=1");
  });
}

function registerSources(app: GatewayApp, { sources, lookup }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "How this node got its own price of a feed, source by source",
    description: "One node's account of its last sample, unsigned: it explains, it proves nothing.",
    params: feedParamsSchema,
    querystring: noQuerySchema,
    response: describeResponses(
      { description: "Every configured source, used or dropped", schema: sourcesSchema },
      "unknown-feed",
      "no-sources",
    ),
  };
  app.get("/v1/feeds/:id/sources", { schema }, (request, reply) => {
    const feed = lookup.one(request.params.id);
    if (feed === undefined) return refuseFeed(request, reply, request.params.id);
    const view = sources(feed);
    if (view !== undefined) return sendJson(reply, JSON.stringify(toSourcesDocument(view)), NO_STORE);
    const detail = `this process has no sample of ${feed}: it is not a node, or has not polled its venues yet`;
    return sendProblem(request, reply, "no-sources", { detail });
  });
}

export function refuseFeed(request: FastifyRequest, reply: FastifyReply, slug: string): FastifyReply {
  return sendProblem(request, reply, "unknown-feed", { detail: `no feed "${slug}"; /v1/feeds lists them, as ETH-USD in a URL` });
}

/** What a parameter named cannot be served: an unknown feed or too many of them. */
export function refuseSelection(
  request: FastifyRequest,
  reply: FastifyReply,
  { fault, field }: { readonly fault: SelectionFault; readonly field: "feeds" | "ids" },
): FastifyReply {
  if (fault.code === "unknown") return refuseFeed(request, reply, fault.slug);
  const expected = `expected at most ${MAX_CHOSEN_FEEDS} feeds`;
  return sendProblem(request, reply, "bad-request", {
    detail: `${field}: ${expected}`,
    errors: [{ in: "query", field, expected }],
  });
}

function refusePrice(
  request: FastifyRequest,
  reply: FastifyReply,
  feeds: readonly FeedId[],
  round: CertifiedRound | undefined,
): FastifyReply {
  const priced = new Set(round?.feeds.map(({ report }) => report.feed));
  const missing = feeds.filter((feed) => !priced.has(feed));
  return sendProblem(request, reply, "no-price", { detail: `no price has been certified yet for ${missing.join(", ")}` });
}
