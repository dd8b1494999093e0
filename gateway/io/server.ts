import type { AddressInfo } from "node:net";
import cors from "@fastify/cors";
import fastify from "fastify";
import { validatorCompiler, type ZodTypeProvider } from "fastify-type-provider-zod";
import type { Registry } from "prom-client";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import type { AccessRules, OriginRule } from "../access.ts";
import { createCandleBook } from "../candle-book.ts";
import { createDocumentReader } from "../document-reader.ts";
import type { RateLimits } from "../limits.ts";
import type { GatewayLogger, GatewayPorts } from "../ports.ts";
import { createFeedLookup } from "../queries.ts";
import { createRepeats } from "../repeats.ts";
import { createSnapshots } from "../snapshots.ts";
import type { Upstream } from "../upstream.ts";
import { registerAccess } from "./access.ts";
import { registerBreakerRoutes } from "./breaker-routes.ts";
import { createFiller } from "./candle-filler.ts";
import { registerCandleRoutes } from "./candle-routes.ts";
import { limitConnections } from "./connections.ts";
import type { GatewayApp } from "./context.ts";
import { registerDocs, registerIndex } from "./docs.ts";
import { answerClientError, frameworkErrorsUnder, registerFaults } from "./faults.ts";
import { registerFeedRoutes } from "./feed-routes.ts";
import { createFollowHub, FOLLOW_LIMITS, type FollowLimits } from "./follow-hub.ts";
import { registerFollow } from "./follow-route.ts";
import { registerForward } from "./forward.ts";
import { registerGovernanceRoutes } from "./governance-routes.ts";
import { createAccessMetrics, createStreamMetrics, registerRequestMetrics } from "./metrics.ts";
import { registerNetworkRoutes } from "./network-routes.ts";
import { registerRoundRoutes } from "./round-routes.ts";
import { registerDashboard } from "./static.ts";
import { createStreamHub, DEFAULT_STREAM_LIMITS, type StreamLimits } from "./stream.ts";
import { registerSocketRoute, registerSockets, wantsSocket } from "./websocket.ts";

/** Requests one address may make; a consumer that polls ten feeds every second stays well below. */
const DEFAULT_RATE_LIMIT = { max: 3_000, windowMs: 60_000 };
/** Documents that one address may bring: a person signs them, one at a time. */
const DEFAULT_WRITES = { max: 60, windowMs: 60_000 };
const MAX_CONNECTIONS = 10_000;
/** Of one address, or more where it may hold more streams than that. */
const MAX_CONNECTIONS_PER_ADDRESS = 2_500;
/** What reads beside its streams. */
const SPARE_CONNECTIONS = 100;
/** A whole request, head and all, must have arrived within this. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Only the routes that take a document read more of a body. */
const MAX_BODY_BYTES = 1_024;
/** After this long a closing gateway stops waiting for replies that nobody takes. */
const CLOSE_GRACE_MS = 2_000;
/** How long readers of streams are still served by a gateway that stops, and how long they then wait before they connect again. */
const DRAIN = { graceMs: 2_000, retryMs: 1_000 };
/** How long a browser may remember what a page of another origin may ask. */
const PREFLIGHT_S = 7_200;

export type GatewayOptions = GatewayPorts & {
  /** Where the gateway's metrics go and what `/metrics` shows. */
  readonly registry: Registry;
  readonly log: GatewayLogger;
  readonly rateLimit?: { readonly max: number; readonly windowMs: number };
  /** The same for the routes that take documents; each means signatures to check, and a replay a day of rounds. */
  readonly writes?: { readonly max: number; readonly windowMs: number };
  readonly stream?: Partial<StreamLimits>;
  /** What other gateways that follow this one may make it hold. */
  readonly follow?: Partial<FollowLimits>;
  /** Nodes that what only a node can answer is relayed to, in this order. */
  readonly forward?: readonly Upstream[];
  /** Folder of the built dashboard, which browsers get at `/`. */
  readonly dashboard?: string;
  /** Who has keys, and whether one is needed; without it everybody is counted by address. */
  readonly access?: AccessRules;
  /** Counters that other gateways share; without them this process counts for itself. */
  readonly limits?: RateLimits;
  /** Web pages of which origins may read; any unless told otherwise. */
  readonly cors?: OriginRule;
  /** One-minute candles held in memory, of all feeds together, some 300 bytes each; candle-book.ts has the default. */
  readonly maxCandles?: number;
  /** Connections that one address may hold; proxies named in `trustProxy` are not counted, as all clients come over them. */
  readonly maxConnectionsPerAddress?: number;
  /** Addresses and ranges of the proxies in front, whose X-Forwarded-For is believed as far as it goes back through them. */
  readonly trustProxy?: readonly string[];
};

