import type { Address } from "../protocol/bytes.ts";

/** Peers are asked every 10 s; of one that missed two of them nothing is known. */
const FRESH_MS = 30_000;
/** No committee is larger. */
const MAX_PEERS = 256;

/** One question and its answer: the peer's clock, and ours before and after; all Unix ms. */
export type ClockExchange = {
  readonly peer: Address;
  readonly clock: number;
  readonly sentAt: number;
  readonly receivedAt: number;
};

/** This machine's clock against its peers', after the start-up quarantine too: a clock that drifts stops signing without a word. */
export type ClockOffset = {
  readonly heard: (exchange: ClockExchange) => void;
  /** Peers' median clock minus ours, ms: positive when ours is behind. Undefined when nobody answered of late. */
  readonly offsetMs: (now: number) => number | undefined;
};

/**
 * A peer's clock was read between `sentAt` and `receivedAt`; the middle is taken. Of 3f peers at most f lie, so the median lies within
 * the honest ones' range.
 *
 * @example
 * const clock = createClockOffset();
 * clock.heard({ peer, clock: 5_000, sentAt: 4_980, receivedAt: 5_000 });
 * clock.offsetMs(5_000); // 10
 */
export function createClockOffset(): ClockOffset {
  const offsets = new Map<Address, { readonly ms: number; readonly at: number }>();
  return {
    heard: ({ peer, clock, sentAt, receivedAt }) => {
      if (receivedAt < sentAt || (!offsets.has(peer) && offsets.size >= MAX_PEERS)) return;
      offsets.set(peer, { ms: clock - (sentAt + receivedAt) / 2, at: receivedAt });
    },
    offsetMs: (now) => {
      const fresh = [...offsets.values()].filter(({ at }) => Math.abs(now - at) <= FRESH_MS).map(({ ms }) => ms);
      return fresh.sort((a, b) => a - b)[fresh.length >> 1];
    },
  };
}
