import type { EventQueue } from "../cluster/events.ts";
import type { Random } from "../random.ts";
import type { Port } from "./port.ts";
import { createWindow, type Law } from "./window.ts";

/** Payload of a full segment, and what IPv4 and TCP with timestamps put before each. */
export const SEGMENT_BYTES = 1_460;
export const HEADER_BYTES = 52;
/** So many later packets must have arrived before a gap counts as a loss and not as a detour (RFC 5681, RFC 8985). */
const LATER_PACKETS = 3;
/** A loss that nothing follows is noticed after two round trips, and never sooner than this (Linux's `TCP_RTO_MIN`). */
const MIN_RTO_MS = 200;
/** A packet takes up to so much longer than half a round trip, in thousandths. */
const JITTER_THOUSANDTHS = 20;
const MILLION = 1_000_000;

export type FlowOptions = {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly rttMs: number;
  /** Of a million packets. */
  readonly lossPpm: number;
  readonly law: Law;
  readonly up: Port;
  readonly down: Port;
  /** Bytes on the wire, headers included, that were there before. */
  readonly onAgain: (bytes: number) => void;
};

/**
 * One direction of a TCP connection, by bursts: whatever the window allows leaves at once, each packet is lost by itself, and the burst's
 * acknowledgement comes one round trip later. What was lost is sent again before anything new; nothing behind it is delivered sooner.
 */
export type Flow = {
  readonly send: (bytes: number, deliver: () => void) => void;
  /** Bytes handed over and not yet delivered. */
  readonly backlog: () => number;
  /** Nothing of what waits is delivered any more. */
  readonly close: () => void;
};

type Message = { readonly end: number; readonly bytes: number; readonly deliver: () => void };
type Packet = { readonly sequence: number; readonly bytes: number };
/** A packet that is lost though the sender does not know; `later` packets behind it have arrived. */
type Gap = { readonly packet: Packet; later: number; readonly sentAt: number };

export function createFlow({ queue, random, rttMs, lossPpm, law, up, down, onAgain }: FlowOptions): Flow {
  const window = createWindow(law, rttMs);
  const rtoMs = Math.max(MIN_RTO_MS, 2 * rttMs);
  const messages: Message[] = [];
  const fresh: Packet[] = [];
  let again: Packet[] = [];
  let gaps: Gap[] = [];
  /** Sent, lost, and not yet arrived by a later attempt. */
  const holes = new Set<number>();
  let end = 0;
  let arrived = 0;
  let waiting = 0;
  let underWay = 0;
  let activeAt = 0;
  let cutAt = Number.NEGATIVE_INFINITY;
  let lastArrival = 0;
  let closed = false;

  const deliverInOrder = (): void => {
    if (closed) return;
    const inOrder = Math.min(arrived, ...holes);
    for (let first = messages[0]; first !== undefined && first.end <= inOrder; first = messages[0]) {
      messages.shift();
      waiting -= first.bytes;
      first.deliver();
    }
  };
  const lose = (found: readonly Gap[]): void => {
    if (found.length === 0) return;
    gaps = gaps.filter((gap) => !found.includes(gap));
    again = [...again, ...found.map(({ packet }) => packet)].sort((a, b) => a.sequence - b.sequence);
    underWay -= found.length;
    if (found.some(({ sentAt }) => sentAt >= cutAt)) {
      window.onLoss(queue.now());
      cutAt = queue.now();
    }
  };
  const takeBurst = (room: number): readonly Packet[] => {
    const burst = again.splice(0, room);
    return [...burst, ...fresh.splice(0, room - burst.length)];
  };

  const pump = (): void => {
    if (closed) return;
    const room = window.size() - underWay;
    const repeated = Math.min(room, again.length);
    const burst = room <= 0 ? [] : takeBurst(room);
    if (burst.length === 0) return;
    const now = queue.now();
    const isFull = burst.length === room;
    underWay += burst.length;
    activeAt = now;
    const kept: Packet[] = [];
    const lost: Gap[] = [];
    for (const [index, packet] of burst.entries()) {
      if (index < repeated) onAgain(packet.bytes + HEADER_BYTES);
      if (random.below(MILLION) >= lossPpm) {
        kept.push(packet);
        for (const gap of lost) gap.later += 1;
      } else {
        lost.push({ packet, later: 0, sentAt: now });
        holes.add(packet.sequence);
      }
    }
    const onWire = (packets: readonly Packet[]): number => packets.reduce((sum, { bytes }) => sum + bytes + HEADER_BYTES, 0);
    const leftAt = up.pass(onWire(burst), now);
    const wayMs = (rttMs / 2) * (1 + random.below(JITTER_THOUSANDTHS + 1) / 1_000);
    queue.at(Math.max(leftAt + wayMs, lastArrival), () => {
      const passedAt = Math.max(lastArrival, down.pass(onWire(kept), queue.now()));
      lastArrival = passedAt;
      queue.at(passedAt, () => {
        for (const { sequence } of kept) {
          holes.delete(sequence);
          arrived = Math.max(arrived, sequence + 1);
        }
        deliverInOrder();
        queue.after(rttMs / 2, () => acknowledge(kept.length, lost, isFull, now));
      });
    });
  };

  const acknowledge = (received: number, lost: readonly Gap[], isFull: boolean, sentAt: number): void => {
    activeAt = queue.now();
    underWay -= received;
    for (const gap of gaps) if (gap.sentAt <= sentAt) gap.later += received;
    gaps = [...gaps, ...lost];
    lose(gaps.filter(({ later }) => later >= LATER_PACKETS));
    // What left before the last cut acknowledges the window that was (RFC 5681: none grows during recovery).
    if (isFull && lost.length === 0 && sentAt >= cutAt) window.onAcked(received, queue.now());
    const silent = lost.filter((gap) => gaps.includes(gap));
    if (silent.length > 0) {
      queue.at(sentAt + rtoMs, () => {
        lose(silent.filter((gap) => gaps.includes(gap)));
        pump();
      });
    }
    pump();
  };

  return {
    send: (bytes, deliver) => {
      const idleMs = queue.now() - activeAt;
      if (underWay === 0 && idleMs > rtoMs) window.onIdle(idleMs, rtoMs);
      for (let left = bytes; left > 0; left -= SEGMENT_BYTES) {
        fresh.push({ sequence: end, bytes: Math.min(left, SEGMENT_BYTES) });
        end += 1;
      }
      messages.push({ end, bytes, deliver });
      waiting += bytes;
      pump();
    },
    backlog: () => waiting,
    close: () => {
      closed = true;
    },
  };
}