export type Gateway = {
  /** Where it listens, as http://127.0.0.1:8080. */
  readonly address: string;
  /**
   * Before `close`, when others take over: not ready from now on, no new readers of streams, every reply ends its connection; after a grace
   * the streams are ended with how long to stay away. Resolves then.
   */
  readonly drain: (options?: { readonly graceMs?: number; readonly retryMs?: number }) => Promise<void>;
  /** Ends the streams, lets running replies finish, and frees the port. */
  readonly close: () => Promise<void>;
};

/** The gateway could not start; the message names the port and what to do. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: "port-taken" | "cannot-listen";
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    message: string,
    options: {
      readonly code: GatewayError["code"];
      readonly details: Readonly<Record<string, string | number>>;
      readonly cause: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.details = options.details;
  }
}

/**
 * The HTTP surface of DESIGN section 8 on a port; 0 takes a free one.
 *
 * @throws GatewayError `port-taken`, `cannot-listen`
 */
export async function startGateway({
  host,
  port,
  ...options
}: GatewayOptions & { readonly host: string; readonly port: number }): Promise<Gateway> {
  const { app, drain } = await assemble(options);
  app.server.maxConnections = MAX_CONNECTIONS;
  if (options.trustProxy === undefined || options.trustProxy.length === 0) limitConnections(app.server, connectionsOf(options));
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw listenError(error, { host, port });
  }
  const bound = app.server.address() as AddressInfo;
  return {
    address: `http://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`,
    drain,
    close: async () => {
      const grace = setTimeout(() => {
        app.server.closeAllConnections();
        for (const client of app.websocketServer.clients) client.terminate();
      }, CLOSE_GRACE_MS);
      await app.close();
      clearTimeout(grace);
    },
  };
}

/** The same without a port, for `inject`. */
export async function buildGateway(options: GatewayOptions): Promise<GatewayApp> {
  return (await assemble(options)).app;
}

async function assemble(options: GatewayOptions): Promise<{ readonly app: GatewayApp; readonly drain: Gateway["drain"] }> {
  const { network, store, registry, log, cors: origins = "*" } = options;
  const app = createApp(options, origins);
  app.setValidatorCompiler(validatorCompiler);
  // Every reply is a text already; the schemas of responses are for the documentation.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  registerRequestMetrics(app, registry);
  await app.register(cors, {
    origin: origins === "*" ? "*" : [...origins],
    methods: ["GET", "HEAD", "POST"],
    maxAge: PREFLIGHT_S,
    strictPreflight: false,
  });
  await registerSockets(app);
  const callerOf = registerAccess(app, {
    ...{ rules: options.access, limit: options.rateLimit ?? DEFAULT_RATE_LIMIT, shared: options.limits },
    metrics: createAccessMetrics(registry),
  });
  registerFaults(app, log);
  await registerDocs(app);

  const rounds = followRounds(options);
  app.addHook("preClose", async () => rounds.close());

  let draining = false;
  const context = {
    ...{ ...options, ...rounds, lookup: createFeedLookup(network), writes: options.writes ?? DEFAULT_WRITES },
    ...{ callerOf, origins, isDraining: () => draining },
    read: createDocumentReader({ ...options, transitions: store.transitions, scheme: loadSecp256k1() }),
  };
  const repeats = createRepeats({ ...options, isKnown: (digest) => store.document(digest) !== undefined });
  registerForward(app, { upstreams: options.forward ?? [], log, repeats, read: context.read, lookup: context.lookup });
  registerFeedRoutes(app, context);
  registerRoundRoutes(app, context);
  registerSocketRoute(app, context);
  registerCandleRoutes(app, context);
  registerFollow(app, context, rounds.followers);
  registerBreakerRoutes(app, context);
  registerGovernanceRoutes(app, context);
  registerNetworkRoutes(app, context, registry);
  const sendDashboard = await registerDashboard(app, { folder: options.dashboard, log });
  registerIndex(app, { network, sendDashboard });
  await app.ready();
  rounds.fill();
  const drain: Gateway["drain"] = async (terms) => {
    if (draining) return;
    draining = true;
    // Who keeps a connection would come back over it to a gateway that is about to go.
    app.server.prependListener("request", (_request, response) => response.setHeader("connection", "close"));
    await rounds.stream.drain({ ...DRAIN, ...terms });
    rounds.followers.close();
  };
  return { app, drain };
}

