import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type AccessRules, addressBlock, type Caller, createAccess, holdsKey, KEY_WINDOW_MS } from "../access.ts";
import { createLocalLimits, type Limit, type RateLimits, type Taken } from "../limits.ts";
import type { AccessMetrics } from "./metrics.ts";
import { sendProblem } from "./replies.ts";
import type { Place } from "./stream.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a route counts by itself, of each caller; false: it counts nothing. */
    rateLimit?: false | { readonly max: number; readonly timeWindow: number };
  }
}

/** What a key opens; health, metrics and the documentation are everybody's. */
const KEPT_PATH = "/v1/";

export type AccessOptions = {
  readonly rules: AccessRules | undefined;
  /** Of one address. */
  readonly limit: Limit;
  /** Counters shared with other gateways; without them this process counts for itself. */
  readonly shared: RateLimits | undefined;
  readonly metrics: AccessMetrics;
};

/** Who asks. */
export type CallerOf = (request: FastifyRequest) => Caller;

/**
 * Before anything else is looked at: no key in a query, no more requests than a key's holder or an address may make, and no request
 * without a key where one is required. Whoever shows a wrong key is counted by his address.
 */
export function registerAccess(app: FastifyInstance, { rules, limit, shared, metrics }: AccessOptions): CallerOf {
  const access = createAccess(rules);
  const callerOf = (request: FastifyRequest) => access(request.headers, addressBlock(request.ip));
  const takeLocal = createLocalLimits(() => performance.now());
  app.addHook("onRequest", (request, reply, done) => {
    const { config, url = "" } = request.routeOptions;
    const own = config?.rateLimit;
    const query = request.url.indexOf("?");
    if (query >= 0 && holdsKey(request.url.slice(query + 1))) return refuseQuery(request, reply);
    if (own === false) return done();
    const caller = callerOf(request);
    const judge = (taken: Taken): void => {
      if (!taken.allowed) refuseMore(request, reply, { caller, taken, metrics });
      else if (caller.kind === "refused" && url.startsWith(KEPT_PATH)) refuseKey(request, reply, caller.code);
      else done();
    };
    const ask: Limit = own === undefined ? limitOf(caller, limit) : { max: own.max, windowMs: own.timeWindow };
    const key = own === undefined ? caller.id : `${caller.id} ${url}`;
    if (shared === undefined) return judge(takeLocal(key, ask));
    shared.take(key, ask).then(judge, () => judge(takeLocal(key, ask)));
  });
  if (rules?.required === true) keepPrivate(app);
  return callerOf;
}

/** Whose reader it would be, and how many he may have. */
export function placeOf(caller: Caller): Place {
  return { id: caller.id, max: caller.kind === "key" ? caller.key.streams : undefined };
}

function limitOf(caller: Caller, ofAddress: Limit): Limit {
  return caller.kind === "key" ? { max: caller.key.requestsPerMinute, windowMs: KEY_WINDOW_MS } : ofAddress;
}

/** What only the holders of keys may read is for nobody else's cache. */
function keepPrivate(app: FastifyInstance): void {
  app.addHook("onSend", (request, reply, payload, done) => {
    const cacheControl = reply.getHeader("cache-control");
    if (request.routeOptions.url?.startsWith(KEPT_PATH) && typeof cacheControl === "string") {
      reply.header("cache-control", cacheControl.replace("public", "private"));
      const vary = reply.getHeader("vary");
      reply.header("vary", [vary, "Authorization", "X-Api-Key"].filter((name) => name !== undefined).join(", "));
    }
    done(null, payload);
  });
}

function refuseQuery(request: FastifyRequest, reply: FastifyReply): void {
  const detail =
    "a key or token does not belong into a query, which ends in logs: send it as `Authorization: Bearer …` or `X-Api-Key: …`, " +
    "and have a key that was sent here replaced";
  sendProblem(request, reply, "key-in-query", { detail });
}

function refuseMore(
  request: FastifyRequest,
  reply: FastifyReply,
  { caller, taken, metrics }: { readonly caller: Caller; readonly taken: Taken; readonly metrics: AccessMetrics },
): void {
  const by = caller.kind === "key" ? "key" : "address";
  metrics.limited(by);
  const seconds = Math.max(1, Math.ceil(taken.resetMs / 1000));
  reply.header("ratelimit-remaining", taken.remaining).header("ratelimit-reset", seconds).header("retry-after", seconds);
  const whose = by === "key" ? "this key's" : "this address's";
  sendProblem(request, reply, "too-many-requests", { detail: `${whose} requests are used up: retry in ${seconds} s` });
}

function refuseKey(request: FastifyRequest, reply: FastifyReply, code: "unknown-key" | "key-required"): void {
  reply.header("www-authenticate", 'Bearer realm="breakwater"');
  const detail =
    code === "unknown-key"
      ? "the key shown is none of this gateway's"
      : "send a key as `Authorization: Bearer …` or `X-Api-Key: …`; the operator of this gateway gives them out";
  sendProblem(request, reply, code, { detail });
}
