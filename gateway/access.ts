import { sha256 } from "@noble/hashes/sha2.js";
import { z } from "zod";
import { toHex } from "../protocol/bytes.ts";

/** Holders of keys at one gateway. */
const MAX_KEYS = 10_000;
/** Requests are counted by the minute. */
export const KEY_WINDOW_MS = 60_000;
/** 32 random bytes as base64url after what tells it from anybody else's secret. */
const API_KEY = /^bw_[A-Za-z0-9_-]{43}$/;
/** What a key is called in the queries of other APIs, and the key itself under any other name. */
const KEY_IN_QUERY = /(?:^|[&;])(?:x[-_])?(?:api[-_]?)?(?:key|token|authorization|access[-_]token)=|bw_[A-Za-z0-9_-]{43}/i;
const BEARER = /^Bearer +([^\s]+) *$/i;

const apiKeySchema = z.strictObject({
  name: z
    .string("expected a name")
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "expected a name of 1 to 32 lower-case letters, digits and hyphens")
    .describe("the holder, as logs and counters name it"),
  sha256: z
    .string("expected 64 lower-case hex digits")
    .regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits")
    .describe("of the key's text; the key itself is kept nowhere"),
  requestsPerMinute: z.int("expected a whole number from 1").min(1).max(100_000_000),
  streams: z
    .int("expected a whole number from 0")
    .min(0)
    .max(100_000)
    .describe("readers of /v1/stream and /v1/ws at one time, and followers of /v1/follow"),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

/** Who may ask, and how much: the content of a gateway's `keysFile`. With `required` false whoever has no key is counted by address. */
export const accessSchema = z.strictObject({
  required: z.boolean().default(false),
  keys: z
    .array(apiKeySchema)
    .max(MAX_KEYS)
    .refine((keys) => isUnique(keys.map(({ name }) => name)), "expected every name once")
    .refine((keys) => isUnique(keys.map((key) => key.sha256)), "expected every key once"),
});
export type AccessRules = z.infer<typeof accessSchema>;

/**
 * Who asks: an address, the holder of a key, or somebody with no right to ask, who is counted by his address. `id` names the count.
 */
export type Caller =
  | { readonly kind: "address"; readonly id: string }
  | { readonly kind: "key"; readonly id: string; readonly key: ApiKey }
  | { readonly kind: "refused"; readonly id: string; readonly code: "unknown-key" | "key-required" };

export type KeyHeaders = {
  readonly authorization?: string | undefined;
  readonly "x-api-key"?: string | readonly string[] | undefined;
};

/**
 * The digest under which a key is kept: SHA-256 of its text, 64 hex digits. A key of 32 random bytes needs no salt and no slow hash: there
 * is nothing to guess.
 *
 * @example
 * apiKeyDigest("bw_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
 * // "24f56b4e8c7e570e26f8df59d012f890d5d5bf00caad64d489168e207af5ad78"
 */
export function apiKeyDigest(key: string): string {
  return toHex(sha256(new TextEncoder().encode(key))).slice(2);
}

/** The text of a key made of 32 random bytes: `bw_` and their base64url. */
export function formatApiKey(random: Uint8Array): string {
  return `bw_${btoa(String.fromCharCode(...random))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "")}`;
}

export function isApiKey(text: string): boolean {
  return API_KEY.test(text);
}

/**
 * Tells callers apart by what they show in `X-Api-Key` or `Authorization: Bearer`. Keys are compared by digest, so how long a comparison
 * takes says nothing about a key. Without rules nobody's headers are looked at.
 *
 * @param address as {@link addressBlock} gives it
 */
export function createAccess(rules: AccessRules | undefined): (headers: KeyHeaders, address: string) => Caller {
  const byDigest = new Map(rules?.keys.map((key) => [key.sha256, key]));
  return (headers, address) => {
    if (rules === undefined) return { kind: "address", id: address };
    const shown = shownKey(headers);
    if (shown === undefined) {
      return rules.required ? { kind: "refused", id: address, code: "key-required" } : { kind: "address", id: address };
    }
    const key = isApiKey(shown) ? byDigest.get(apiKeyDigest(shown)) : undefined;
    return key === undefined
      ? { kind: "refused", id: address, code: "unknown-key" }
      : { kind: "key", id: `key:${key.name}`, key };
  };
}

/** A scheme other than Bearer is somebody else's: a proxy's own password is no key of ours. */
function shownKey(headers: KeyHeaders): string | undefined {
  const own = headers["x-api-key"];
  if (own !== undefined) return String(own);
  return headers.authorization === undefined ? undefined : BEARER.exec(headers.authorization)?.[1];
}

/** Whether a query seems to hold a key: queries end in logs, histories and Referer headers. */
export function holdsKey(query: string): boolean {
  return KEY_IN_QUERY.test(query);
}

/** As some proxies write the client they have: with his port, and IPv6 in brackets then. */
const WITH_PORT = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d+)?$/;

/**
 * What counts as one address: an IPv4 address, also when it is written as IPv6; of IPv6 the /64, which is what one subscriber is given. A
 * port does not make it another one.
 *
 * @example
 * addressBlock("2001:db8::1:2:3:4"); // "2001:db8:0:0"
 */
export function addressBlock(given: string): string {
  const [, bracketed, plain] = WITH_PORT.exec(given) ?? [];
  const address = bracketed ?? plain ?? given;
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return [...before, ...(tail === undefined ? [] : zeros), ...after].slice(0, 4).join(":");
}

/** Web pages of which origins may read: any, or those listed. */
export type OriginRule = "*" | readonly string[];

/** Whether a page of this origin may read; what names no origin is no page. */
export function isOriginAllowed(rule: OriginRule, origin: string | undefined): boolean {
  return origin === undefined || rule === "*" || rule.includes(origin);
}

function isUnique(items: readonly string[]): boolean {
  return new Set(items).size === items.length;
}
