import { apiKeyDigest, formatApiKey } from "../../../gateway/access.ts";
import type { GatewayPorts } from "../../../gateway/ports.ts";
import { problemSchema } from "../../../gateway/problems.ts";
import { keccakHex, toHex } from "../../../protocol/bytes.ts";
import { decodeSignedDocument } from "../../../protocol/governance-codec.ts";
import { buildTestGateway, FEEDS, FIRST_ROUND } from "../../gateway/support.ts";
import { governedNetwork } from "../../support/governance.ts";
import { digestOf, plainSources, scheme } from "../../support/network.ts";
import { classOf, ensure, type Target } from "../target.ts";
import { network as documented } from "./chain.ts";
import { CHANGED, DOCUMENTS, INTO_CHANGED } from "./governance-memory.ts";

const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE"] as const;
/** Headers taken from one input. */
const MAX_HEADERS = 12;
const KEY = formatApiKey(new Uint8Array(32).fill(7));

type Request = {
  readonly method: (typeof METHODS)[number];
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload?: string;
};

const network = governedNetwork({
  feeds: [...FEEDS, "NEW/USD"].map((feed) => ({ feed, preset: "major", sources: plainSources(feed, 6) })),
});
const HOLDER = { name: "alice", sha256: apiKeyDigest(KEY), requestsPerMinute: 100_000_000, streams: 100 };
const WRITES = { max: 1_000_000_000, windowMs: 60_000 };
/** Largest first: a mutation of several kilobytes is not what finds anything. */
const SEED_DOCUMENTS = DOCUMENTS.filter(({ bytes }) => bytes.length < 1_024).slice(0, 4);

/** What a node does with a submission, as far as it depends on the bytes; and replays that come and fail. */
const ports: Pick<GatewayPorts, "submit" | "replay" | "governance"> = {
  submit: (bytes) => {
    const { domain, config } = documented;
    const decoded = decodeSignedDocument(bytes, { governance: config.governance, domain, scheme });
    if (!decoded.ok) return { ok: false, code: "malformed", detail: decoded.error };
    ensure(decoded.value.digest === keccakHex(bytes), "a document comes to the node as it was sent");
    const { document, digest } = decoded.value;
    return document.kind === "pause"
      ? { ok: true, digest, code: "carried" }
      : { ok: false, code: "too-few", detail: "it takes 3" };
  },
  replay: async (config, { to }) => {
    ensure(to === undefined || Number.isSafeInteger(to), "a replay is asked for up to a round");
    if (to === 7) throw Object.assign(new Error("round 7 is not here"), { code: "replay" });
    return { digest: digestOf(config.version), report: { to: to ?? null } };
  },
  governance: () => ({
    keyholders: [{ address: `0x${"11".repeat(20)}`, nonce: 7, usedMs: 1, usedAt: 2 }],
    pauses: [{ feed: "*", action: "none", until: 5, power: "governors", keyholders: [] }],
    pending: { configDigest: CHANGED.configDigest, activation: 9, feeds: [] },
    previous: digestOf(1),
  }),
};

