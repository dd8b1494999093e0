import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { formatAmount } from "../../protocol/amount.ts";
import { concerns, type VenueFault } from "../faults.ts";
import type { SimulatedMarket } from "../market.ts";
import { SIMULATED_STREAMS } from "../streams/index.ts";
import type { PushedMarket, SimulatedStream } from "../streams/stream.ts";
import type { SimulatedTicker } from "../venue.ts";
import { STEP_MS } from "../world.ts";

const HEARTBEAT_MS = 1_000;
const MAX_CONNECTIONS = 512;
const MAX_FRAME_BYTES = 64 * 1024;
/** A client that does not read is cut off. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export type StreamServer = {
  readonly venues: readonly string[];
  /** Takes over a connection that asks for `/<venue>/…`; without such a stream, or when the venue is down, it is cut. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Ends every connection and timer. */
  readonly stop: () => void;
};

type Subscription = {
  /** What the client has, or would have had but for a `gap`. */
  newest: PushedMarket | undefined;
  pushedAt: number;
};
type Client = {
  readonly stream: SimulatedStream;
  readonly socket: WebSocket;
  readonly subscriptions: Map<string, Subscription>;
  /** The first frame pushed of each market on this connection: what a venue in disorder repeats. */
  readonly firsts: Map<string, string>;
  beatAt: number;
  pingAt: number;
};

/**
 * The venues that push, on the market server's port: every client hears of its markets as the world moves, under the faults in force.
 * `down` and `status` refuse and cut, `latency` delays, `malformed` garbles, `silent` leaves the connection open and says nothing, `gap`
 * loses a market's pushes and repeats its first one instead; `offset` and `freeze` are in the tickers.
 */
