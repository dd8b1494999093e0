import type { Registry } from "prom-client";
import { z } from "zod";
import type { Network } from "../../protocol/config.ts";
import { committeeDocumentSchema } from "../../protocol/document.ts";
import { evidenceListSchema, toCommitteeDocument } from "../documents.ts";
import { readinessOf } from "../lease.ts";
import { committeeQuerySchema, evidenceQuerySchema, noQuerySchema } from "../queries.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { registerParticipation } from "./participation-route.ts";
import { describeResponses, sendJson, sendProblem } from "./replies.ts";

/** A retired committee may be believed for no longer than a few rounds. */
const COMMITTEE_CACHE = "public, max-age=5";
const liveSchema = z.strictObject({ live: z.literal(true) });
const readySchema = z.strictObject({ ready: z.literal(true), round: z.int(), validUntil: z.int() });

/** Whose signatures count, who signed twice, and how this process is. */
export function registerNetworkRoutes(app: GatewayApp, context: RouteContext, registry: Registry): void {
  registerCommittee(app, context);
  registerParticipation(app, context);
  registerEvidence(app, context);
  registerHealth(app, context);
  registerMetrics(app, registry);
}

function registerCommittee(app: GatewayApp, { network }: RouteContext): void {
  const schema = {
    tags: ["network"],
    summary: "The committee whose quorum signs every round",
    description:
      "With `config=1` the config in force beside it: parse it, fill in its defaults, and the keccak of its RFC 8785 form is " +
      "configDigest. While that is the genesis digest, whoever holds the digest alone can check every member; from there on " +
      "/v1/governance/transitions leads to the committee of today.",
    querystring: committeeQuerySchema,
    response: describeResponses({ description: "The committee", schema: committeeDocumentSchema }),
  };
  const textsOf = (current: Network) => ({
    of: current,
    "0": JSON.stringify(toCommitteeDocument(current, false)),
    "1": JSON.stringify(toCommitteeDocument(current, true)),
  });
  let texts = textsOf(network());
  app.get("/v1/committee", { schema }, (request, reply) => {
    const current = network();
    if (texts.of !== current) texts = textsOf(current);
    return sendJson(reply, texts[request.query.config], COMMITTEE_CACHE);
  });
}

function registerEvidence(app: GatewayApp, { store }: RouteContext): void {
  const schema = {
    tags: ["network"],
    summary: "Equivocations: two signatures of one key over two things of one kind and round",
    querystring: evidenceQuerySchema,
    response: describeResponses({ description: "Newest first", schema: evidenceListSchema }),
  };
  app.get("/v1/evidence", { schema }, (request, reply) =>
    sendJson(reply, JSON.stringify({ evidence: store.evidence({ limit: request.query.limit }) }), "no-store"),
  );
}

function registerHealth(app: GatewayApp, { latest, now, isDraining }: RouteContext): void {
  const unlimited = { rateLimit: false } as const;
  const live = {
    tags: ["operation"],
    summary: "The process answers",
    querystring: noQuerySchema,
    response: describeResponses({ description: "It does", schema: liveSchema }),
  };
  app.get("/health/live", { schema: live, config: unlimited }, (_request, reply) =>
    sendJson(reply, JSON.stringify({ live: true }), "no-store"),
  );
  const ready = {
    tags: ["operation"],
    summary: "The newest certificate's lease still runs",
    querystring: noQuerySchema,
    response: describeResponses({ description: "It does", schema: readySchema }, "not-ready", "draining"),
  };
  app.get("/health/ready", { schema: ready, config: unlimited }, (request, reply) => {
    if (isDraining()) return sendProblem(request, reply, "draining", { detail: "it answers what it is asked a little longer" });
    const readiness = readinessOf(latest(), now());
    if (readiness.ready) return sendJson(reply, JSON.stringify(readiness), "no-store");
    return sendProblem(request, reply, "not-ready", { detail: readiness.why });
  });
}

function registerMetrics(app: GatewayApp, registry: Registry): void {
  const schema = {
    tags: ["operation"],
    summary: "Metrics in the Prometheus text format",
    querystring: noQuerySchema,
    response: describeResponses({ description: "Metrics", schema: z.string(), type: "text/plain" }),
  };
  app.get("/metrics", { schema, config: { rateLimit: false } }, async (_request, reply) => {
    const text = await registry.metrics();
    return reply.header("content-type", registry.contentType).header("cache-control", "no-store").send(text);
  });
}
