import http from "node:http";
import https from "node:https";
import axios, { isAxiosError } from "axios";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { Fault, VenueRequest, VenueResponse } from "../adapter.ts";

/** The longest fault detail that leaves this file: an error's text is partly the venue's. */
const MAX_DETAIL = 200;
/** Some venues' front ends refuse a request without one. */
const USER_AGENT = "breakwater";

/**
 * An idle connection is closed after this, before the venue does: a request sent into its closing is lost as ECONNRESET, and Node's
 * agent heeds the venue's `Keep-Alive: timeout` only where it has a limit of its own. Servers wait 5 s (Node) or longer.
 */
const IDLE_MS = 3_000;

/** The codes of node:zlib for gzip, brotli and zstd: bytes came, and are not what their content-encoding says. */
const DECOMPRESSION = /^(Z_|ERR__ERROR|ZSTD_)/;

export type VenueHttpOptions = {
  /** `http:` or `https:`, with or without a path prefix. */
  readonly baseUrl: string;
  /** From the first byte out to the last byte in, whatever the venue drips in between. */
  readonly timeoutMs: number;
  /** Cap on the body, counted after decompression. */
  readonly maxBytes: number;
  readonly maxSockets: number;
  /** Wall time, Unix ms. */
  readonly now: () => number;
};

export type VenueHttp = {
  /** Total: a response of any status, or one of the faults `timeout`, `network`, `oversize`, `malformed`. */
  readonly send: (request: VenueRequest) => Promise<Result<VenueResponse, Fault>>;
  /** Ends what is under way (its promises settle as `network`) and closes every socket. */
  readonly destroy: () => void;
};

/**
 * The connection to one venue: keep-alive, no redirects (a venue that moved is an `http-status` fault, not a new host to
 * trust), one deadline over the whole exchange.
 *
 * @throws when `baseUrl` is not an http or https URL.
 */
export function createVenueHttp(options: VenueHttpOptions): VenueHttp {
  const base = parseBase(options.baseUrl);
  const agentOptions = { keepAlive: true, maxSockets: options.maxSockets, timeout: IDLE_MS };
  const httpAgent = new http.Agent(agentOptions);
  const httpsAgent = new https.Agent(agentOptions);
  const underWay = new Set<AbortController>();
  const client = axios.create({
    httpAgent,
    httpsAgent,
    responseType: "arraybuffer",
    maxContentLength: options.maxBytes,
    maxRedirects: 0,
    validateStatus: () => true,
    transformResponse: (body: unknown) => body,
    headers: { "user-agent": USER_AGENT, accept: "application/json" },
    // A proxy from the environment is for the internet; a simulated or recorded venue on this machine is not behind it.
    ...(isLoopback(base.hostname) ? { proxy: false as const } : {}),
  });
  return {
    send: async (request) => {
      const controller = new AbortController();
      underWay.add(controller);
      let expired = false;
      const deadline = setTimeout(() => {
        expired = true;
        controller.abort();
      }, options.timeoutMs);
      try {
        const response = await client.request<Uint8Array>({
          method: request.method,
          url: base.href.replace(/\/+$/, "") + request.path,
          signal: controller.signal,
          ...(request.body === undefined ? {} : { data: request.body, headers: { "content-type": "application/json" } }),
        });
        return ok({
          status: response.status,
          headers: plainHeaders(response.headers),
          body: response.data,
          receivedAt: options.now(),
        });
      } catch (error) {
        return fail(expired ? timeoutFault(base, options) : faultOf(error, base, options));
      } finally {
        clearTimeout(deadline);
        underWay.delete(controller);
      }
    },
    destroy: () => {
      for (const controller of underWay) controller.abort();
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function plainHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function timeoutFault(base: URL, options: VenueHttpOptions): Fault {
  return { code: "timeout", detail: `${redactUrl(base)}: no complete answer in ${options.timeoutMs} ms` };
}

function faultOf(error: unknown, base: URL, options: VenueHttpOptions): Fault {
  const where = redactUrl(base);
  const code = isAxiosError(error) ? (error.code ?? "") : "";
  const text = error instanceof Error ? error.message : String(error);
  if (text.startsWith("maxContentLength")) return { code: "oversize", detail: `${where}: body above ${options.maxBytes} bytes` };
  if (DECOMPRESSION.test(code)) return { code: "malformed", detail: `${where}: body does not decompress (${code})` };
  return { code: "network", detail: `${where}: ${code} ${text}`.slice(0, MAX_DETAIL) };
}

/** Origin and path only: a user name, a password or a key in the query never reaches a log. */
export function redactUrl(url: URL): string {
  return url.origin + url.pathname.replace(/\/+$/, "");
}

function parseBase(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new Error("a venue's base URL must be an http or https URL such as http://127.0.0.1:9001");
  }
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
}
