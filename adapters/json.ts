import { fail, ok, type Result } from "../protocol/result.ts";

/** The largest body any venue's ticker endpoint has been seen to send is about 2 MB; four times that is a fault. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** No ticker nests deeper than six; the bound keeps the reviver's recursion far from the stack's end. */
export const MAX_DEPTH = 32;

/**
 * Keeping numbers' text costs about a microsecond a value, and a body within its bound could hold four million: seconds in which a node
 * does nothing else. A venue's two megabytes of tickers hold about a hundred thousand, the fullest pending block as many.
 */
export const MAX_VALUES = 250_000;

/** A JSON number as the venue wrote it: `1.10` stays `1.10`, and no float ever holds it. */
export type JsonNumber = { readonly number: string };

/** JSON without loss. Objects are maps, so that `__proto__` is a key like any other, and a plain object is always a number. */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

export type JsonFault = { readonly code: "html" | "malformed" | "oversize"; readonly detail: string };

/** The third argument of the reviver (JSON.parse source text access); TypeScript's library does not declare it yet. */
type ParseWithSource = (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => Json;
const parseWithSource = JSON.parse as ParseWithSource;

/**
 * Bytes → JSON, numbers kept as their source text. Total: it never throws.
 * Faults, in this order: `oversize` (more than {@link MAX_BODY_BYTES}), `malformed` (empty, not UTF-8), `html` (the first
 * character is `<`), `malformed` (deeper than {@link MAX_DEPTH}), `oversize` (more than {@link MAX_VALUES}), `malformed` (not JSON).
 *
 * @example
 * parseJson(new TextEncoder().encode('{"last":1.10}')); // { ok: true, value: Map { "last" → { number: "1.10" } } }
 */
export function parseJson(body: Uint8Array): Result<Json, JsonFault> {
  if (body.length > MAX_BODY_BYTES) return fail({ code: "oversize", detail: `body of more than ${MAX_BODY_BYTES} bytes` });
  const decoded = decodeUtf8(body);
  if (decoded === undefined) return malformed("body is not UTF-8");
  const text = decoded.trimStart();
  if (text === "") return malformed("empty body");
  if (text.startsWith("<")) return fail({ code: "html", detail: "markup instead of JSON" });
  const { deepest, values } = extentOf(text);
  if (deepest > MAX_DEPTH) return malformed(`JSON nested deeper than ${MAX_DEPTH}`);
  if (values > MAX_VALUES) return fail({ code: "oversize", detail: `JSON of more than ${MAX_VALUES} values` });
  try {
    return ok(parseWithSource(text, revive));
  } catch {
    return malformed("body is not JSON");
  }
}

function revive(_key: string, value: unknown, context: { source?: string }): unknown {
  // Without its source text a number is unreadable rather than rounded.
  if (typeof value === "number") return { number: context.source ?? "" };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return new Map(Object.entries(value));
}

function decodeUtf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Deepest nesting of brackets and the most values there can be, outside strings; one pass, before the recursive reviver sees the text. */
function extentOf(text: string): { readonly deepest: number; readonly values: number } {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      deepest = Math.max(deepest, ++depth);
      values++;
    } else if (code === 0x5d || code === 0x7d) depth--;
    else if (code === COMMA) values++;
  }
  return { deepest, values };
}

function malformed(detail: string): { readonly ok: false; readonly error: JsonFault } {
  return fail({ code: "malformed", detail });
}
