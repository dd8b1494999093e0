import { candlesSchema, INTERVALS, toCandlesDocument } from "../candles.ts";
import { candlesQuerySchema, feedParamsSchema, twapQuerySchema } from "../queries.ts";
import { coverageBpsOf, sumOver, toTwapDocument, twapSchema } from "../twap.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { refuseFeed } from "./feed-routes.ts";
import { describeResponses, sendJson, sendProblem } from "./replies.ts";

const TAGS = ["prices"];
/** A new round changes the newest. */
const CACHE = "public, max-age=1, must-revalidate";
const DEFAULT_SPAN_MS = 3_600_000;

/** A feed's past in candles, and its mean over a time. Neither is signed: each round is, and /v1/rounds proves it. */
export function registerCandleRoutes(app: GatewayApp, context: RouteContext): void {
  registerCandles(app, context);
  registerTwap(app, context);
}

function registerCandles(app: GatewayApp, { lookup, candles }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "A feed's past as candles of certified prices, oldest first",
    description:
      "`from` and `to` are Unix ms and bound the candles' beginnings, both included. Only freshly certified prices move a candle: carried ones " +
      "are counted beside it. `complete` is false for the newest candle, and where this gateway lacks rounds or still reads them; what " +
      "it knows nothing of is left out. Nothing here is interpolated or signed.",
    params: feedParamsSchema,
    querystring: candlesQuerySchema,
    response: describeResponses({ description: "Candles", schema: candlesSchema }, "unknown-feed"),
  };
  app.get("/v1/feeds/:id/candles", { schema }, (request, reply) => {
    const feed = lookup.one(request.params.id);
    if (feed === undefined) return refuseFeed(request, reply, request.params.id);
    const { interval, from, to, limit } = request.query;
    const found = candles.candles(feed, { minutes: INTERVALS[interval], from, to, limit: limit + 1 });
    return sendJson(reply, JSON.stringify(toCandlesDocument({ feed, interval, limit }, found)), CACHE);
  });
}

function registerTwap(app: GatewayApp, { lookup, candles, store, network }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "A feed's time-weighted mean price over a time, with what it leaves out",
    description:
      "A certified price holds from its round's timestamp to the next certified round's, at most until its validUntil. All other time is a gap: " +
      "rounds whose price is carried, time without rounds, and time from the newest round on. Gaps are left out of the mean and told; " +
      "where prices cover less than `minCoverageBps` of the time there is no mean (422 `low-coverage`), and never an interpolation.",
    params: feedParamsSchema,
    querystring: twapQuerySchema,
    response: describeResponses(
      { description: "The mean and its coverage", schema: twapSchema },
      ...(["unknown-feed", "low-coverage", "no-round", "candles-awaited"] as const),
    ),
  };
  app.get("/v1/feeds/:id/twap", { schema }, (request, reply) => {
    const feed = lookup.one(request.params.id);
    if (feed === undefined) return refuseFeed(request, reply, request.params.id);
    const newestAt = candles.newestAt();
    if (newestAt === undefined) return sendProblem(request, reply, "no-round", { detail: "the network is starting" });
    const { minCoverageBps, to = newestAt, from = Math.max(0, to - DEFAULT_SPAN_MS) } = request.query;
    const span = { from, to };
    if (from >= to) {
      const fault = { in: "query", field: "from", expected: "expected less than `to`" } as const;
      return sendProblem(request, reply, "bad-request", { detail: `${fault.field}: ${fault.expected}`, errors: [fault] });
    }
    const { roundMs, leaseMs } = network().config;
    const sums = sumOver(feed, span, { book: candles, history: store.history, roundMs, leaseMs });
    if (sums === undefined) {
      return sendProblem(request, reply, "candles-awaited", { detail: "a gateway reads a day of rounds when it starts" });
    }
    const coverageBps = coverageBpsOf(sums, span);
    const document = coverageBps < minCoverageBps ? undefined : toTwapDocument(feed, span, sums);
    if (document !== undefined) return sendJson(reply, JSON.stringify(document), CACHE);
    const detail =
      `fresh certified prices of ${feed} cover ${sums.coveredMs} of ${to - from} ms, ${coverageBps} bps; ` +
      `at least ${minCoverageBps} bps are asked for`;
    return sendProblem(request, reply, "low-coverage", { detail });
  });
}
