import { problemSchema } from "../../../gateway/problems.ts";
import { buildTestGateway, FIRST_ROUND } from "../../gateway/support.ts";
import { classOf, ensure, type Target } from "../target.ts";

const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE"] as const;
/** Headers taken from one input. */
const MAX_HEADERS = 12;

type Request = {
  readonly method: (typeof METHODS)[number];
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload?: string;
};

/** `{method, url, headers, body}` as JSON. */
export const gateway: Target = {
  name: "gateway",
  about: "every route of the HTTP gateway: paths, queries, headers, methods and bodies; 2xx, 4xx or 503, never 500",
  covers: ["gateway/"],
  shape: "json",
  maxBytes: 8 * 1024,
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
      "accept-encoding",
      "x-forwarded-for",
      "__proto__",
      "9007199254740992",
      "\\u0000",
      "é",
    ],
  ],
  open: async () => {
    const { app } = await buildTestGateway({ rateLimit: { max: 1_000_000_000, windowMs: 60_000 }, trustProxy: true });
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
    ...["/docs", "/docs/json", "/docs/static/index.html", "/openapi.json", "/v1/nothing"],
  ];
  const plain = urls.map((url) => ({ method: "GET", url, headers: {} }));
  const others = [
    { method: "GET", url: "/v1/stream?feeds=ETH-USD", headers: { "last-event-id": String(FIRST_ROUND) } },
    { method: "POST", url: "/v1/feeds", headers: { "content-type": "application/json" }, body: '{"a":1}' },
    { method: "OPTIONS", url: "/v1/feeds", headers: { origin: "http://a", "access-control-request-method": "PUT" } },
    { method: "HEAD", url: "/v1/feeds/ETH-USD", headers: { "if-none-match": '"x"', "x-forwarded-for": "1.2.3.4, ::1" } },
    { method: "GET", url: "/v1/feeds", headers: { "content-length": "5", "content-type": "text/plain" }, body: "hello" },
  ];
  return [...plain, ...others].map((request) => new Uint8Array(Buffer.from(JSON.stringify(request))));
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
