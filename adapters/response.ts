import { fail, type Result } from "../protocol/result.ts";
import type { Fault, FaultCode, VenueResponse } from "./adapter.ts";
import { at, textOf } from "./fields.ts";
import { type Json, type JsonFault, parseJson } from "./json.ts";
import { boundedRetry, retryAfter } from "./times.ts";

/** What one venue adds to the statuses of HTTP. */
export type VenueRules = {
  /** The fault that an error body states, whatever its status; undefined when the body is no error known to this venue. */
  readonly bodyFault?: (body: Json) => Pick<Fault, "code" | "detail"> | undefined;
  /** What a status means here beyond HTTP: Bybit's 403 is a ban, a 404 of a path that names one market is an unknown market. */
  readonly statusFaults?: Readonly<Record<number, FaultCode>>;
  /** When to come back, from the venue's own headers or body, Unix ms. Asked only about rate limits and maintenance. */
  readonly retryAt?: (response: VenueResponse, body: Json | undefined) => number | undefined;
};

/** A venue may write megabytes into its error; the detail goes into a log line. */
const MAX_DETAIL = 200;

/** 418 is what Binance answers to callers who went on after 429. */
const STATUS_FAULTS: Readonly<Record<number, FaultCode>> = { 429: "rate-limited", 418: "rate-limited" };

/**
 * Response → JSON body, or the one fault that holds for every market of the request. In this order:
 * a status with a meaning of its own (429, 418, the venue's); `oversize`; the fault the body states; 503 (`maintenance`);
 * `html`; any status but 2xx (`http-status`); a body that is not JSON (`malformed`).
 *
 * The venue's words go before a plain status because they say more: Binance's 400 with -1121 is an unknown market.
 */
export function readBody(response: VenueResponse, rules: VenueRules = {}): Result<Json, Fault> {
  const parsed = parseJson(response.body);
  const judged = judge(response, parsed, rules);
  if (judged.ok || (judged.error.code !== "rate-limited" && judged.error.code !== "maintenance")) return judged;
  const retryAt = retryInstant(response, parsed.ok ? parsed.value : undefined, rules);
  return retryAt === undefined ? judged : fail({ ...judged.error, retryAt });
}

function judge(response: VenueResponse, parsed: Result<Json, JsonFault>, rules: VenueRules): Result<Json, Fault> {
  const { status } = response;
  const detail = `status ${status}`;
  const byStatus = rules.statusFaults?.[status] ?? STATUS_FAULTS[status];
  if (byStatus !== undefined) return fail({ code: byStatus, detail });
  if (!parsed.ok && parsed.error.code === "oversize") return parsed;
  const stated = parsed.ok ? rules.bodyFault?.(parsed.value) : undefined;
  if (stated !== undefined) return fail({ ...stated, detail: stated.detail.slice(0, MAX_DETAIL) });
  if (status === 503) return fail({ code: "maintenance", detail });
  if (!parsed.ok && parsed.error.code === "html") return fail({ code: "html", detail: `${parsed.error.detail}, ${detail}` });
  if (status < 200 || status > 299) return fail({ code: "http-status", detail });
  return parsed;
}

/** The later of Retry-After and the venue's own word: a ban in the body outlasts the header's minute. */
function retryInstant(response: VenueResponse, body: Json | undefined, rules: VenueRules): number | undefined {
  const header = retryAfter(response.headers, response.receivedAt);
  const own = rules.retryAt?.(response, body);
  if (own === undefined) return header;
  return Math.max(header ?? 0, boundedRetry(own, response.receivedAt));
}

/**
 * The fault of a body that carries its error code in one field: none without the field or with the code of success, `http-status`
 * for a code that the venue's table does not name.
 */
export function faultByCode(
  codes: ReadonlyMap<string, FaultCode>,
  { field, success }: { readonly field: string; readonly success?: string },
): NonNullable<VenueRules["bodyFault"]> {
  return (body) => {
    const code = textOf(at(body, field));
    return code === undefined || code === success
      ? undefined
      : { code: codes.get(code) ?? "http-status", detail: `${field} ${code}` };
  };
}
