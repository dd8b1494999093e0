import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { FAULT_CODES } from "../../../adapters/adapter.ts";
import { ADAPTERS } from "../../../adapters/index.ts";
import { createVenueHttp } from "../../../adapters/io/http.ts";
import { getJson } from "../../../cli/http.ts";
import { OperationalError } from "../../../node/io/operational-error.ts";
import { joined } from "../mutate-bytes.ts";
import { classOf, ensure, type Target } from "../target.ts";

const TIMEOUT_MS = 60;
/** A timer of a very busy machine, and the abort it starts; an exchange without a bound takes as long as the drip goes on. */
const SLACK_MS = 5_000;
const MAX_BYTES = 64 * 1024;
/** First byte of an input: what happens after its last byte. */
const ENDINGS = ["end", "hang", "drip", "reset"] as const;
const DRIP_MS = 10;

/** How the answer ends, then the raw bytes of an HTTP answer. */
export const venueHttp: Target = {
  name: "venue-http",
  about: "raw HTTP answers over a socket: the poller's client and `breakwater verify`'s, their time and their size",
  covers: ["adapters/io/http.ts", "cli/http.ts", "cli/input.ts", "adapters/response.ts"],
  shape: "text",
  maxBytes: 64 * 1024,
  batch: 1,
  limitMs: 300,
  maxAllocation: 64 * 2 ** 20,
  dictionary: [
    ...[
      "\r\n",
      "\r\n\r\n",
      "HTTP/1.1 ",
      "HTTP/1.0 ",
      "Content-Length: ",
      "Transfer-Encoding: chunked",
      "Content-Encoding: gzip",
      "Content-Encoding: br",
    ],
    ...[
      "Content-Encoding: deflate",
      "Location: /",
      "Connection: close",
      "Keep-Alive: timeout=0",
      "Retry-After: ",
      "ffffffff\r\n",
      "0\r\n\r\n",
      "-1",
      "4294967296",
    ],
    ...[
      "18446744073709551616",
      "100 Continue",
      "101 Switching Protocols",
      "204",
      "301",
      "429",
      "__proto__: x\r\n",
      "constructor: x\r\n",
      "set: x\r\n",
      "normalize: x\r\n",
    ],
  ],
  open: openSockets,
};

async function openSockets() {
  const script: { input: Uint8Array } = { input: new Uint8Array(0) };
  const timers = new Set<NodeJS.Timeout>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.once("data", () => answer(socket, script.input, timers));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createVenueHttp({
    baseUrl,
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    maxSockets: 4,
    now: () => 1_763_800_000_000,
  });
  const request = { method: "GET", path: "/api/v3/ticker/24hr", markets: ["BTC/USDT"] } as const;
  const execute = async (input: Uint8Array): Promise<string> => {
    script.input = input;
    const startedAt = performance.now();
    const response = await client.send(request);
    ensure(performance.now() - startedAt < TIMEOUT_MS + SLACK_MS, "an exchange ends within its time");
    for (const socket of sockets) socket.destroy();
    const byPoller = response.ok ? read(response.value) : codeOf(response.error);
    return `${byPoller} | ${await fetched(`${baseUrl}/v1/feeds/ETH-USD`)}`;
  };
  const read = (response: Parameters<(typeof ADAPTERS)["binance"]["parse"]>[1]): string => {
    ensure(response.body.length <= MAX_BYTES, "a body is no longer than its cap");
    const [first] = ADAPTERS.binance.parse(request, response);
    const answer = first?.answer;
    ensure(answer !== undefined, "every market asked for gets one answer");
    return `${response.status} ${answer.ok ? "quote" : answer.error.code}`;
  };
  const close = async () => {
    client.destroy();
    for (const timer of timers) clearInterval(timer);
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { seeds: seedsOf(), execute, close };
}

function answer(socket: Socket, input: Uint8Array, timers: Set<NodeJS.Timeout>): void {
  const ending = ENDINGS[(input[0] ?? 0) % ENDINGS.length];
  socket.write(input.subarray(1));
  if (ending === "end") socket.end();
  if (ending === "reset") setImmediate(() => socket.resetAndDestroy());
  if (ending !== "drip") return;
  const timer = setInterval(() => {
    if (!socket.destroyed) return void socket.write("0");
    clearInterval(timer);
    timers.delete(timer);
  }, DRIP_MS);
  timers.add(timer);
}

function codeOf({ code, detail }: { readonly code: (typeof FAULT_CODES)[number]; readonly detail: string }): string {
  ensure(FAULT_CODES.includes(code) && detail.length <= MAX_BYTES, "a failed exchange is one of the poller's faults");
  return `${code} ${classOf(detail.replace(/^\S+/, ""))}`;
}

/** The command line's own client. */
async function fetched(url: string): Promise<string> {
  const startedAt = performance.now();
  try {
    await getJson(url, { timeoutMs: TIMEOUT_MS });
    return "json";
  } catch (error) {
    if (error instanceof OperationalError) return String(error.code);
    throw error;
  } finally {
    ensure(performance.now() - startedAt < TIMEOUT_MS + SLACK_MS, "a fetch ends within its time");
  }
}

function seedsOf(): readonly Uint8Array[] {
  const body = '[{"symbol":"BTCUSDT","bidPrice":"84000.01","askPrice":"84000.02","lastPrice":"84000.02","volume":"1"}]';
  const zipped = gzipSync(Buffer.from(body));
  const bomb = gzipSync(Buffer.alloc(4 * 2 ** 20));
  const head = (lines: readonly string[]) => Buffer.from(`${["HTTP/1.1 200 OK", ...lines].join("\r\n")}\r\n\r\n`);
  const answers: readonly (readonly [ending: number, bytes: Buffer])[] = [
    [0, Buffer.concat([head([`Content-Length: ${body.length}`]), Buffer.from(body)])],
    [0, Buffer.concat([head(["Connection: close"]), Buffer.from(body)])],
    [
      0,
      Buffer.concat([head(["Transfer-Encoding: chunked"]), Buffer.from(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)]),
    ],
    [0, Buffer.concat([head(["Content-Encoding: gzip", `Content-Length: ${zipped.length}`]), zipped])],
    [0, Buffer.concat([head(["Content-Encoding: gzip", `Content-Length: ${bomb.length}`]), bomb])],
    [0, head(["Content-Length: 99999999999"])],
    [1, head(["Content-Length: 10"])],
    [2, head(["Connection: close"])],
    [3, head(["Content-Length: 10"])],
    [0, Buffer.from("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n")],
    [0, Buffer.from("HTTP/1.1 301 Moved\r\nLocation: /v1/feeds/ETH-USD\r\nContent-Length: 0\r\n\r\n")],
    [0, Buffer.from("<html>")],
    [2, Buffer.from("HTTP/1.1 200 OK\r\nx: ")],
  ];
  return answers.map(([ending, bytes]) => joined(Uint8Array.of(ending), bytes));
}
