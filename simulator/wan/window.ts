/** How a sender decides what may be under way: AIMD (RFC 5681), CUBIC (RFC 9438, Linux's default), or BBR, which does not heed loss. */
export const LAWS = ["reno", "cubic", "bbr"] as const;
export type Law = (typeof LAWS)[number];

/** RFC 6928. */
export const INITIAL_PACKETS = 10;
const MIN_PACKETS = 2;
/** Linux's default `tcp_wmem` ends at 4 MiB: no connection has more under way. */
export const MAX_PACKETS = 2_800;
const RENO_CUT = 0.5;
/** RFC 9438 section 4.1 and 4.6: β, C in packets/s³, and the slope at which Reno would be as fast. */
const CUBIC_CUT = 0.7;
const CUBIC_C = 0.4;
const CUBIC_RENO_SLOPE = (3 * (1 - CUBIC_CUT)) / (1 + CUBIC_CUT);

/** The congestion window of one direction of a connection, in packets. All times in ms. */
export type Window = {
  /** Whole packets that may be under way. */
  readonly size: () => number;
  /** So many were acknowledged of a burst that had used the whole window. */
  readonly onAcked: (packets: number, now: number) => void;
  /** Something was lost: once for everything that was under way together. */
  readonly onLoss: (now: number) => void;
  /** Nothing was under way for so long: RFC 2861, Linux's `tcp_slow_start_after_idle`. */
  readonly onIdle: (idleMs: number, rtoMs: number) => void;
};

export function createWindow(law: Law, rttMs: number): Window {
  let packets = INITIAL_PACKETS;
  let threshold = Number.POSITIVE_INFINITY;
  /** CUBIC's memory of its last loss. */
  let plateau = 0;
  let lostAt = 0;

  const grow = (acked: number, now: number): number => {
    if (law === "bbr" || packets < threshold) return packets + acked;
    if (law === "reno") return packets + acked / packets;
    const seconds = (now - lostAt + rttMs) / 1_000;
    const origin = Math.cbrt((plateau * (1 - CUBIC_CUT)) / CUBIC_C);
    const cubic = CUBIC_C * (seconds - origin) ** 3 + plateau;
    const asReno = plateau * CUBIC_CUT + (CUBIC_RENO_SLOPE * (now - lostAt)) / rttMs;
    // Section 4.4: at most half as much again in one round trip.
    return Math.max(packets, Math.min(Math.max(cubic, asReno), packets * 1.5));
  };
  return {
    size: () => Math.floor(packets),
    onAcked: (acked, now) => {
      packets = Math.min(MAX_PACKETS, grow(acked, now));
    },
    onLoss: (now) => {
      if (law === "bbr") return;
      plateau = packets;
      lostAt = now;
      packets = Math.max(MIN_PACKETS, packets * (law === "reno" ? RENO_CUT : CUBIC_CUT));
      threshold = packets;
    },
    onIdle: (idleMs, rtoMs) => {
      if (law === "bbr") return;
      // RFC 9438 section 5.8: time in which nothing was sent is not time in which the window grows.
      lostAt += idleMs;
      if (packets <= INITIAL_PACKETS) return;
      threshold = Math.max(threshold, 0.75 * packets);
      for (let left = idleMs - rtoMs; left > 0; left -= rtoMs) packets /= 2;
      packets = Math.max(INITIAL_PACKETS, packets);
    },
  };
}
