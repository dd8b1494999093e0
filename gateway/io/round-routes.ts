import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { StoredRound } from "../../protocol/round.ts";
import { roundSchema, toRoundDocument } from "../documents.ts";
import { parseLastEventId } from "../events.ts";
import { cacheControlOf, pastCacheControlOf } from "../lease.ts";
import { bodyQuerySchema, chosenFeedsQuerySchema, roundParamsSchema } from "../queries.ts";
import { placeOf } from "./access.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { refuseSelection } from "./feed-routes.ts";
import { STREAM_ROUTE } from "./metrics.ts";
import { responseOutlet } from "./outlets.ts";
import { describeResponses, sendProblem, sendTagged } from "./replies.ts";

const TAGS = ["rounds"];
const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

/** Whole rounds and the stream of them. */
export function registerRoundRoutes(app: GatewayApp, context: RouteContext): void {
  registerRounds(app, context);
  registerStream(app, context);
}

function registerRounds(app: GatewayApp, { network, latest, store, now }: RouteContext): void {
  const send = (request: FastifyRequest, reply: FastifyReply, stored: StoredRound, withBody: boolean, cacheControl: string) => {
    const body = withBody ? store.bodyOf(stored.certified.digest) : undefined;
    if (withBody && body === undefined) {
      const { round } = stored.certified.certificate.header;
      const detail = `the body of round ${round} is not here: bodies are kept for a shorter time than certificates`;
      return sendProblem(request, reply, "unknown-body", { detail });
    }
    const tag = `"${stored.certified.digest.slice(2)}${stored.orphan ? "-orphan" : ""}"`;
    return sendTagged(request, reply, { text: JSON.stringify(toRoundDocument(stored, body)), tag, cacheControl });
  };
  const describe = (summary: string, ...problems: readonly ["unknown-body", "unknown-round" | "no-round"]) => ({
    tags: TAGS,
    summary,
    description: "With `body=1` beside it everything from which the pure fold computes the same header again.",
    querystring: bodyQuerySchema,
    response: describeResponses({ description: "The certificate and every leaf", schema: roundSchema }, ...problems),
  });
  app.get("/v1/rounds/latest", { schema: describe("The newest round", "unknown-body", "no-round") }, (request, reply) => {
    const certified = latest();
    if (certified === undefined) return sendProblem(request, reply, "no-round", { detail: "the network is starting" });
    const cache = cacheControlOf(certified, now(), network().config);
    return send(request, reply, { certified, orphan: false }, request.query.body === "1", cache);
  });
  const schema = { ...describe("A past round", "unknown-body", "unknown-round"), params: roundParamsSchema };
  app.get("/v1/rounds/:round", { schema }, (request, reply) => {
    const stored = store.byRound(request.params.round);
    if (stored !== undefined) {
      const cache = pastCacheControlOf(stored, { latest: latest(), now: now(), roundMs: network().config.roundMs });
      return send(request, reply, stored, request.query.body === "1", cache);
    }
    const detail = `round ${request.params.round} was missed, or is older or newer than what is kept here`;
    return sendProblem(request, reply, "unknown-round", { detail });
  });
}

function registerStream(app: GatewayApp, { stream, lookup, callerOf }: RouteContext): void {
  const schema = {
    tags: TAGS,
    summary: "One event a round: the chosen feeds as a bundle (server-sent events)",
    description:
      "`id` is the round, `data` a bundle document of the chosen feeds that have a price. Before it comes one event of the name " +
      "`breaker` for each chosen feed whose breaker changed in that round, `data` as in /v1/breaker/log. The newest round comes at once; with " +
      "Last-Event-ID the stored rounds after it come first, as far as their leases still run; of those that have ended only the changes " +
      "are told. Comments say why nothing comes. A reader that does not keep up is disconnected and may resume.",
    querystring: chosenFeedsQuerySchema,
    headers: z.looseObject({ "last-event-id": z.string().optional().describe("round to resume after") }),
    response: describeResponses(
      { description: "The stream", schema: z.string(), type: "text/event-stream" },
      "unknown-feed",
      "too-many-readers",
    ),
  };
  app.get(STREAM_ROUTE, { schema, exposeHeadRoute: false }, (request, reply) => {
    const feeds = lookup.many(request.query.feeds);
    if (!feeds.ok) return refuseSelection(request, reply, { fault: feeds.error, field: "feeds" });
    const header = request.headers["last-event-id"];
    const after = header === undefined ? undefined : parseLastEventId(header);
    if (header !== undefined && after === undefined) {
      const fault = { in: "header", field: "Last-Event-ID", expected: "expected a round number" } as const;
      return sendProblem(request, reply, "bad-request", { detail: `${fault.field}: ${fault.expected}`, errors: [fault] });
    }
    const place = placeOf(callerOf(request));
    const refusal = stream.refusal(place);
    if (refusal !== undefined) return sendProblem(request, reply, "too-many-readers", { detail: refusal });
    reply.hijack();
    for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...STREAM_HEADERS })) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    stream.open(responseOutlet(reply.raw), { feeds: feeds.value, after, place });
    return reply;
  });
}
