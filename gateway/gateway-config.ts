import { z } from "zod";
import type { ConfigFault } from "../protocol/config.ts";
import { parseShape } from "../protocol/config-fault.ts";
import type { Result } from "../protocol/result.ts";
import { parseRedisUrl } from "./redis-url.ts";

/** Nodes and gateways that one gateway follows or relays to; each costs a connection, and each round its bytes once per source. */
const MAX_UPSTREAMS = 16;
const MAX_ORIGINS = 64;
const MAX_PROXIES = 64;
/** An hour of one-second rounds: what a gateway without a disk holds. */
const MEMORY_ROUNDS = 3_600;
/** A week, and two days of bodies, as a node keeps them. */
const STORED_ROUNDS = 604_800;
const STORED_BODIES = 172_800;
/** A memory of more would be rebuilt from nothing at every start: give it a path. */
const MAX_MEMORY_ROUNDS = 86_400;

const pathSchema = z.string("expected a path").min(1, "expected a path");
const portSchema = z
  .int("expected a port from 1 to 65535")
  .min(1, "expected a port from 1 to 65535")
  .max(65_535, "expected a port from 1 to 65535");
const redisUrlSchema = z.string("expected a redis URL").superRefine((text, context) => {
  const parsed = parseRedisUrl(text);
  if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.error });
});

/** The base of another process's API: `/v1/…` is asked below it. */
const baseUrlSchema = z
  .url({ protocol: /^https?$/, error: "expected an http or https URL" })
  .refine((text) => isBaseUrl(text), "expected a base such as https://node.example.org, without user, query or fragment");
/** A base alone, or one that asks for an API key, which the file holds. */
const keyedSchema = z.strictObject({ url: baseUrlSchema, keyFile: pathSchema.optional() });
const upstreamSchema = z
  .union([baseUrlSchema, keyedSchema], "expected a URL, or { url, keyFile }")
  .transform((entry): z.infer<typeof keyedSchema> => (typeof entry === "string" ? { url: entry } : entry));
const upstreamsSchema = z
  .array(upstreamSchema)
  .max(MAX_UPSTREAMS)
  .refine((entries) => new Set(entries.map(({ url }) => url)).size === entries.length, "expected every URL once");
/** Of IPv4 or IPv6, one address or a range; a range of everybody would be no proxy. */
const proxySchema = z
  .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], "expected a proxy's address or range, such as 10.0.0.7 or 10.0.0.0/8")
  .refine((text) => !/\/0+$/.test(text), "expected the proxies' own range, not everybody's");
const originSchema = z
  .string("expected an origin such as https://app.example.org")
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, "expected an origin such as https://app.example.org");

const redisSchema = z.strictObject({
  url: redisUrlSchema,
  username: z.string().min(1).optional(),
  passwordFile: pathSchema.optional(),
  /** Certificates that a TLS server is checked against, PEM; the system's without it. */
  caFile: pathSchema.optional(),
});

const followSchema = z
  .strictObject({
    /** Where the nodes append their rounds. */
    redis: redisSchema.optional(),
    /**
     * Nodes or gateways whose `/v1/follow` is read, as URLs, or as `{ url, keyFile }` where one gave this gateway an API key. Nothing that
     * any of them says is believed: two are followed so that one may be down.
     */
    http: upstreamsSchema.default([]),
  })
  .refine(({ redis, http }) => redis !== undefined || http.length > 0, "expected redis, or at least one URL under http");

/** Without a path rounds are held in memory, and a restart begins with what the followed ones still have. */
const storageSchema = z
  .strictObject({
    path: pathSchema.optional(),
    rounds: z.int().min(60).max(100_000_000).optional(),
    bodies: z.int().min(60).max(100_000_000).optional(),
  })
  .refine(
    ({ path, rounds = 0 }) => path !== undefined || rounds <= MAX_MEMORY_ROUNDS,
    `expected a path for more than ${MAX_MEMORY_ROUNDS} rounds`,
  )
  .transform(({ path, rounds, bodies }) => {
    const kept = rounds ?? (path === undefined ? MEMORY_ROUNDS : STORED_ROUNDS);
    const most = path === undefined ? kept : STORED_BODIES;
    return { ...(path === undefined ? {} : { path }), rounds: kept, bodies: Math.min(bodies ?? most, kept) };
  });

const gatewaySchema = z.strictObject({
  /** The committee's genesis file: all that is trusted. Paths are relative to this file. */
  network: pathSchema,
  api: z.strictObject({
    host: z.string().min(1).default("127.0.0.1"),
    port: portSchema,
    /** Of one client's address; a proxy in front of the gateway counts as one unless `trustProxy` names it. */
    requestsPerMinute: z.int().min(1).max(100_000_000).default(3_000),
    streamsPerAddress: z.int().min(1).max(100_000).default(100),
    /**
     * The proxies in front. The address that is counted is the last in X-Forwarded-For that is none of theirs: what a client writes there
     * himself stands before it, and who comes past the proxies is counted by his own.
     */
    trustProxy: z.array(proxySchema).max(MAX_PROXIES).default([]),
    /** Web pages of which origins may read: `"*"`, or a list such as `["https://app.example.org"]`. */
    cors: z.union([z.literal("*"), z.array(originSchema).max(MAX_ORIGINS)], 'expected "*" or a list of origins').default("*"),
  }),
  follow: followSchema,
  /** Nodes that answer what a replica cannot (documents of keyholders, replays, a node's own sources), asked in this order; as in `http`. */
  forward: upstreamsSchema.default([]),
  storage: storageSchema.prefault({}),
  /** API keys, as their digests; without it everybody is counted by address alone. */
  keysFile: pathSchema.optional(),
  /** `redis: true` counts requests in `follow.redis`, so that all gateways share one budget per key and address. */
  limits: z.strictObject({ redis: z.boolean().default(false) }).prefault({}),
  logLevel: z.enum(["fatal", "error", "warn", "info", "debug"]).default("info"),
});

export type GatewayConfig = z.infer<typeof gatewaySchema>;

/**
 * Parses `gateway.yaml`'s content; strict, and every fault names its path and what was expected.
 *
 * @example
 * parseGatewayConfig({ network: "network.yaml", api: { port: 8080 }, follow: { http: ["http://10.0.0.1:8081"] } }).ok; // true
 */
export function parseGatewayConfig(input: unknown): Result<GatewayConfig, readonly ConfigFault[]> {
  const parsed = parseShape(gatewaySchema, input);
  if (!parsed.ok) return parsed;
  const { limits, follow } = parsed.value;
  if (!limits.redis || follow.redis !== undefined) return parsed;
  return { ok: false, error: [{ path: "limits.redis", expected: "expected false without follow.redis" }] };
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return username === "" && password === "" && search === "" && hash === "";
}
