import type { EventQueue } from "../cluster/events.ts";
import type { Host, Wire } from "../cluster/host.ts";
import type { Work } from "./costs.ts";
import type { Processor } from "./processor.ts";
import type { Wires } from "./wires.ts";

/** `node/io/transport-request.ts`: requests of ours to one peer at a time. */
const MAX_OUTBOUND = 8;
/** Protocol names to and fro, then a digest: libp2p waits for the answer to the first before it sends the second. */
const NEGOTIATION_BYTES = 96;
const REQUEST_BYTES = 100;
/** Yamux's first window, doubled as it is used up, to `STREAM_WINDOW_BYTES`: what is beyond it is not sent once the stream is gone. */
const FIRST_WINDOW_BYTES = 256 * 1024;
const LAST_WINDOW_BYTES = 1024 * 1024;

type Ask = Parameters<Wire["request"]>[1] & { readonly from: number; readonly to: number };

export type RequestOptions = {
  readonly queue: EventQueue;
  readonly hosts: readonly Host[];
  readonly processors: readonly Processor[];
  readonly wires: Wires;
  readonly work: Work;
  readonly sizeOf: (kind: Ask["kind"], bytes: Uint8Array) => number;
};

/** Requests over streams of their own on the connection that gossip uses: two round trips, then the answer, window by window. */
export function createRequests({ queue, hosts, processors, wires, work, sizeOf }: RequestOptions) {
  const underWay = new Map<string, number>();

  const converse = (ask: Ask, isOver: () => boolean, end: (bytes: Uint8Array | undefined) => void): void => {
    const { from, to, kind, read, onOpen } = ask;
    const peer = hosts[to];
    const there = (bytes: number, then: () => void) => wires.carry({ from, to, kind: "fetch" }, bytes, then);
    const back = (bytes: number, then: () => void) => wires.carry({ from: to, to: from, kind: "fetch" }, bytes, then);
    const stream = (left: number, then: () => void, windowBytes = FIRST_WINDOW_BYTES): void => {
      if (isOver()) return;
      const part = Math.min(left, windowBytes);
      const next = Math.min(LAST_WINDOW_BYTES, 2 * windowBytes);
      const goOn = (): void => queue.after(wires.rttMs(from, to) / 2, () => stream(left - part, then, next));
      back(part, left > part ? goOn : then);
    };
    const serve = (): void =>
      processors[to]?.run(0, () =>
        peer?.deliver(() => {
          const bytes = read(peer);
          const size = 1 + (bytes === undefined ? 0 : sizeOf(kind, bytes));
          processors[to]?.next(work.send(size), () =>
            stream(size, () => processors[from]?.run(work.open(size), () => end(bytes))),
          );
        }),
      );
    there(NEGOTIATION_BYTES, () =>
      back(NEGOTIATION_BYTES, () => {
        onOpen?.();
        there(REQUEST_BYTES, serve);
      }),
    );
  };

  return (from: number, ...[to, ask, answer]: Parameters<Wire["request"]>): void => {
    const name = `${from} ${to}`;
    const count = underWay.get(name) ?? 0;
    if (count >= MAX_OUTBOUND) {
      queue.after(0, () => answer(undefined));
      return;
    }
    underWay.set(name, count + 1);
    let over = false;
    const end = (bytes: Uint8Array | undefined): void => {
      if (over) return;
      over = true;
      underWay.set(name, (underWay.get(name) ?? 1) - 1);
      answer(bytes);
    };
    queue.after(ask.timeoutMs, () => end(undefined));
    converse({ ...ask, from, to }, () => over, end);
  };
}
