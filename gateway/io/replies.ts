import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { matchesTag, NO_STORE } from "../lease.ts";
import {
  createProblem,
  type FieldFault,
  PROBLEM_TYPE,
  type ProblemCode,
  type ProblemFields,
  problemSchema,
  retryAfterOf,
} from "../problems.ts";

/** What a page of another origin may see of a refusal. */
const EXPOSED_HEADERS = "retry-after, ratelimit-remaining, ratelimit-reset";

export const JSON_TYPE = "application/json; charset=utf-8";

/** JSON already made: Fastify sends a text of this type as it is. */
export function sendJson(reply: FastifyReply, text: string, cacheControl: string): FastifyReply {
  return reply.header("content-type", JSON_TYPE).header("cache-control", cacheControl).send(text);
}

/**
 * A round's document: kept as long as its lease lets it, and not sent again to who has it already (304). Once the lease is over nobody
 * keeps it, so there is no tag either.
 */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  { text, tag, cacheControl }: { readonly text: string; readonly tag: string; readonly cacheControl: string },
): FastifyReply {
  if (cacheControl === NO_STORE) return sendJson(reply, text, NO_STORE);
  reply.header("etag", tag);
  const known = request.headers["if-none-match"];
  if (known !== undefined && matchesTag(known, tag)) return reply.code(304).header("cache-control", cacheControl).send();
  return sendJson(reply, text, cacheControl);
}

/** An RFC 9457 problem document, never cached, with Retry-After where asking again makes sense. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  fields: ProblemFields,
): FastifyReply {
  const problem = createProblem(code, { ...fields, instance: pathOf(request) });
  const retryAfterS = retryAfterOf(code);
  if (retryAfterS !== undefined) reply.header("retry-after", retryAfterS);
  return reply
    .code(problem.status)
    .header("content-type", PROBLEM_TYPE)
    .header("cache-control", NO_STORE)
    .header("access-control-expose-headers", EXPOSED_HEADERS)
    .send(JSON.stringify(problem));
}

const PLACES: Readonly<Record<string, FieldFault["in"]>> = { params: "path", body: "body" };

/** What Fastify says of a request that does not fit its schemas → one fault a field, unknown query keys by their names. */
export function fieldFaultsOf(error: FastifyError): readonly FieldFault[] {
  const place = PLACES[error.validationContext ?? ""] ?? "query";
  return (error.validation ?? []).flatMap(({ instancePath, message, keyword, params }): readonly FieldFault[] => {
    if (keyword === "unrecognized_keys" && Array.isArray(params.keys)) {
      return params.keys.map((key) => ({ in: place, field: String(key), expected: "expected no such parameter" }));
    }
    return [
      { in: place, field: instancePath.replace(/^\//, "").replaceAll("/", "."), expected: message ?? "expected another value" },
    ];
  });
}

/**
 * Response schemas for the OpenAPI document: the reply itself, a JSON unless it says otherwise, and the problems beside those that
 * every route has. Replies are sent as made; that they fit is what the tests check.
 */
export function describeResponses(
  success: { readonly description: string; readonly schema: z.ZodType; readonly type?: string; readonly status?: number },
  ...problems: readonly ProblemCode[]
): Record<number, unknown> {
  const { description, schema, type = "application/json", status: succeeds = 200 } = success;
  const responses: Record<number, unknown> = { [succeeds]: { description, content: { [type]: { schema } } } };
  for (const code of [...problems, "bad-request", "too-many-requests", "internal"] as const) {
    const { status, title } = createProblem(code, { detail: "" });
    responses[status] ??= { description: title, content: { [PROBLEM_TYPE]: { schema: problemSchema } } };
  }
  return responses;
}

export function pathOf(request: FastifyRequest): string {
  const end = request.url.indexOf("?");
  return end < 0 ? request.url : request.url.slice(0, end);
}
