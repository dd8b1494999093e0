import { z } from "zod";
import { isHex } from "../protocol/bytes.ts";
import type { ConfigFault, NetworkConfig } from "../protocol/config.ts";
import { parseShape } from "../protocol/config-fault.ts";
import type { Result } from "../protocol/result.ts";

const portSchema = z
  .int("expected a port from 1 to 65535")
  .min(1, "expected a port from 1 to 65535")
  .max(65_535, "expected a port from 1 to 65535");
const urlSchema = z.url({ protocol: /^https?$/, error: "expected an http or https URL" });
const socketUrlSchema = z.url({ protocol: /^wss?$/, error: "expected a ws or wss URL" });
/** Several hosts are no URL to the platform; what it means is read where it is opened (gateway/redis-url.ts). */
const redisUrlSchema = z
  .string("expected a redis URL")
  .regex(/^rediss?(\+sentinel|\+cluster)?:\/\/[^\s]+$/, "expected a redis URL")
  .regex(/^[^@]*$/, "expected no user or password in the URL: they belong in username and passwordFile");
const pathSchema = z.string("expected a path").min(1, "expected a path");
const multiaddrSchema = z
  .string()
  .regex(/^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d{1,5}$/, "expected a multiaddr such as /ip4/10.0.0.1/tcp/9000");
const addressSchema = z.custom<`0x${string}`>(
  (value) => isHex(value, 20),
  "expected an address: 0x and 40 lower-case hex digits",
);

/** Fewer cannot outvote one that lies; a node that has none for a chain says nothing of that chain. */
const MIN_ENDPOINTS = 3;
const MAX_ENDPOINTS = 16;
const endpointsSchema = z
  .array(urlSchema)
  .refine(
    (urls) =>
      urls.length === 0 || (urls.length >= MIN_ENDPOINTS && urls.length <= MAX_ENDPOINTS && new Set(urls).size === urls.length),
    `expected ${MIN_ENDPOINTS} to ${MAX_ENDPOINTS} different URLs, or none`,
  );

const nodeSchema = z.strictObject({
  /** The committee's shared genesis file. Paths are relative to this file. */
  network: pathSchema,
  key: z.strictObject({ file: pathSchema, passwordFile: pathSchema.optional() }),
  /** A node whose key is not yet a member's: it follows, and signs from the change of config on that lets it in. */
  joining: z.boolean().default(false),
  listen: z.array(multiaddrSchema).min(1, "expected at least one multiaddr to listen on").max(8),
  peers: z
    .array(z.strictObject({ address: addressSchema, multiaddr: multiaddrSchema }))
    .max(128)
    .default([]),
  api: z.strictObject({
    host: z.string().min(1).default("127.0.0.1"),
    port: portSchema,
    /** Of one client's address; a proxy in front of the node counts as one. */
    requestsPerMinute: z.int().min(1).max(100_000_000).default(3_000),
    streamsPerAddress: z.int().min(1).max(100_000).default(100),
  }),
  storage: z.strictObject({
    path: pathSchema,
    rounds: z.int().min(60).max(100_000_000).default(604_800),
    /** What a config's replay goes over, and as long again for governors to sign it: a node replays it once more when it is handed in. */
    bodies: z.int().min(60).max(100_000_000).default(172_800),
  }),
  venues: z
    .record(
      z.string(),
      z.strictObject({
        url: urlSchema.optional(),
        intervalMs: z.int().min(100).max(60_000).optional(),
        timeoutMs: z.int().min(100).max(60_000).optional(),
        /** Another request budget than the public one the adapter knows: a paid tier, or a venue of one's own. */
        requestsPerSecond: z.number().positive().max(10_000).optional(),
        /** Its push of quotes (WebSocket) elsewhere, or none; without a word the venue's own, unless `url` points the adapter elsewhere. */
        stream: z.union([z.literal(false), socketUrlSchema], "expected a ws or wss URL, or false").optional(),
      }),
    )
    .default({}),
  /** JSON-RPC endpoints of each chain of the network, of different providers; their URLs may hold keys and are never logged. */
  rpc: z.record(z.string().regex(/^[A-Z0-9]{1,20}$/, "expected a chain's name"), endpointsSchema).default({}),
  /** Where this node appends its certified rounds for gateways to follow, in a stream of its own (gateway/io/redis-connection.ts). */
  redis: z
    .strictObject({
      url: redisUrlSchema,
      username: z.string().min(1).optional(),
      passwordFile: pathSchema.optional(),
      /** Certificates that a TLS server is checked against, PEM; the system's without it. */
      caFile: pathSchema.optional(),
      /** Rounds that the stream keeps. */
      rounds: z.int().min(60).max(10_000_000).default(3_600),
    })
    .optional(),
  /** Webhooks that are told what an operator must know at once; each body is signed with the secret in its file (HMAC-SHA256). */
  alerts: z
    .array(z.strictObject({ url: urlSchema, secretFile: pathSchema }))
    .max(8)
    .default([]),
  /** How many nodes poll from this machine's address and share each venue's request budget. */
  addressSharedBy: z.int().min(1).max(128).default(1),
  logLevel: z.enum(["fatal", "error", "warn", "info", "debug"]).default("info"),
});

export type NodeConfig = z.infer<typeof nodeSchema>;

/** Parses `node.yaml`'s content; strict, and every fault names its path and what was expected. */
export function parseNodeConfig(input: unknown): Result<NodeConfig, readonly ConfigFault[]> {
  return parseShape(nodeSchema, input);
}

/**
 * Chains that have endpoints here and are none of the config's. It is no fault: endpoints are there before the config that declares
 * their chain comes into force; but a name that is mistyped looks the same.
 */
export function undeclaredChains({ rpc }: NodeConfig, { chains }: NetworkConfig): readonly string[] {
  const known = chains.map(({ chain }) => chain);
  return Object.keys(rpc).filter((chain) => !known.includes(chain));
}