export function createStreamServer(market: SimulatedMarket, listed: readonly string[], now: () => number): StreamServer {
  const streams = Object.values<SimulatedStream>(SIMULATED_STREAMS).filter(({ venue }) => listed.includes(venue));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  const clients = new Set<Client>();
  const delayed = new Set<NodeJS.Timeout>();

  const say = (client: Client, frame: string): void => {
    if (client.socket.readyState !== WebSocket.OPEN) return;
    if (client.socket.bufferedAmount > MAX_UNREAD_BYTES) client.socket.terminate();
    else client.socket.send(frame);
  };

  /** Sends under the faults of the whole venue; frames keep their order, as all wait equally long. */
  const speak = (client: Client, frame: string, faults: readonly VenueFault[]): void => {
    const whole = faults.filter((fault) => fault.market === undefined);
    if (whole.some(({ fault }) => fault === "silent")) return;
    const said = whole.some(({ fault }) => fault === "malformed") ? `${frame.slice(0, frame.length >> 1)}\u0000` : frame;
    const delayMs = Math.max(0, ...whole.map((fault) => (fault.fault === "latency" ? fault.ms : 0)));
    if (delayMs === 0) {
      say(client, said);
      return;
    }
    const timer = setTimeout(() => {
      delayed.delete(timer);
      say(client, said);
    }, delayMs);
    delayed.add(timer);
  };

  const hear = (client: Client, text: string): void => {
    const { venue } = client.stream;
    const answer = client.stream.hear(text, [...market.tickers(venue).keys()]);
    for (const name of answer.unsubscribe ?? []) client.subscriptions.delete(name);
    for (const name of answer.subscribe ?? []) client.subscriptions.set(name, { newest: undefined, pushedAt: 0 });
    for (const reply of answer.replies) speak(client, reply, market.faultsOf(venue));
    step(client, now());
  };

  const step = (client: Client, at: number): void => {
    const faults = market.faultsOf(client.stream.venue);
    if (faults.some((fault) => fault.market === undefined && (fault.fault === "down" || fault.fault === "status"))) {
      client.socket.terminate();
      return;
    }
    const tickers = market.tickers(client.stream.venue);
    for (const [name, subscription] of client.subscriptions) {
      const ticker = tickers.get(name);
      if (ticker !== undefined) push(client, name, subscription, ticker, at, faults);
    }
    beat(client, at, faults);
  };

  const push = (
    client: Client,
    name: string,
    subscription: Subscription,
    ticker: SimulatedTicker,
    at: number,
    faults: readonly VenueFault[],
  ): void => {
    const { newest, pushedAt } = subscription;
    const isRepeat = at - pushedAt >= (client.stream.repeatMs ?? Number.POSITIVE_INFINITY);
    const isChange = newest === undefined || !sameBook(newest.ticker, ticker);
    if (!isChange && !isRepeat) return;
    const number = isChange ? Math.max(ticker.at, newest?.number ?? 0) : newest.number;
    const pushed = { market: name, ticker, number };
    const about = faults.filter((fault) => fault.market !== undefined && concerns(fault, name)).map(({ fault }) => fault);
    const isLost = newest !== undefined && faults.some((fault) => fault.fault === "gap" && concerns(fault, name));
    subscription.newest = pushed;
    subscription.pushedAt = at;
    if (about.includes("silent") || about.includes("down")) return;
    const frame = client.stream.push(pushed);
    const first = client.firsts.get(name) ?? frame;
    client.firsts.set(name, first);
    if (isLost) speak(client, first, faults);
    else speak(client, about.includes("malformed") ? garbled(frame, ticker) : frame, faults);
  };

  const beat = (client: Client, at: number, faults: readonly VenueFault[]): void => {
    const { stream, subscriptions, socket } = client;
    if (at - client.beatAt >= HEARTBEAT_MS) {
      client.beatAt = at;
      const newest = [...subscriptions.values()].flatMap((subscription) => subscription.newest ?? []);
      for (const frame of stream.heartbeat?.(newest) ?? []) speak(client, frame, faults);
    }
    const isSilent = faults.some((fault) => fault.market === undefined && fault.fault === "silent");
    if (stream.pingMs === undefined || at - client.pingAt < stream.pingMs || isSilent) return;
    client.pingAt = at;
    socket.ping();
  };

  const timer = setInterval(() => {
    if (clients.size === 0) return;
    const at = now();
    market.advance(at);
    for (const client of clients) step(client, at);
  }, STEP_MS);

  const welcome = (stream: SimulatedStream, socket: WebSocket): void => {
    const at = now();
    const client: Client = { stream, socket, subscriptions: new Map(), firsts: new Map(), beatAt: at, pingAt: at };
    clients.add(client);
    socket.on("close", () => clients.delete(client));
    socket.on("error", () => socket.terminate());
    socket.on("message", (data) => hear(client, data.toString()));
    for (const frame of stream.hello ?? []) speak(client, frame, market.faultsOf(stream.venue));
  };

  return {
    venues: streams.map(({ venue }) => venue),
    upgrade: (request, socket, head) => {
      const [, name] = new URL(request.url ?? "/", "http://venue").pathname.split("/");
      const stream = streams.find(({ venue }) => venue === name);
      const faults = market.faultsOf(name ?? "").filter((fault) => fault.market === undefined);
      const status = faults.flatMap((fault) => (fault.fault === "status" ? [fault.status] : []))[0];
      if (stream === undefined || clients.size >= MAX_CONNECTIONS || faults.some(({ fault }) => fault === "down")) {
        socket.destroy();
      } else if (status !== undefined) socket.end(`HTTP/1.1 ${status} \r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      else sockets.handleUpgrade(request, socket, head, (accepted) => welcome(stream, accepted));
    },
    stop: () => {
      clearInterval(timer);
      for (const each of delayed) clearTimeout(each);
      for (const { socket } of clients) socket.terminate();
      sockets.close();
    },
  };
}

function sameBook(one: SimulatedTicker, other: SimulatedTicker): boolean {
  return one.bid === other.bid && one.ask === other.ask && one.last === other.last;
}

/** The frame with what stood in place of its prices. */
function garbled(frame: string, { bid, ask, last }: SimulatedTicker): string {
  let text = frame;
  for (const price of [bid, ask, last]) {
    const digits = formatAmount(price).replaceAll(".", "\\.");
    text = text.replace(new RegExp(`"${digits}"|(?<=[:[,])${digits}(?=[,\\]}])`, "g"), '"not a number"');
  }
  return text;
}
