import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import type { Adapter, Fault, MarketAnswer, VenueRequest } from "../../adapters/adapter.ts";
import { createPoller, type Poller, type PollerOptions, type PollSettings, type VenuePoll } from "../../adapters/io/poller.ts";
import { type MarketState, marketKey } from "../../adapters/snapshot.ts";
import { fail, ok } from "../../protocol/result.ts";

/** A venue with the plainest format that still has every fault: `GET /t?m=A/USD,B/USD` → `{"A/USD":"1","B/USD":"2"}` in whole units. */
export function toyAdapter(venue: string, over: Partial<Adapter> = {}): Adapter {
  return {
    venue,
    baseUrl: "http://127.0.0.1:1",
    docs: "none",
    requestsPerSecond: 1_000,
    request: (markets) => (markets.length === 0 ? [] : [{ method: "GET", path: `/t?m=${markets.join(",")}`, markets }]),
    parse: (request, { status, headers, body, receivedAt }) => {
      const text = new TextDecoder().decode(body);
      if (status === 429) {
        const after = Number(headers["retry-after"]);
        return all(request, {
          code: "rate-limited",
          detail: "429",
          ...(after > 0 ? { retryAt: receivedAt + after * 1000 } : {}),
        });
      }
      if (status === 400) return all(request, { code: "unknown-market", detail: "400" });
      if (text.startsWith("<")) return all(request, { code: "html", detail: "a page" });
      if (status !== 200) return all(request, { code: "http-status", detail: `status ${status}` });
      return request.markets.map((market) => answerOf(market, text));
    },
    ...over,
  };
}

function all(request: VenueRequest, error: Fault): MarketAnswer[] {
  return request.markets.map((market) => ({ market, answer: fail(error) }));
}

function answerOf(market: string, text: string): MarketAnswer {
  const last = new RegExp(`"${market}":"(\\d+|crossed|absent)"`).exec(text)?.[1];
  if (last === undefined) return { market, answer: fail({ code: "malformed", detail: "no digits" }) };
  if (last === "absent") return { market, answer: fail({ code: "unknown-market", detail: "absent" }) };
  if (last === "crossed") return { market, answer: fail({ code: "crossed", detail: "bid above ask" }) };
  return { market, answer: ok({ market, last: BigInt(last) }) };
}

export type Handler = (markets: readonly string[], response: ServerResponse, request: IncomingMessage) => void;

export type ToyServer = {
  readonly url: string;
  readonly asked: string[][];
  readonly sockets: () => number;
  readonly close: () => Promise<void>;
};

/** A real server; `asked` is the markets of each request in the order of arrival. */
export async function startToyServer(handler: Handler): Promise<ToyServer> {
  const asked: string[][] = [];
  let sockets = 0;
  const server = createServer((request, response) => {
    const markets = new URL(request.url ?? "/", "http://toy").searchParams.get("m")?.split(",") ?? [];
    asked.push(markets);
    handler(markets, response, request);
  });
  server.on("connection", (socket) => {
    sockets += 1;
    socket.on("close", () => {
      sockets -= 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, sockets: () => sockets, close };
}

export const goodAnswer: Handler = (markets, response) => {
  response.end(JSON.stringify(Object.fromEntries(markets.map((market, i) => [market, String(100 + i)]))));
};

export type Seen = { warnings: string[]; requests: string[]; faults: string[]; infos: string[]; errors: string[] };

/** Quick enough that a test takes tens of milliseconds, slow enough for a busy machine to keep order. */
export const QUICK: PollSettings = {
  intervalMs: 20,
  timeoutMs: 5_000,
  maxBytes: 10_000,
  maxSockets: 4,
  backoffBaseMs: 20,
  backoffCapMs: 40,
  quarantineMs: 60_000,
};

export function quickPoller(venues: PollerOptions["venues"], over: Partial<PollerOptions> = {}): { poller: Poller; seen: Seen } {
  const seen: Seen = { warnings: [], requests: [], faults: [], infos: [], errors: [] };
  const poller = createPoller({
    venues,
    settings: QUICK,
    now: Date.now,
    random: () => 0.5,
    log: {
      info: (_details, message) => seen.infos.push(message),
      warn: (_details, message) => seen.warnings.push(message),
      error: (_details, message) => seen.errors.push(message),
    },
    metrics: {
      onRequest: ({ venue, code }) => seen.requests.push(`${venue} ${code}`),
      onFault: ({ venue, market, code }) => seen.faults.push(`${venue} ${market} ${code}`),
    },
    ...over,
  });
  return { poller, seen };
}

/** Servers and pollers of one test file, stopped after each test. */
export function toyRig() {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
  return {
    serve: async (handler: Handler): Promise<ToyServer> => {
      const server = await startToyServer(handler);
      open.push(server.close);
      return server;
    },
    run: (venues: readonly VenuePoll[], over: Partial<PollerOptions> = {}) => {
      const started = quickPoller(venues, over);
      open.push(started.poller.stop);
      started.poller.start();
      return started;
    },
  };
}

/** Waits for a condition; the test's own time-out is the only bound, so a slow machine is only slow. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export function stateOf(poller: Poller, venue: string, market: string): MarketState | undefined {
  return poller.snapshot().get(marketKey(venue, market));
}
