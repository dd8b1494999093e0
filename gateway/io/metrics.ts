import type { FastifyInstance } from "fastify";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { StreamForm } from "../events.ts";
import { FOLLOW_ROUTE } from "./follow-wire.ts";

const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const METHODS = ["GET", "HEAD", "OPTIONS", "POST"];
export const STREAM_ROUTE = "/v1/stream";
export const SOCKET_ROUTE = "/v1/ws";
/** How long a stream lasts is no latency. */
const STREAMS = [STREAM_ROUTE, FOLLOW_ROUTE];

/** Why a reader of the stream was let go; the label of a counter. */
export type DropReason = "slow" | "stalled";

export type StreamMetrics = {
  /** So many readers more, or fewer. */
  readonly readers: (form: StreamForm, change: 1 | -1) => void;
  readonly dropped: (reason: DropReason) => void;
  readonly sent: () => void;
};

/** Requests by route template, never by path: strangers choose paths. A stream's length is no latency, so streams are not in it. */
export function registerRequestMetrics(app: FastifyInstance, registry: Registry): void {
  const duration = new Histogram({
    name: "breakwater_http_request_duration_seconds",
    help: "Time from a request's head to the end of its reply, by route template",
    labelNames: ["method", "route", "status"],
    buckets: BUCKETS_S,
    registers: [registry],
  });
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "(none)";
    if (!STREAMS.includes(route)) {
      const method = METHODS.includes(request.method) ? request.method : "other";
      duration.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    }
    done();
  });
}

export type AccessMetrics = { readonly limited: (by: "key" | "address") => void };

export function createAccessMetrics(registry: Registry): AccessMetrics {
  const limited = new Counter({
    name: "breakwater_rate_limited_total",
    help: "Requests refused because a key's holder or an address had made too many",
    labelNames: ["by"],
    registers: [registry],
  });
  return { limited: (by) => limited.inc({ by }) };
}

export function createStreamMetrics(registry: Registry): StreamMetrics {
  const registers = [registry];
  const readers = {
    sse: new Gauge({ name: "breakwater_stream_readers", help: "Open readers of /v1/stream", registers }),
    websocket: new Gauge({ name: "breakwater_websocket_readers", help: "Open readers of /v1/ws", registers }),
  };
  const events = new Counter({ name: "breakwater_stream_events_total", help: "Rounds written to readers", registers });
  const drops = new Counter({
    name: "breakwater_stream_readers_dropped_total",
    help: "Readers let go: `slow` overflowed their buffer, `stalled` stopped reading while catching up, or answers no ping",
    labelNames: ["reason"],
    registers,
  });
  return {
    readers: (form, change) => readers[form].inc(change),
    dropped: (reason) => drops.inc({ reason }),
    sent: () => events.inc(),
  };
}
