import type { ReadableStream } from "node:stream/web";
import { OperationalError, reasonOf } from "../node/io/operational-error.ts";
import { collectText } from "./input.ts";

const TIMEOUT_MS = 5_000;
const JSON_TYPE = "application/json";
/** A bundle of a network's largest size stays under this. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** `url` is the one that answered in the end, after redirects. */
export type Answer = { readonly url: string; readonly body: unknown };

const CONNECTION_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there (connection refused)",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host's name could not be looked up",
  UND_ERR_SOCKET: "the connection was cut",
};

type Limits = { readonly timeoutMs?: number };
type Asking = Limits & { readonly headers?: Readonly<Record<string, string>> };

/**
 * One JSON document over HTTP, within a time and a size.
 *
 * @throws OperationalError `bad-url`, `unreachable`, `refused` (`details.status` holds the HTTP status; the message carries a problem
 * document's detail), `not-json`, `oversize`; each names the URL
 */
export async function getJson(address: string, { timeoutMs = TIMEOUT_MS, headers }: Asking = {}): Promise<Answer> {
  return exchange(address, timeoutMs, { headers: { accept: JSON_TYPE, ...headers } });
}

/** Posts a JSON document and reads the one that answers. Throws as {@link getJson}. */
export async function postJson(address: string, body: unknown, { timeoutMs = TIMEOUT_MS }: Limits = {}): Promise<Answer> {
  const headers = { accept: JSON_TYPE, "content-type": JSON_TYPE };
  return exchange(address, timeoutMs, { method: "POST", headers, body: JSON.stringify(body) });
}

async function exchange(address: string, timeoutMs: number, init: RequestInit): Promise<Answer> {
  const url = parseUrl(address);
  const { response, text } = await request(url, timeoutMs, init);
  const body = parseJson(text);
  if (!response.ok) {
    const detail = problemText(body) ?? (response.statusText === "" ? "" : `: ${response.statusText}`);
    throw new OperationalError(`${address}: answered ${response.status}${detail}`, {
      code: "refused",
      details: { status: response.status },
    });
  }
  if (body === undefined) throw new OperationalError(`${address}: answered ${kindOf(text)}, not JSON`, { code: "not-json" });
  return { url: response.url === "" ? url.href : response.url, body };
}

/** The text of an RFC 9457 problem document, from its colon on; undefined for any other JSON. */
export function problemText(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("title" in body) || !("status" in body)) return undefined;
  const detail = "detail" in body && typeof body.detail === "string" ? `: ${body.detail}` : "";
  return ` ${String(body.title)}${detail}`;
}

/** Undefined when the text is not JSON: no JSON text parses to that. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What a text that is not JSON looks like. */
export function kindOf(text: string): string {
  if (text.trim() === "") return "nothing";
  return text.trimStart().startsWith("<") ? "HTML" : "text";
}

/** The address of an API: what stands before `/v1/`. Undefined when the URL is none of an API's. */
export function apiBase(url: string): string | undefined {
  const at = url.indexOf("/v1/");
  return at < 0 ? undefined : url.slice(0, at);
}

function parseUrl(address: string): URL {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new OperationalError(`${address}: expected an http or https URL`, { code: "bad-url" });
  }
  if (url.username !== "" || url.password !== "") {
    throw new OperationalError(`${url.protocol}//${url.host}: expected a URL without a name and a password`, { code: "bad-url" });
  }
  return url;
}

async function request(
  url: URL,
  timeoutMs: number,
  init: RequestInit,
): Promise<{ readonly response: Response; readonly text: string }> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const stream = response.body as ReadableStream<Uint8Array> | null;
    const text = stream === null ? "" : await collectText(stream, { name: url.href, maxBytes: MAX_ANSWER_BYTES });
    return { response, text };
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    const why =
      error instanceof Error && error.name === "TimeoutError" ? `no answer within ${timeoutMs} ms` : connectionFault(error);
    throw new OperationalError(`${url.href}: ${why}`, { code: "unreachable", cause: error });
  }
}

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function connectionFault(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return CONNECTION_FAULTS[code] ?? ([reasonOf(cause), code, "no connection"].find((text) => text !== "") as string);
}
