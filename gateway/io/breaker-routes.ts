import { breakerLogSchema, breakerSchema, chainsSchema, toBreakerDocument, toBreakerLog, toChainsDocument } from "../breaker.ts";
import { cacheControlOf, NO_STORE } from "../lease.ts";
import { breakerLogQuerySchema, noQuerySchema } from "../queries.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { refuseFeed } from "./feed-routes.ts";
import { describeResponses, sendJson, sendTagged } from "./replies.ts";

const TAGS = ["breaker"];

/** What the breaker says of every feed and chain, and what it said before. */
export function registerBreakerRoutes(app: GatewayApp, context: RouteContext): void {
  registerBreaker(app, context);
  registerChains(app, context);
  registerLog(app, context);
}

function registerBreaker(app: GatewayApp, { network, latest, snapshot, now }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary:
      "The breaker of every feed: state, since when, and each active rule with what it measured, its limit and what clears it",
    querystring: noQuerySchema,
    response: describeResponses({
      description: "Every configured feed and chain, null until its first price",
      schema: breakerSchema,
    }),
  };
  app.get("/v1/breaker", { schema }, (request, reply) => {
    const round = latest();
    if (round === undefined) return sendJson(reply, JSON.stringify(toBreakerDocument(network(), undefined)), NO_STORE);
    const { breaker, tag } = snapshot(round);
    return sendTagged(request, reply, { text: breaker(), tag, cacheControl: cacheControlOf(round, now(), network().config) });
  });
}

function registerChains(app: GatewayApp, { network, latest, snapshot, now }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "Every chain's base fee and whether liquidations can be acted on there",
    description: "A list to look at: /v1/feeds/CHAIN-… and /v1/bundle prove a chain's leaf as they prove a feed's.",
    querystring: noQuerySchema,
    response: describeResponses({ description: "Every configured chain, null until its first leaf", schema: chainsSchema }),
  };
  app.get("/v1/chains", { schema }, (request, reply) => {
    const round = latest();
    if (round === undefined) return sendJson(reply, JSON.stringify(toChainsDocument(network(), undefined)), NO_STORE);
    const { chains, tag } = snapshot(round);
    return sendTagged(request, reply, { text: chains(), tag, cacheControl: cacheControlOf(round, now(), network().config) });
  });
}

function registerLog(app: GatewayApp, { store, lookup }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "Every change of a breaker's state, newest first",
    description:
      "`from` and `to` are rounds, both included. Each entry names its round by number and digest: /v1/rounds/{round}?body=1 " +
      "recomputes it. Entries are kept as long as rounds are.",
    querystring: breakerLogQuerySchema,
    response: describeResponses({ description: "Changes of state", schema: breakerLogSchema }, "unknown-feed"),
  };
  app.get("/v1/breaker/log", { schema }, (request, reply) => {
    const { feed: slug, from, to, limit } = request.query;
    const feed = slug === undefined ? undefined : lookup.one(slug);
    if (slug !== undefined && feed === undefined) return refuseFeed(request, reply, slug);
    const entries = store.breakerLog({ ...(feed === undefined ? {} : { feed }), from, to, limit: limit + 1 });
    return sendJson(reply, JSON.stringify(toBreakerLog(entries, limit)), "public, max-age=1");
  });
}
