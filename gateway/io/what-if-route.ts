import { setTimeout as delay } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Network } from "../../protocol/config.ts";
import { findRelationFaults } from "../../protocol/config-relations.ts";
import type { FeedId } from "../../protocol/feed.ts";
import { resolveThresholds, type Thresholds } from "../../protocol/thresholds.ts";
import type { FieldFault } from "../problems.ts";
import { noQuerySchema } from "../queries.ts";
import { createTurns } from "../turns.ts";
import { toWhatIfDocument, whatIfLoadingSchema, whatIfQuestionSchema, whatIfSchema } from "../what-if.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { WHAT_IF_ROUTE } from "./faults.ts";
import { refuseFeed } from "./feed-routes.ts";
import { describeResponses, JSON_TYPE, sendJson, sendProblem } from "./replies.ts";

/** Every threshold of a feed by its name. */
const MAX_QUESTION_BYTES = 4_096;
/** For each document that an address may bring, so many questions: a slider asks often. */
const QUESTIONS_A_WRITE = 4;
const LOADING = 202;
const RETRY_AFTER_S = 1;

/** What other thresholds of one feed would have done over the last hours. */
export function registerWhatIf(app: GatewayApp, { network, lookup, whatIf, writes, callerOf }: RouteContext): void {
  const responses = describeResponses(
    { description: "What the breaker did, and what it would have done", schema: whatIfSchema },
    ...(["unknown-feed", "config-refused", "replay-impossible", "replay-busy"] as const),
  );
  responses[LOADING] = {
    description: "The rounds are being opened: ask again",
    content: { "application/json": { schema: whatIfLoadingSchema } },
  };
  const schema = {
    tags: ["governance"],
    summary: "What other thresholds of a feed would have done with the last hours' certified rounds",
    description:
      "The fold of the feed again, from the observations that were certified, under the thresholds in force and under the changed ones. " +
      "202 with Retry-After while the rounds are opened for the first time. A look, not a proof: what a proposal needs is /v1/governance/replay.",
    querystring: noQuerySchema,
    body: whatIfQuestionSchema,
    response: responses,
  };
  const turns = createTurns({ now: () => performance.now(), rest: (ms) => delay(ms, undefined, { ref: false }) });
  const config = { rateLimit: { max: writes.max * QUESTIONS_A_WRITE, timeWindow: writes.windowMs } };
  app.post(WHAT_IF_ROUTE, { schema, bodyLimit: MAX_QUESTION_BYTES, config }, async (request, reply) => {
    if (whatIf === undefined) return sendProblem(request, reply, "no-node", { detail: "this gateway holds no rounds to replay" });
    const { feed: name, thresholds: overrides, hours } = request.body;
    const current = network();
    const feed = lookup.one(name.replace("/", "-"));
    const own = current.config.feeds.find((item) => item.feed === feed);
    if (feed === undefined || own === undefined) return refuseFeed(request, reply, name);
    const thresholds = resolveThresholds(
      own.preset,
      { ...own.thresholds, liquidateNone: [...own.thresholds.liquidateNone] },
      overrides,
    );
    const errors = faultsOf(current, feed, thresholds);
    if (errors.length > 0) return refuse(request, reply, errors);
    const asker = { address: callerOf(request).id, isGone: () => reply.raw.destroyed };
    const answer = turns.take(() => whatIf({ feed, thresholds, hours }), asker);
    if (answer === undefined) {
      return sendProblem(request, reply, "replay-busy", { detail: "few questions wait, and of one address fewer" });
    }
    try {
      const found = await answer;
      if (found.kind === "answer")
        return reply
          .header("content-type", JSON_TYPE)
          .header("cache-control", "no-store")
          .send(JSON.stringify(toWhatIfDocument(found.whatIf)));
      const { loaded, of } = found;
      return sendJson(reply.code(LOADING).header("retry-after", RETRY_AFTER_S), JSON.stringify({ loaded, of }), "no-store");
    } catch (error) {
      if (!isReplayFault(error)) throw error;
      return sendProblem(request, reply, "replay-impossible", { detail: error.message });
    }
  });
}

/** What of the feed's thresholds would not hold together: the relations of a whole config, as its parser names them. */
function faultsOf({ config }: Network, feed: FeedId, thresholds: Thresholds): readonly FieldFault[] {
  const feeds = config.feeds.map((item) => (item.feed === feed ? { ...item, thresholds } : item));
  const known = new Set(findRelationFaults(config).map(({ path }) => path));
  return findRelationFaults({ ...config, feeds })
    .filter(({ path }) => !known.has(path))
    .map(({ path, expected }) => ({ in: "body", field: path.replace(`feeds[${feed}].`, ""), expected }));
}

function refuse(request: FastifyRequest, reply: FastifyReply, errors: readonly FieldFault[]): FastifyReply {
  const detail = errors.map(({ field, expected }) => `${field}: ${expected}`).join("; ");
  return sendProblem(request, reply, "config-refused", { detail, errors });
}

/** The word of whoever holds the rounds for what it cannot replay; any other error stays in the log. */
function isReplayFault(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "replay";
}
