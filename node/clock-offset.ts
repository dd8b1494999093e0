import type { Address } from "../protocol/bytes.ts";

/** Peers are asked every 10 s; of one that missed five of them nothing is known. */
const FRESH_MS = 60_000;
/** Of a peer's last exchanges the fastest says most: its clock was read somewhere between, and a busy machine answers late. */
const MAX_EXCHANGES = 5;
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
  const exchanges = new Map<Address, readonly ClockExchange[]>();
  return {
    heard: (exchange) => {
      const { peer, sentAt, receivedAt } = exchange;
      if (receivedAt < sentAt || (!exchanges.has(peer) && exchanges.size >= MAX_PEERS)) return;
      exchanges.set(peer, [...(exchanges.get(peer) ?? []), exchange].slice(-MAX_EXCHANGES));
    },
    offsetMs: (now) => {
      const offsets = [...exchanges.values()].flatMap((known) => {
        const fresh = known.filter(({ receivedAt }) => Math.abs(now - receivedAt) <= FRESH_MS);
        const [fastest] = fresh.sort((a, b) => a.receivedAt - a.sentAt - (b.receivedAt - b.sentAt));
        return fastest === undefined ? [] : fastest.clock - (fastest.sentAt + fastest.receivedAt) / 2;
      });
      return offsets.sort((a, b) => a - b)[offsets.length >> 1];
    },
  };
}