/** The newest round kept in memory, and all that goes on with every new one: who is told first waits least. */
function followRounds(options: GatewayOptions) {
  const { network, store, registry, log, now } = options;
  const snapshot = createSnapshots({ network, breakerLog: store.breakerLog });
  let newest: CertifiedRound | undefined = store.latest()?.certified;
  const latest = () => newest;
  const limits = { ...DEFAULT_STREAM_LIMITS, ...options.stream };
  const metrics = createStreamMetrics(registry);
  const stream = createStreamHub({ latest, range: store.range, snapshot, now, limits, metrics, log });
  const hasKeys = (options.access?.keys.length ?? 0) > 0;
  const followers = createFollowHub({ store, limits: { ...FOLLOW_LIMITS, ...options.follow }, hasKeys, log });
  const candles = createCandleBook({ store, roundMs: network().config.roundMs, maxSums: options.maxCandles });
  const filler = createFiller(candles, log);
  const unsubscribe = options.subscribe((round) => {
    if (newest !== undefined && round.certificate.header.round <= newest.certificate.header.round) return;
    newest = round;
    stream.publish(round);
    followers.publish(round);
    candles.take(round);
    filler.wake();
  });
  const close = (): void => {
    unsubscribe();
    filler.stop();
    stream.close();
    followers.close();
  };
  return { latest, snapshot, stream, followers, candles, fill: filler.wake, close };
}

function createApp({ trustProxy = [] }: GatewayOptions, origins: OriginRule): GatewayApp {
  return fastify({
    trustProxy: trustProxy.length > 0 && [...trustProxy],
    http: { shouldUpgradeCallback: wantsSocket },
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    return503OnClosing: false,
    frameworkErrors: frameworkErrorsUnder(origins),
    clientErrorHandler: answerClientError,
  }).withTypeProvider<ZodTypeProvider>();
}

function connectionsOf({ maxConnectionsPerAddress, stream, access }: GatewayOptions): number {
  const streams = [stream?.maxReadersPerAddress ?? 0, ...(access?.keys ?? []).map((key) => key.streams)];
  const needed = streams.reduce((a, b) => Math.max(a, b)) + SPARE_CONNECTIONS;
  return maxConnectionsPerAddress ?? Math.max(MAX_CONNECTIONS_PER_ADDRESS, needed);
}

function listenError(error: unknown, where: { readonly host: string; readonly port: number }): GatewayError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  if (code === "EADDRINUSE") {
    const message = `port ${where.port} on ${where.host} is taken; stop what listens there or choose another port`;
    return new GatewayError(message, { code: "port-taken", details: where, cause: error });
  }
  const message = `cannot listen on ${where.host}:${where.port}: ${code}`;
  return new GatewayError(message, { code: "cannot-listen", details: where, cause: error });
}
