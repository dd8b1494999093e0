import type { Hex } from "../../protocol/bytes.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import type { Fault, FaultCode, VenueResponse } from "../adapter.ts";
import { at, malformed, textOf } from "../fields.ts";
import type { Json } from "../json.ts";
import { readBody } from "../response.ts";

/** A node's own words in a fault's detail: it may write megabytes. */
const MAX_MESSAGE = 120;
/** What a contract that is read here could ever return: `observe` of two instants gives eight words. */
const MAX_DATA_BYTES = 4 * 1024;

export type RpcParam = boolean | string | number | readonly RpcParam[] | { readonly [key: string]: string };
export type RpcCall = { readonly method: string; readonly params: readonly RpcParam[] };
export type RpcAnswer = Result<Json, Fault>;

/**
 * Calls that belong together and what their answers mean: a translator of the chain's, as an adapter is a venue's. `read` is total,
 * and is given as many answers as there are calls, in their order.
 */
export type Probe<T> = {
  readonly calls: readonly RpcCall[];
  readonly read: (answers: readonly RpcAnswer[]) => Result<T, Fault>;
};

/** JSON-RPC 2.0 section 6: a batch of requests, each with its place as its id. */
export function encodeBatch(calls: readonly RpcCall[]): string {
  return JSON.stringify(calls.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, method, params })));
}

/**
 * One answer for each of `count` calls, in their order, whatever came: a fault of the transport, or one error object in place of the
 * batch (a limit, an unknown key), is every call's. An id that is missing or answered twice is `malformed`. Total.
 */
export function readBatch(response: Result<VenueResponse, Fault>, count: number): readonly RpcAnswer[] {
  const body = response.ok ? readBody(response.value, { bodyFault: wholeFault }) : response;
  const list = body.ok && Array.isArray(body.value) ? ok(body.value as readonly Json[]) : body;
  if (list.ok && !Array.isArray(list.value)) return answersAll(malformed("body: expected a list of answers"), count);
  if (!list.ok) return answersAll(list, count);
  const byId = Map.groupBy(list.value as readonly Json[], (item) => textOf(at(item, "id")));
  return Array.from({ length: count }, (_, id) => readAnswer(byId.get(String(id)) ?? [], id));
}

function answersAll(fault: { readonly ok: false; readonly error: Fault }, count: number): readonly RpcAnswer[] {
  return Array.from({ length: count }, () => fault);
}

function readAnswer(items: readonly Json[], id: number): RpcAnswer {
  const [item, second] = items;
  if (item === undefined || second !== undefined) return malformed(`id ${id}: expected one answer, found ${items.length}`);
  const fault = errorFault(at(item, "error").value);
  if (fault !== undefined) return fail(fault);
  const result = item instanceof Map ? item.get("result") : undefined;
  return result === undefined ? malformed(`id ${id}: neither result nor error`) : ok(result);
}

function wholeFault(body: Json): Fault | undefined {
  return body instanceof Map ? errorFault(body.get("error")) : undefined;
}

/** Codes with a meaning of their own: EIP-1474 "limit exceeded", HTTP's in a body, and geth's "execution reverted". */
const ERROR_CODES: ReadonlyMap<string | undefined, FaultCode> = new Map([
  ["-32005", "rate-limited"],
  ["429", "rate-limited"],
  ["3", "unknown-market"],
]);

/** A call that reverts says that no such thing is to be had of that contract; anvil and others say so with code -32000. */
function errorFault(error: Json | undefined): Fault | undefined {
  if (error === undefined || error === null) return undefined;
  const code = textOf(at(error, "code"));
  const message = (textOf(at(error, "message")) ?? "no message").slice(0, MAX_MESSAGE);
  const byCode = ERROR_CODES.get(code) ?? (/revert/i.test(message) ? "unknown-market" : "http-status");
  return { code: byCode, detail: `error ${code ?? "without a code"}: ${message}` };
}

const QUANTITY = /^0x(?:0|[1-9a-fA-F][0-9a-fA-F]{0,63})$/;

/**
 * A quantity of the execution API: hex without leading zeros, at most 256 bits; undefined for anything else.
 *
 * @example
 * quantityOf("0x3b9aca00"); // 1000000000n
 */
export function quantityOf(value: Json | undefined): bigint | undefined {
  return typeof value === "string" && QUANTITY.test(value) ? BigInt(value) : undefined;
}

/** Unformatted data of the execution API, in lower case; undefined for anything else, and beyond {@link MAX_DATA_BYTES}. */
export function dataOf(value: Json | undefined): Hex | undefined {
  if (typeof value !== "string" || value.length > 2 + 2 * MAX_DATA_BYTES || !/^0x(?:[0-9a-fA-F]{2})*$/.test(value))
    return undefined;
  return value.toLowerCase() as Hex;
}
