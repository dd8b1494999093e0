import type { AbortOptions, Connection, Stream, StreamCloseEvent, StreamMessageEvent } from "@libp2p/interface";
import type { Address } from "../../protocol/bytes.ts";
import { concat } from "../../protocol/bytes.ts";
import { fail, ok, type Result } from "../../protocol/result.ts";
import { type Budget, createBudget } from "../budget.ts";
import type { Concerns } from "./concerns.ts";
import { reasonOf } from "./operational-error.ts";
import { addressOfPeer } from "./peer-identity.ts";
import type { RequestFault, RequestProtocol, Transport, TransportLimits, TransportOptions } from "./transport-types.ts";

/** Both directions of both protocols; a body of 1 000 feeds and 31 observations is some 8 MB. */
const MAX_REQUEST_BYTES = { hello: 4 * 1024, fetch: 64 * 1024 } as const;
const MAX_RESPONSE_BYTES = { hello: 64 * 1024, fetch: 16 * 1024 * 1024 } as const;
/** Requests of ours to one peer, and of one peer to us, at a time; theirs has room for streams that are still closing. */
const MAX_OUTBOUND = 8;
export const MAX_INBOUND_STREAMS = 16;
/** From the stream's opening to the request's last byte, and from there to the answer's last byte out. */
const REQUEST_READ_MS = 3_000;
const RESPONSE_WRITE_MS = 15_000;
/** A big-endian length before each frame; one frame a direction. */
const LENGTH_BYTES = 4;
const STATUS = { found: 0, absent: 1, busy: 2 } as const;

export function protocolId(protocol: RequestProtocol): string {
  return `/breakwater/1/${protocol}`;
}

class FrameFault extends Error {
  readonly fault: RequestFault;
  constructor(fault: RequestFault) {
    super(fault);
    this.fault = fault;
  }
}

export type Requester = Pick<Transport, "request">;

/** Our questions. `connectionTo` gives an open connection to a member, if there is one. */
export function createRequester(options: {
  readonly connectionTo: (address: Address) => Connection | undefined;
  readonly stopped: AbortSignal;
  readonly metrics: TransportOptions["metrics"];
}): Requester {
  const underWay = new Map<Address, number>();
  const ask = async ({ to, protocol, bytes, timeoutMs, onOpen }: Parameters<Transport["request"]>[0]): Promise<Uint8Array> => {
    if (bytes.length > MAX_REQUEST_BYTES[protocol]) throw new FrameFault("oversize");
    const connection = options.connectionTo(to);
    if (connection === undefined) throw new FrameFault("not-connected");
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), options.stopped]);
    let stream: Stream | undefined;
    try {
      stream = await connection.newStream(protocolId(protocol), { signal, maxOutboundStreams: MAX_INBOUND_STREAMS });
      onOpen?.();
      const answer = readFrame(stream, { maxBytes: 1 + MAX_RESPONSE_BYTES[protocol], signal });
      const [frame] = await Promise.all([answer, writeFrame(stream, bytes, { signal })]);
      const fault = frame[0] === STATUS.found ? undefined : frame[0] === STATUS.absent ? "absent" : "busy";
      if (fault !== undefined) throw new FrameFault(fault);
      return frame.subarray(1);
    } catch (error) {
      stream?.abort(error instanceof Error ? error : new Error(String(error)));
      if (signal.aborted) throw new FrameFault("timeout");
      throw error;
    }
  };
  return {
    request: async (request) => {
      const { to, protocol } = request;
      const count = underWay.get(to) ?? 0;
      let result: Result<Uint8Array, RequestFault>;
      if (count >= MAX_OUTBOUND) result = fail("busy");
      else {
        underWay.set(to, count + 1);
        result = await ask(request).then(ok, (error) => fail(error instanceof FrameFault ? error.fault : "closed"));
        underWay.set(to, (underWay.get(to) ?? 1) - 1);
      }
      options.metrics.onRequest({ protocol, side: "client", code: result.ok ? "ok" : result.error });
      return result;
    },
  };
}

