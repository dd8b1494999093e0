import type { FastifyReply, FastifyRequest } from "fastify";
import { bundleDocumentSchema, feedDocumentSchema } from "../../protocol/document.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import { feedListSchema, historySchema, toFeedList, toHistoryDocument } from "../documents.ts";
import { cacheControlOf } from "../lease.ts";
import { chosenFeedsQuerySchema, feedParamsSchema, historyQuerySchema, MAX_CHOSEN_FEEDS, noQuerySchema } from "../queries.ts";
import { sourcesSchema, toSourcesDocument } from "../sources.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { describeResponses, sendJson, sendProblem } from "./replies.ts";

const TAGS = ["prices"];

/** Prices: the list, one feed, several of one round, a feed's past, and how this node got its own. */
export function registerFeedRoutes(app: GatewayApp, context: RouteContext): void {
  registerList(app, context);
  registerFeed(app, context);
  registerBundle(app, context);
  registerHistory(app, context);
  registerSources(app, context);
}

function registerList(app: GatewayApp, { network, latest, snapshot, now }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "Every configured feed, null until its first price",
    description: "A list to look at: it carries no proof. Decide on /v1/feeds/{id} or /v1/bundle.",
    querystring: noQuerySchema,
    response: describeResponses({ description: "Every configured feed", schema: feedListSchema }),
  };
  app.get("/v1/feeds", { schema }, (_request, reply) => {
    const round = latest();
    if (round === undefined) return sendJson(reply, JSON.stringify(toFeedList(network(), undefined)), "no-store");
    return sendJson(reply, snapshot(round).feedList(), cacheControlOf(round, now(), network().config));
  });
}

function registerFeed(app: GatewayApp, { network, latest, snapshot, lookup, now }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "One feed of the newest round with its proof",
    description:
      "Served after validUntil as well: an expired lease permits nothing, and the document says when it ended. Verify it with " +
      "client/verify.ts, or with any EIP-712 and OpenZeppelin Merkle library.",
    params: feedParamsSchema,
    querystring: noQuerySchema,
    response: describeResponses(
      { description: "The feed, what may be done with its price, and the proof", schema: feedDocumentSchema },
      "unknown-feed",
      "no-price",
    ),
  };
  app.get("/v1/feeds/:id", { schema }, (request, reply) => {
    const feed = lookup.one(request.params.id);
    if (feed === undefined) return refuseFeed(request, reply, request.params.id);
    const round = latest();
    const text = round === undefined ? undefined : snapshot(round).feed(feed);
    if (round === undefined || text === undefined) return refusePrice(request, reply, [feed], round);
    return sendJson(reply, text, cacheControlOf(round, now(), network().config));
  });
}

function registerBundle(app: GatewayApp, { network, latest, snapshot, lookup, now }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "Several feeds of one round under one header",
    description: "One decision, one header: take all legs of a loan from one bundle. All feeds or none.",
    querystring: chosenFeedsQuerySchema,
    response: describeResponses(
      { description: "The feeds, in the order asked for", schema: bundleDocumentSchema },
      "unknown-feed",
      "no-price",
    ),
  };
  app.get("/v1/bundle", { schema }, (request, reply) => {
    const feeds = lookup.many(request.query.feeds);
    if (!feeds.ok) return refuseSelection(request, reply, feeds.error);
    const round = latest();
    const text = round === undefined ? undefined : snapshot(round).bundle(feeds.value);
    if (round === undefined || text === undefined) return refusePrice(request, reply, feeds.value, round);
    return sendJson(reply, text, cacheControlOf(round, now(), network().config));
  });
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
    if (view !== undefined) return sendJson(reply, JSON.stringify(toSourcesDocument(view)), "no-store");
    const detail = `this process has no sample of ${feed}: it is not a node, or has not polled its venues yet`;
    return sendProblem(request, reply, "no-sources", { detail });
  });
}

export function refuseFeed(request: FastifyRequest, reply: FastifyReply, slug: string): FastifyReply {
  return sendProblem(request, reply, "unknown-feed", { detail: `no feed "${slug}"; /v1/feeds lists them, as ETH-USD in a URL` });
}

/** What a `feeds` parameter named cannot be served: an unknown feed or too many of them. */
export function refuseSelection(
  request: FastifyRequest,
  reply: FastifyReply,
  fault: { readonly code: "unknown"; readonly slug: string } | { readonly code: "count" },
): FastifyReply {
  if (fault.code === "unknown") return refuseFeed(request, reply, fault.slug);
  const expected = `expected at most ${MAX_CHOSEN_FEEDS} feeds`;
  return sendProblem(request, reply, "bad-request", {
    detail: `feeds: ${expected}`,
    errors: [{ in: "query", field: "feeds", expected }],
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
