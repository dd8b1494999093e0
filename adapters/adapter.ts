import type { Result } from "../protocol/result.ts";

/**
 * What a venue says about one market, in amounts of 10⁻¹⁸ of the market's quote asset.
 * `bid` and `ask` are absent where the venue's endpoint has no book; exactly one of them is an empty side.
 * `bookAt` and `lastAt` are the venue's own times in Unix ms, absent where it gives none.
 */
export type Quote = {
  /** `BASE/QUOTE` as the config names it, e.g. `BTC/USDT`. */
  readonly market: string;
  readonly bid?: bigint;
  readonly ask?: bigint;
  readonly last?: bigint;
  /** 24 h volume in the base asset. */
  readonly volume?: bigint;
  readonly bookAt?: number;
  readonly lastAt?: number;
};

/**
 * Every way a venue's answer can fail to be a quote; the code is the metric's label. `http-status` is an error status, and
 * also an error code in the body, at whatever status, that none of the other codes fits.
 */
export const FAULT_CODES = [
  "unknown-market",
  "rate-limited",
  "maintenance",
  "malformed",
  "crossed",
  "non-positive",
  "html",
  "oversize",
  "http-status",
  "timeout",
  "network",
] as const;
export type FaultCode = (typeof FAULT_CODES)[number];

export type Fault = {
  readonly code: FaultCode;
  /** What was wrong, short and without credentials: the field and what was expected. */
  readonly detail: string;
  /** Unix ms before which the venue asked not to be called again (rate limits, bans, maintenance windows). */
  readonly retryAt?: number;
};

/** One HTTP request that answers some of the markets asked for. `path` starts with `/` and holds the query. */
export type VenueRequest = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  /** The markets this request answers: every one of them gets a quote or a fault. */
  readonly markets: readonly string[];
};

export type VenueResponse = {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Unix ms at which the response arrived, by this node's clock; only used to turn Retry-After into an instant. */
  readonly receivedAt: number;
};

/** One answer for each market of the request, in the request's order. */
export type MarketAnswer = { readonly market: string; readonly answer: Result<Quote, Fault> };

/** A venue is a translator, never a client: it knows its paths and its bytes, and no socket, clock or logger. */
export type Adapter = {
  readonly venue: string;
  /** Default base URL, overridable by `--venue name=url`. */
  readonly baseUrl: string;
  /** The documentation page of the endpoint. */
  readonly docs: string;
  /** Public request budget of the ticker endpoint, requests per second, a margin below the documented limit. */
  readonly requestsPerSecond: number;
  /** As few requests as the venue's batch endpoint allows; `markets` are `BASE/QUOTE`. */
  readonly request: (markets: readonly string[]) => readonly VenueRequest[];
  /**
   * Total: any bytes give an answer for every market of the request, and nothing throws. A venue that fails a batch for one
   * unknown symbol without naming it gives `unknown-market` for all of them: asked one by one, the others answer (P8).
   */
  readonly parse: (request: VenueRequest, response: VenueResponse) => readonly MarketAnswer[];
};