/** Serves the others' questions: one stream each, bounded in number, size, rate and time, so that no peer costs another anything. */
export function createResponder(
  options: Pick<TransportOptions, "onRequest" | "metrics"> & {
    readonly concerns: Concerns;
    readonly limits: TransportLimits;
    readonly now: () => number;
    readonly stopped: AbortSignal;
  },
): (protocol: RequestProtocol, stream: Stream, connection: Connection) => Promise<void> {
  const budgets = new Map<Address, { readonly requests: Budget; readonly served: Budget }>();
  const budgetOf = (address: Address) => {
    const budget = budgets.get(address) ?? {
      requests: createBudget(options.limits.requests, options.now()),
      served: createBudget(options.limits.served, options.now()),
    };
    budgets.set(address, budget);
    return budget;
  };

  const answerTo = async (protocol: RequestProtocol, bytes: Uint8Array, from: Address): Promise<Uint8Array | RequestFault> => {
    const budget = budgetOf(from);
    budget.requests.charge(1, options.now());
    if (budget.requests.debtMs(options.now()) > 0 || budget.served.debtMs(options.now()) > 0) return "busy";
    const answer = await options.onRequest({ protocol, bytes, from });
    if (answer === undefined) return "absent";
    if (answer.length > MAX_RESPONSE_BYTES[protocol]) {
      const fields = { protocol, from, bytes: answer.length };
      options.concerns.warn("answer-too-long", `an answer is too long to send: ${answer.length} bytes`, fields, protocol);
      return "absent";
    }
    budget.served.charge(answer.length, options.now());
    return answer;
  };

  const serve = async (protocol: RequestProtocol, stream: Stream, from: Address): Promise<"ok" | RequestFault> => {
    const reading = AbortSignal.any([AbortSignal.timeout(REQUEST_READ_MS), options.stopped]);
    const bytes = await readFrame(stream, { maxBytes: MAX_REQUEST_BYTES[protocol], signal: reading });
    const answer = await answerTo(protocol, bytes, from);
    const status = answer === "busy" ? STATUS.busy : answer instanceof Uint8Array ? STATUS.found : STATUS.absent;
    const writing = AbortSignal.any([AbortSignal.timeout(RESPONSE_WRITE_MS), options.stopped]);
    const payload = answer instanceof Uint8Array ? answer : new Uint8Array(0);
    await writeFrame(stream, concat(Uint8Array.of(status), payload), { signal: writing });
    return answer instanceof Uint8Array ? "ok" : answer;
  };

  return async (protocol, stream, connection) => {
    const from = addressOfPeer(connection.remotePeer);
    if (from === undefined) return stream.abort(new Error("not a member"));
    let code: "ok" | RequestFault = "closed";
    try {
      code = await serve(protocol, stream, from);
    } catch (error) {
      code = error instanceof FrameFault ? error.fault : "closed";
      stream.abort(error instanceof Error ? error : new Error(reasonOf(error)));
      if (!(error instanceof FrameFault) && stream.status === "aborted") {
        const fields = { protocol, from, err: error };
        options.concerns.warn("request-unanswered", `${protocol} request of ${from} failed: ${reasonOf(error)}`, fields, from);
      }
    }
    options.metrics.onRequest({ protocol, side: "server", code });
  };
}

async function writeFrame(stream: Stream, payload: Uint8Array, options: AbortOptions): Promise<void> {
  const frame = new Uint8Array(LENGTH_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, LENGTH_BYTES);
  stream.send(frame);
  await stream.close(options);
}

/** The one frame of the other side. Bytes are counted as they come, so that nothing beyond `maxBytes` is ever held. */
function readFrame(
  stream: Stream,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  return new Promise((resolve, reject) => {
    const finish = (outcome: Uint8Array | FrameFault) => {
      stream.removeEventListener("message", onMessage);
      stream.removeEventListener("end", onEnd);
      stream.removeEventListener("close", onClose);
      signal.removeEventListener("abort", onAbort);
      if (outcome instanceof FrameFault) reject(outcome);
      else resolve(outcome);
    };
    const onMessage = ({ data }: StreamMessageEvent) => {
      chunks.push(data.subarray());
      received += data.byteLength;
      if (received < LENGTH_BYTES) return;
      const head = concat(...chunks.slice(0, LENGTH_BYTES)).subarray(0, LENGTH_BYTES);
      const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
      if (length > maxBytes) finish(new FrameFault("oversize"));
      else if (received > LENGTH_BYTES + length) finish(new FrameFault("closed"));
      else if (received === LENGTH_BYTES + length) finish(concat(...chunks).subarray(LENGTH_BYTES));
    };
    const onEnd = () => finish(new FrameFault("closed"));
    const onClose = (_: StreamCloseEvent) => finish(new FrameFault("closed"));
    const onAbort = () => finish(new FrameFault("timeout"));
    if (signal.aborted) return onAbort();
    if (stream.readableEnded) return onEnd();
    signal.addEventListener("abort", onAbort);
    stream.addEventListener("end", onEnd);
    stream.addEventListener("close", onClose);
    stream.addEventListener("message", onMessage);
  });
}
