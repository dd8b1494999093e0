import { z } from "zod";

/** Every way a request fails, as an RFC 9457 problem type; `retryAfterS` becomes the Retry-After header. */
export const PROBLEMS = {
  "bad-request": { status: 400, title: "The request is malformed" },
  "key-in-query": { status: 400, title: "A key does not belong into a query" },
  "key-required": { status: 401, title: "This gateway answers the holders of its keys" },
  "unknown-key": { status: 401, title: "This gateway has given out no such key" },
  "origin-refused": { status: 403, title: "Pages of this origin may not read here" },
  "unknown-route": { status: 404, title: "There is no such route" },
  "unknown-feed": { status: 404, title: "This network has no such feed" },
  "unknown-round": { status: 404, title: "This gateway has no such round" },
  "unknown-body": { status: 404, title: "This gateway no longer has the round's body" },
  "unknown-document": { status: 404, title: "This gateway has no such document" },
  "method-not-allowed": { status: 405, title: "The method is not allowed here" },
  "request-timeout": { status: 408, title: "The request took too long to arrive" },
  "document-refused": { status: 409, title: "The document would change nothing as things stand" },
  "replay-impossible": { status: 409, title: "The rounds that the replay would cover are not here" },
  "too-large": { status: 413, title: "The request's body is too large" },
  "document-malformed": { status: 422, title: "This is no document of this network's keyholders" },
  "config-refused": { status: 422, title: "The config is refused as a whole" },
  "upgrade-required": { status: 426, title: "This is a WebSocket" },
  "low-coverage": { status: 422, title: "Certified prices cover too little of this time" },
  "headers-too-large": { status: 431, title: "The request's headers are too large" },
  "too-many-requests": { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "The gateway failed" },
  "no-price": { status: 503, title: "The feed has no price yet", retryAfterS: 1 },
  "lease-ended": { status: 503, title: "The newest round's lease has ended: nothing is permitted", retryAfterS: 1 },
  "no-round": { status: 503, title: "No round has been certified yet", retryAfterS: 1 },
  "no-sources": { status: 503, title: "This gateway has not sampled the feed", retryAfterS: 1 },
  "too-many-readers": { status: 503, title: "The stream has no room for another reader", retryAfterS: 30 },
  "no-node": { status: 503, title: "No node that could do this runs here", retryAfterS: 60 },
  "replay-busy": { status: 503, title: "Other replays come first", retryAfterS: 30 },
  "too-many-bodies": { status: 503, title: "Other large requests are being read", retryAfterS: 10 },
  draining: { status: 503, title: "This gateway is stopping", retryAfterS: 1 },
  "candles-awaited": { status: 503, title: "This gateway still reads the rounds of this time", retryAfterS: 10 },
  "not-ready": { status: 503, title: "Not ready", retryAfterS: 1 },
} as const satisfies Record<string, { readonly status: number; readonly title: string; readonly retryAfterS?: number }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One refused field of a request: where it stood, its name, and what was expected there. */
export type FieldFault = { readonly in: "path" | "query" | "header" | "body"; readonly field: string; readonly expected: string };

export const fieldFaultSchema = z.strictObject({
  in: z.enum(["path", "query", "header", "body"]),
  field: z.string(),
  expected: z.string(),
});

export const problemSchema = z.strictObject({
  type: z.string().describe("urn:breakwater:problem: followed by the problem's code"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().optional().describe("path of the request"),
  code: z.string().optional().describe("for a refused document: how the network judges it"),
  errors: z.array(fieldFaultSchema).optional().describe("for a malformed request: every refused field"),
});
export type Problem = z.infer<typeof problemSchema>;

export type ProblemFields = {
  readonly detail: string;
  /** The code with which a document was refused. */
  readonly judgement?: string;
  readonly errors?: readonly FieldFault[];
};

export const PROBLEM_TYPE = "application/problem+json";

/**
 * A problem document's content.
 *
 * @example
 * createProblem("unknown-feed", { detail: 'no feed "ETH-EUR"', instance: "/v1/feeds/ETH-EUR" }).status; // 404
 */
export function createProblem(
  code: ProblemCode,
  { detail, instance, judgement, errors }: ProblemFields & { readonly instance?: string },
): Problem {
  const { status, title } = PROBLEMS[code];
  return {
    type: `urn:breakwater:problem:${code}`,
    title,
    status,
    detail,
    ...(instance === undefined ? {} : { instance }),
    ...(judgement === undefined ? {} : { code: judgement }),
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
}

/** Seconds after which asking again makes sense; undefined where it does not. */
export function retryAfterOf(code: ProblemCode): number | undefined {
  const problem = PROBLEMS[code];
  return "retryAfterS" in problem ? problem.retryAfterS : undefined;
}
