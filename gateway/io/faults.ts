import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isOriginAllowed, type OriginRule } from "../access.ts";
import type { GatewayLogger } from "../ports.ts";
import { createProblem, PROBLEM_TYPE, type ProblemCode } from "../problems.ts";
import { fieldFaultsOf, pathOf, sendProblem } from "./replies.ts";
import { createTaper } from "./taper.ts";

/** The routes that take what keyholders signed, and those that compute. */
export const PAUSE_ROUTE = "/v1/breaker/pause";
export const DOCUMENTS_ROUTE = "/v1/governance/documents";
export const REPLAY_ROUTE = "/v1/governance/replay";
export const WHAT_IF_ROUTE = "/v1/governance/what-if";

const READING = ["GET", "HEAD", "OPTIONS"];
const METHODS: Readonly<Record<string, readonly string[]>> = {
  [PAUSE_ROUTE]: ["POST", "OPTIONS"],
  [DOCUMENTS_ROUTE]: ["GET", "HEAD", "OPTIONS", "POST"],
  [REPLAY_ROUTE]: ["POST", "OPTIONS"],
  [WHAT_IF_ROUTE]: ["POST", "OPTIONS"],
};

/** Every failure of a request leaves as a problem document: a fault of the request says what, one of the gateway says only that. */
export function registerFaults(app: FastifyInstance, log: GatewayLogger): void {
  const tell = taperedError(log);
  app.addHook("onRequest", (request, reply, done) => {
    const allowed = METHODS[pathOf(request)] ?? READING;
    if (allowed.includes(request.method)) return done();
    reply.header("allow", allowed.join(", "));
    sendProblem(request, reply, "method-not-allowed", { detail: `expected ${allowed[0]}, found ${request.method}` });
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    answerError(error, request, reply, tell);
  });
  app.setNotFoundHandler((request, reply) => {
    sendProblem(request, reply, "unknown-route", { detail: "GET / lists the routes, /docs describes them" });
  });
}

/** Answers errors raised before a route is found, such as a path that does not decode: no hook has run, so origins are told here. */
export function frameworkErrorsUnder(origins: OriginRule) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const { origin } = request.headers;
    if (origins === "*") reply.header("access-control-allow-origin", "*");
    else if (origin !== undefined && isOriginAllowed(origins, origin)) reply.header("access-control-allow-origin", origin);
    sendProblem(request, reply, "bad-request", { detail: error.message });
  };
}

/** A request that is not HTTP, too slow or too large in its headers: there is no reply object yet, so the socket is written to. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const codes: Readonly<Record<string, ProblemCode>> = {
    ERR_HTTP_REQUEST_TIMEOUT: "request-timeout",
    HPE_HEADER_OVERFLOW: "headers-too-large",
  };
  const problem = createProblem(codes[error.code ?? ""] ?? "bad-request", { detail: "the request could not be read as HTTP" });
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  tell: (error: Error, request: FastifyRequest) => void,
): void {
  if (error.validation !== undefined) {
    const errors = fieldFaultsOf(error);
    const detail = errors.map(({ field, expected }) => `${field}: ${expected}`).join("; ");
    sendProblem(request, reply, "bad-request", { detail, errors });
  } else if (error.statusCode === 413) {
    sendProblem(request, reply, "too-large", { detail: "the body is larger than anything that belongs here" });
  } else if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    sendProblem(request, reply, "bad-request", { detail: error.message });
  } else {
    tell(error, request);
    sendProblem(request, reply, "internal", { detail: "the failure is in the gateway's log" });
  }
}

function taperedError(log: GatewayLogger): (error: Error, request: FastifyRequest) => void {
  const taper = createTaper();
  return (error, request) => {
    const route = request.routeOptions.url ?? "(none)";
    const count = taper.next(route);
    if (count === undefined) return;
    log.error({ err: error, route, count }, "a request failed in the gateway: a bug in this program; please report the line");
  };
}
