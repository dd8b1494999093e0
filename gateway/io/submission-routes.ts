import { setTimeout as delay } from "node:timers/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { fromHex, type Hex, keccakHex } from "../../protocol/bytes.ts";
import { configDigest, type Network, type NetworkConfig, parseNetworkConfig } from "../../protocol/config.ts";
import { fail, type Result } from "../../protocol/result.ts";
import { replaySchema, submittedSchema } from "../governance.ts";
import type { SubmissionView } from "../ports.ts";
import type { ProblemCode, ProblemFields } from "../problems.ts";
import {
  MAX_CONFIG_BODY,
  MAX_DOCUMENT_BODY,
  MAX_PAUSE_BODY,
  noQuerySchema,
  proposalSchema,
  submissionSchema,
} from "../queries.ts";
import { createReplayDesk } from "../replay-desk.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { DOCUMENTS_ROUTE, PAUSE_ROUTE, REPLAY_ROUTE } from "./faults.ts";
import { createLargeBodies } from "./large-bodies.ts";
import { describeResponses, JSON_TYPE, sendJson, sendProblem } from "./replies.ts";

const TAGS = ["governance"];
const ACCEPTED = 202;
/** Named faults of a refused config; a config of another shape has thousands. */
const MAX_CONFIG_FAULTS = 50;
/** A proposed config beside the one in force, in characters of JSON: one that doubles it, and what any small one may add. */
const MAX_GROWTH = 2;
const SMALL_CONFIG = 64 * 1024;

/** What keyholders bring: documents, which no one has to be trusted for, and proposals whose effect they want to see first. */
export function registerSubmissions(app: GatewayApp, context: RouteContext): void {
  registerSubmission(app, context, {
    path: PAUSE_ROUTE,
    bodyLimit: MAX_PAUSE_BODY,
    summary: "A guardian's or governors' pause, or its withdrawal, signed",
    only: "pause",
  });
  registerSubmission(app, context, {
    path: DOCUMENTS_ROUTE,
    bodyLimit: MAX_DOCUMENT_BODY,
    summary: "Any document of guardians or governors, signed",
  });
  registerReplay(app, context);
}

type Submission = { readonly path: string; readonly bodyLimit: number; readonly summary: string; readonly only?: "pause" };

function registerSubmission(
  app: GatewayApp,
  { submit, read, writes }: RouteContext,
  { path, bodyLimit, summary, only }: Submission,
): void {
  const schema = {
    tags: TAGS,
    summary,
    description:
      "202 says that this node carries the document from now on, code `carried`, or first recomputes the replay that a config names, " +
      "code `review`; whether it takes effect is for the network's rounds to say. A refusal's `code` is the network's own judgement.",
    querystring: noQuerySchema,
    body: submissionSchema,
    response: describeResponses(
      { description: "The node has it", schema: submittedSchema, status: ACCEPTED },
      ...(["document-malformed", "document-refused", "too-large", "no-node"] as const),
    ),
  };
  const config = { rateLimit: { max: writes.max, timeWindow: writes.windowMs } };
  app.post(path, { schema, bodyLimit, config, ...createLargeBodies() }, (request, reply) => {
    if (submit === undefined) return sendProblem(request, reply, "no-node", { detail: "this gateway only follows: ask a node" });
    const bytes = fromHex(request.body.document as Hex);
    const kind = only === undefined ? undefined : read({ digest: keccakHex(bytes), bytes })?.kind;
    if (kind !== undefined && kind !== only) {
      const detail = `expected a ${only}, found a document of kind ${kind}: it goes to ${DOCUMENTS_ROUTE}`;
      return sendProblem(request, reply, "document-malformed", { detail, judgement: "malformed" });
    }
    return answerSubmission(request, reply, submit(bytes));
  });
}

/** What a node says of a document, told by whoever knows it. */
export function answerSubmission(request: FastifyRequest, reply: FastifyReply, receipt: SubmissionView): FastifyReply {
  if (receipt.ok) {
    const { digest, code } = receipt;
    return sendJson(reply.code(ACCEPTED), JSON.stringify({ digest, code }), "no-store");
  }
  const { code, detail } = receipt;
  return sendProblem(request, reply, code === "malformed" ? "document-malformed" : "document-refused", {
    detail,
    judgement: code,
  });
}

function registerReplay(app: GatewayApp, context: RouteContext): void {
  const { replay, writes, callerOf } = context;
  const schema = {
    tags: TAGS,
    summary: "What a proposed config would have done over the last rounds and in the incident suite",
    description:
      "The report that every node computes alike; its digest goes into the config document. It may take minutes. One at a time is " +
      "computed, the same question once; an address waits for one answer at a time.",
    querystring: noQuerySchema,
    body: proposalSchema,
    response: describeResponses(
      { description: "The report and its digest", schema: replaySchema },
      ...(["config-refused", "replay-impossible", "too-large", "replay-busy"] as const),
    ),
  };
  const desk = createReplayDesk({ now: () => performance.now(), rest: (ms) => delay(ms, undefined, { ref: false }) });
  const config = { rateLimit: { max: writes.max, timeWindow: writes.windowMs } };
  const options = { schema, bodyLimit: MAX_CONFIG_BODY, config, ...createLargeBodies() };
  app.post(REPLAY_ROUTE, options, async (request, reply) => {
    if (replay === undefined) return sendProblem(request, reply, "no-node", { detail: "this gateway holds no rounds to replay" });
    const proposed = parseProposal(request.body.config, context.network());
    if (!proposed.ok) return sendProblem(request, reply, proposed.error.code, proposed.error.fields);
    const { to } = request.body;
    const asker = { address: callerOf(request).id, isGone: () => reply.raw.destroyed };
    const question = { ...questionOf(context, proposed.value), to, ...asker };
    const answer = desk.ask(question, () => replay(proposed.value, { to }));
    if (answer === undefined) {
      return sendProblem(request, reply, "replay-busy", { detail: "each may take minutes; an address waits for one at a time" });
    }
    try {
      const { digest, report } = await answer;
      return reply.header("content-type", JSON_TYPE).header("cache-control", "no-store").send(JSON.stringify({ digest, report }));
    } catch (error) {
      if (!isReplayFault(error)) throw error;
      return sendProblem(request, reply, "replay-impossible", { detail: error.message });
    }
  });
}

function questionOf({ network, latest }: RouteContext, proposed: NetworkConfig) {
  return {
    config: `${network().configDigest} ${configDigest(proposed)}`,
    newest: latest()?.certificate.header.round,
  };
}

type Refusal = { readonly code: ProblemCode; readonly fields: ProblemFields };

/**
 * A config takes a second of a node's time where it is of the largest size, and anybody may bring one: so much larger than the one in
 * force is none that follows it.
 */
function parseProposal(content: Record<string, unknown>, { config }: Network): Result<NetworkConfig, Refusal> {
  const most = MAX_GROWTH * JSON.stringify(config).length + SMALL_CONFIG;
  if (JSON.stringify(content).length > most) {
    return fail({ code: "too-large", fields: { detail: `a config of this network is proposed in at most ${most} characters` } });
  }
  const parsed = parseNetworkConfig(content);
  if (parsed.ok) return parsed;
  const errors = parsed.error
    .slice(0, MAX_CONFIG_FAULTS)
    .map(({ path, expected }) => ({ in: "body" as const, field: `config.${path}`, expected }));
  const detail = errors.map(({ field, expected }) => `${field}: ${expected}`).join("; ");
  return fail({ code: "config-refused", fields: { detail, errors } });
}

/** The node's own word for rounds that its store does not hold; any other error stays in the log. */
function isReplayFault(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "replay";
}
