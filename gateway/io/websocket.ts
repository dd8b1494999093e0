import type { IncomingMessage } from "node:http";
import websocket from "@fastify/websocket";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { WebSocket } from "ws";
import { z } from "zod";
import { isOriginAllowed } from "../access.ts";
import { createLocalLimits } from "../limits.ts";
import { socketQuerySchema } from "../queries.ts";
import { placeOf } from "./access.ts";
import type { GatewayApp, RouteContext } from "./context.ts";
import { refuseSelection } from "./feed-routes.ts";
import { SOCKET_ROUTE } from "./metrics.ts";
import { socketOutlet } from "./outlets.ts";
import { describeResponses, sendProblem } from "./replies.ts";

/** A reader has nothing to say: what it sends is no longer than this, and no more often. */
const MAX_MESSAGE_BYTES = 1_024;
const MAX_MESSAGES = 4;
const MAX_FRAGMENTS = 8;
/** In a minute; each asks for an answer that the reader may never take. */
const MAX_PINGS = 32;
const PING_WINDOW_MS = 60_000;
/** A reader that does not answer a close is cut after this. */
const CLOSE_TIMEOUT_MS = 5_000;
/** RFC 6455's registry: policy violation. */
const CLOSE_POLICY = 1_008;

/** Before the routes. Only what asks for a WebSocket is upgraded: see {@link wantsSocket}. */
export async function registerSockets(app: GatewayApp): Promise<void> {
  const options = {
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    perMessageDeflate: false,
    closeTimeout: CLOSE_TIMEOUT_MS,
  };
  await app.register(websocket, {
    options,
    errorHandler: (_error, socket) => socket.terminate(),
    // The stream ends its readers itself; this only stops taking new ones.
    preClose(done) {
      app.websocketServer.close();
      done();
    },
  });
}

/** For Node's `shouldUpgradeCallback`: some clients offer HTTP/2 with every first request, and are to be answered over HTTP/1.1. */
export function wantsSocket({ url = "", headers: { upgrade = "" } }: IncomingMessage): boolean {
  return upgrade.toLowerCase() === "websocket" && url.split("?")[0] === SOCKET_ROUTE;
}

/** `GET /v1/ws`: what /v1/stream tells, for those whose tools speak WebSocket. */
export function registerSocketRoute(app: GatewayApp, context: RouteContext): void {
  const { stream, lookup, callerOf, origins } = context;
  const schema = {
    tags: ["rounds"],
    summary: "One message a round: the chosen feeds as a bundle (WebSocket)",
    description:
      'Text messages: {"type":"round","id":round,"data":bundle}, before it {"type":"breaker","id":round,"data":…} for each chosen feed whose ' +
      'breaker changed in that round, and {"type":"status","code","detail"} when there is nothing to tell: `lease-ended`, `skipped`, ' +
      "`draining`. The newest round comes at once; with `after` the stored rounds after that one come first. The reader sends nothing: " +
      "what is longer or more than a few messages closes the stream, and so does a reader that does not keep up or answers no ping. " +
      "Close code 1012 asks to come back.",
    querystring: socketQuerySchema,
    response: describeResponses(
      { description: "The stream", schema: z.string(), type: "text/plain", status: 101 },
      "unknown-feed",
      "origin-refused",
      "upgrade-required",
      "too-many-readers",
    ),
  };
  app.route({
    method: "GET",
    url: SOCKET_ROUTE,
    exposeHeadRoute: false,
    schema,
    preHandler: (request, reply, done) => {
      const feeds = lookup.many(request.query.feeds);
      const full = stream.refusal(placeOf(callerOf(request)));
      if (!feeds.ok) refuseSelection(request, reply, { fault: feeds.error, field: "feeds" });
      else if (!request.ws) refuseHttp(request, reply);
      else if (!isOriginAllowed(origins, request.headers.origin)) refuseOrigin(request, reply);
      else if (full !== undefined) sendProblem(request, reply, "too-many-readers", { detail: full });
      else done();
    },
    handler: refuseHttp,
    wsHandler: (socket, request) => {
      const { feeds: text, after } = request.query as z.output<typeof socketQuerySchema>;
      const feeds = lookup.many(text);
      if (!feeds.ok) return socket.terminate();
      refuseTalk(socket);
      stream.open(socketOutlet(socket), { feeds: feeds.value, after, place: placeOf(callerOf(request)) });
    },
  });
}

function refuseHttp(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header("upgrade", "websocket").header("connection", "upgrade");
  return sendProblem(request, reply, "upgrade-required", {
    detail: "this is a WebSocket; /v1/stream has the same over plain HTTP",
  });
}

function refuseOrigin(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(request, reply, "origin-refused", { detail: "pages of this origin may not read here" });
}

/** Nothing that a reader sends is read; it may not keep the gateway busy either. What is too long ends with code 1009 by itself. */
function refuseTalk(socket: WebSocket): void {
  let messages = 0;
  const take = createLocalLimits(() => performance.now());
  const refuse = (): void => {
    socket.removeAllListeners("message").removeAllListeners("ping");
    socket.close(CLOSE_POLICY, "this stream takes no messages");
  };
  socket.on("message", () => {
    messages += 1;
    if (messages > MAX_MESSAGES) refuse();
  });
  socket.on("ping", () => {
    if (!take("pings", { max: MAX_PINGS, windowMs: PING_WINDOW_MS }).allowed) refuse();
  });
}
