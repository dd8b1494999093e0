import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { formatAmount } from "../../protocol/amount.ts";
import { answerRequest } from "../answer.ts";
import type { ControlledWorld } from "../control.ts";
import { createMarket, type Listings, type SimulatedMarket } from "../market.ts";
import type { SimulatedVenue } from "../venue.ts";
import { SIMULATED_VENUES } from "../venues/index.ts";
import { readBody } from "./request-body.ts";
import { createStreamServer } from "./stream-server.ts";

/** No venue's ticker request has a longer body. */
const MAX_BODY_BYTES = 64 * 1024;

export type MarketServerOptions = {
  /** Loopback unless the caller has a reason: the server has no authentication. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  readonly seed: number;
  readonly listings: Listings;
  /** Wall time, Unix ms. */
  readonly now: () => number;
};

export type MarketServer = ControlledWorld & {
  readonly url: string;
  /** `http://host:port/<venue>` for each listed venue: what an adapter's base URL is overridden with. */
  readonly baseUrls: ReadonlyMap<string, string>;
  /** `ws://host:port/<venue>` for each listed venue that pushes its quotes. */
  readonly streamUrls: ReadonlyMap<string, string>;
  /** Ends open exchanges, delayed ones included, and frees the port. */
  readonly stop: () => Promise<void>;
};

/**
 * Every venue's wire format on one port, told apart by the first part of the path; the world moves when it is looked at.
 *
 * @throws when a venue has no simulated format, when a market's asset is not in the world, or when the port is taken.
 */
export async function startMarketServer(options: MarketServerOptions): Promise<MarketServer> {
  const { now, listings } = options;
  const venues = new Map([...listings.keys()].map((name) => [name, formatOf(name)]));
  const market = createMarket({ seed: options.seed, listings, startAt: now() });
  const delayed = new Set<NodeJS.Timeout>();
  const server = createServer((request, response) => {
    serve({ venues, market, now, delayed }, request, response).catch(() => response.destroy());
  });
  const streams = createStreamServer(market, [...listings.keys()], now);
  server.on("upgrade", streams.upgrade);
  const host = options.host ?? "127.0.0.1";
  try {
    await listen(server, host, options.port ?? 0);
  } catch (error) {
    streams.stop();
    throw error;
  }
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    url,
    baseUrls: new Map([...listings.keys()].map((venue) => [venue, `${url}/${venue}`])),
    streamUrls: new Map(streams.venues.map((venue) => [venue, `${url.replace(/^http/, "ws")}/${venue}`])),
    ...controls(market, now),
    stop: () => {
      streams.stop();
      return close(server, delayed);
    },
  };
}

function controls(market: SimulatedMarket, now: () => number): ControlledWorld {
  return {
    move: (command) => market.move(command, now()),
    setPrice: (command) => market.setPrice(command, now()),
    addFault: (fault) => market.addFault(fault, now()),
    clearFaults: market.clearFaults,
    state: () => {
      market.advance(now());
      const feeds = [...market.feeds()].map(([feed, price]) => ({ feed, price: formatAmount(price) }));
      return { at: market.at(), feeds, faults: market.faults() };
    },
  };
}

type Surroundings = {
  readonly venues: ReadonlyMap<string, SimulatedVenue>;
  readonly market: SimulatedMarket;
  readonly now: () => number;
  readonly delayed: Set<NodeJS.Timeout>;
};

async function serve(around: Surroundings, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://venue");
  const [, name = "", ...rest] = url.pathname.split("/");
  const venue = around.venues.get(name);
  const body = await readBody(request, MAX_BODY_BYTES);
  if (venue === undefined || body === undefined) {
    response.writeHead(venue === undefined ? 404 : 413, { "content-type": "text/plain" });
    response.end(venue === undefined ? `no such venue; one of ${[...around.venues.keys()].join(", ")}` : "body too long");
    return;
  }
  around.market.advance(around.now());
  const asked = { method: request.method ?? "GET", path: `/${rest.join("/")}`, query: url.searchParams, body };
  const answer = answerRequest(venue, asked, around.market.tickers(name), around.market.faultsOf(name));
  if (answer.kind === "drop") {
    request.socket.destroy();
    return;
  }
  const { status, contentType = "application/json", body: text } = answer.response;
  const finish = () => {
    response.writeHead(status, { "content-type": contentType });
    response.end(text);
  };
  if (answer.delayMs === 0) finish();
  else {
    const timer = setTimeout(() => {
      around.delayed.delete(timer);
      finish();
    }, answer.delayMs);
    around.delayed.add(timer);
  }
}

function formatOf(name: string): SimulatedVenue {
  const venue = Object.values<SimulatedVenue>(SIMULATED_VENUES).find((candidate) => candidate.venue === name);
  if (venue === undefined) throw new Error(`no simulated format for the venue ${name}`);
  return venue;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function close(server: Server, delayed: Set<NodeJS.Timeout>): Promise<void> {
  for (const timer of delayed) clearTimeout(timer);
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