/** `{method, url, headers, body}` as JSON. */
export const gateway: Target = {
  name: "gateway",
  about: "every route of the HTTP gateway: paths, queries, headers, methods and bodies; 2xx, 4xx or 503, never 500",
  covers: ["gateway/"],
  shape: "json",
  maxBytes: 32 * 1024,
  batch: 1,
  limitMs: 1_000,
  maxAllocation: 16 * 2 ** 20,
  dictionary: [
    ...[
      "/v1/feeds/",
      "/v1/bundle?feeds=",
      "/v1/stream?feeds=",
      "/v1/rounds/",
      "/history?",
      "from=",
      "to=",
      "limit=",
      "body=1",
      "&",
      "=",
      "%",
      "%00",
      "%ff",
    ],
    ...[
      "%2f",
      "..%2f",
      "//",
      "?",
      "#",
      "ETH-USD",
      ",",
      "last-event-id",
      "/v1/governance/documents/",
      "/v1/governance/replay",
      "/v1/breaker/log?feed=",
      "transitions?after=",
      "application/json",
      "accept-encoding",
      "x-forwarded-for",
      "__proto__",
      "9007199254740992",
      "\\u0000",
      "é",
    ],
  ],
  open: async () => {
    const reading = { trustProxy: ["127.0.0.1"], cors: ["https://app.example.org"], access: { required: false, keys: [HOLDER] } };
    const { app, memory } = await buildTestGateway({ network, rateLimit: WRITES, writes: WRITES, ...reading, ...ports });
    memory.kept.transitions.push(INTO_CHANGED);
    memory.kept.documents.push(...DOCUMENTS.map(({ digest, bytes, document: { kind } }) => ({ digest, kind, bytes })));
    const execute = async (input: Uint8Array): Promise<string> => {
      const request = requestFrom(input);
      if (request === undefined) return "no request";
      const reply = await app.inject({ ...request, payloadAsStream: true });
      const stream = reply.stream();
      const type = String(reply.headers["content-type"] ?? "");
      if (type.startsWith("text/event-stream")) {
        stream.destroy();
        reply.raw.res.destroy();
        return `stream ${reply.statusCode}`;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
      return check(request, reply.statusCode, type, Buffer.concat(chunks).toString("utf8"));
    };
    return { seeds: seedsOf(), execute, close: () => app.close() };
  },
};

const JSON_HEADERS = { "content-type": "application/json" };

function seedsOf(): readonly Uint8Array[] {
  const at = FIRST_ROUND * 1_000;
  const urls = [
    ...[
      "/",
      "/v1/feeds",
      "/v1/feeds/ETH-USD",
      "/v1/feeds/NEW-USD",
      "/v1/feeds/ETH-USD/sources",
      "/v1/breaker",
      "/v1/committee?config=1",
    ],
    ...[
      "/v1/bundle?feeds=ETH-USD,BTC-USD",
      "/v1/stream?feeds=ETH-USD",
      "/v1/rounds/latest?body=0",
      `/v1/rounds/${FIRST_ROUND}?body=1`,
    ],
    ...[
      `/v1/feeds/ETH-USD/history?from=${at}&to=${at + 2_000}&limit=2`,
      "/v1/evidence?limit=5",
      "/health/ready",
      "/health/live",
      "/metrics",
    ],
    ...["/v1/chains", "/v1/breaker/log", `/v1/breaker/log?feed=ETH-USD&from=${FIRST_ROUND}&to=${FIRST_ROUND + 2}&limit=1`],
    ...["/v1/governance", "/v1/governance/keyholders", "/v1/governance/documents?limit=2", "/v1/governance/transitions?limit=1"],
    ...[`/v1/governance/transitions?after=${FIRST_ROUND}`, `/v1/governance/documents/${DOCUMENTS[0]?.digest}`],
    ...[`/v1/feeds/ETH-USD/candles?interval=5m&from=${at}&to=${at + 600_000}&limit=3`, "/v1/feeds?ids=ETH-USD,BTC-USD"],
    ...[
      `/v1/feeds/ETH-USD/twap?from=${at}&to=${at + 2_000}&minCoverageBps=1`,
      "/v1/follow?after=1",
      "/v1/ws?feeds=ETH-USD&after=7",
    ],
    ...["/docs", "/docs/json", "/docs/static/index.html", "/openapi.json", "/v1/nothing"],
  ];
  const plain = urls.map((url) => ({ method: "GET", url, headers: {} }));
  const others = [
    { method: "GET", url: "/v1/stream?feeds=ETH-USD", headers: { "last-event-id": String(FIRST_ROUND) } },
    { method: "POST", url: "/v1/feeds", headers: { "content-type": "application/json" }, body: '{"a":1}' },
    { method: "OPTIONS", url: "/v1/feeds", headers: { origin: "http://a", "access-control-request-method": "PUT" } },
    { method: "HEAD", url: "/v1/feeds/ETH-USD", headers: { "if-none-match": '"x"', "x-forwarded-for": "1.2.3.4, ::1" } },
    { method: "GET", url: "/v1/feeds", headers: { "x-api-key": KEY, "if-none-match": '*, W/"a", "b"', range: "bytes=0-9" } },
    { method: "GET", url: "/v1/feeds", headers: { authorization: `Bearer ${KEY}`, origin: "https://app.example.org" } },
    { method: "GET", url: "/v1/ws?feeds=ETH-USD", headers: { upgrade: "websocket", connection: "upgrade" } },
    { method: "GET", url: "/v1/feeds", headers: { "content-length": "5", "content-type": "text/plain" }, body: "hello" },
  ];
  const post = (url: string, body: object) => ({ method: "POST", url, headers: JSON_HEADERS, body: JSON.stringify(body) });
  const posts = [
    ...SEED_DOCUMENTS.map(({ bytes }) => post("/v1/breaker/pause", { document: toHex(bytes) })),
    ...SEED_DOCUMENTS.map(({ bytes }) => post("/v1/governance/documents", { document: toHex(bytes) })),
    post("/v1/governance/replay", { config: CHANGED.config }),
    post("/v1/governance/replay", { config: documented.config, to: 7, activation: 1 }),
    post("/v1/governance/replay", { config: {}, to: 7 }),
  ];
  return [...plain, ...others, ...posts].map((request) => new Uint8Array(Buffer.from(JSON.stringify(request))));
}

/** Undefined for what no HTTP client can put on the wire. */
function requestFrom(input: Uint8Array): Request | undefined {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(input).toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof content !== "object" || content === null || !("url" in content) || typeof content.url !== "string") return undefined;
  const { url } = content;
  if (!/^\/[\x21-\xff]*$/.test(url)) return undefined;
  const method = METHODS.find((known) => "method" in content && content.method === known) ?? "GET";
  const given = "headers" in content && typeof content.headers === "object" && content.headers !== null ? content.headers : {};
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given).slice(0, MAX_HEADERS)) {
    if (typeof value !== "string" && typeof value !== "number") continue;
    if (/^[\w-]+$/.test(name) && name !== "__proto__" && /^[\x20-\x7e]*$/.test(String(value)))
      headers[name.toLowerCase()] = String(value);
  }
  const payload = "body" in content && typeof content.body === "string" ? content.body : undefined;
  return { method, url, headers, ...(payload === undefined ? {} : { payload }) };
}

function check({ method }: Request, status: number, type: string, body: string): string {
  ensure(status === 503 || (status >= 200 && status < 500), `a status of ${status} is never an answer`);
  if (status < 300) return `${method} ${status} ${type}`;
  if (status < 400) return `${method} ${status}`;
  if (method === "HEAD") return `HEAD ${status}`;
  ensure(type.startsWith("application/problem+json"), `a refusal is a problem document (${status} ${type})`);
  const problem = problemSchema.safeParse(JSON.parse(body));
  ensure(problem.success && problem.data.status === status, "a problem document is of its schema");
  return `${method} ${problem.data.type} ${classOf(problem.data.detail)}`;
}
