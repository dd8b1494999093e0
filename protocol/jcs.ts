import { assert } from "./assert.ts";
import { compareText } from "./feed.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * RFC 8785 canonical JSON. ECMAScript's own number and string forms are the RFC's (its section 3.2.2), so only the order of keys,
 * by UTF-16 code units, is left to do. What the RFC has no form for (NaN, infinities, lone surrogates) is a bug and throws.
 *
 * @example
 * canonicalJson({ b: [1, 1e21], a: "€" }); // {"a":"€","b":[1,1e+21]}
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value as { readonly [key: string]: Json }).sort(([a], [b]) => compareText(a, b));
    return `{${entries.map(([key, item]) => `${scalar(key)}:${canonicalJson(item)}`).join(",")}}`;
  }
  return scalar(value as string | number | boolean | null);
}

function scalar(value: string | number | boolean | null): string {
  if (typeof value === "number") assert(Number.isFinite(value), "canonical JSON holds finite numbers only");
  if (typeof value === "string") assert(value.isWellFormed(), "canonical JSON holds well-formed text only");
  return JSON.stringify(value);
}
