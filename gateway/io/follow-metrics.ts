import { Gauge, Histogram, type Registry } from "prom-client";
import { BREAKER_STATES } from "../../protocol/report.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import type { EntryCode } from "../following/codes.ts";
import type { LogSource } from "../log.ts";
import { createEntryCounter } from "./redis-metrics.ts";

/** A round is certified some tenths of a second after its timestamp; what comes from the past is hours late. */
const BUCKETS_S = [0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 60, 600, 3_600];

export type FollowMetrics = {
  readonly onEntry: (source: LogSource, code: EntryCode) => void;
  /** A head that is now served here. */
  readonly onHead: (round: CertifiedRound, now: number) => void;
};

/** What a gateway tells of the logs that it follows. `sources` are asked whenever the metrics are. */
export function createFollowMetrics(
  registry: Registry,
  sources: ReadonlyMap<LogSource, { readonly isUp: () => boolean }>,
): FollowMetrics {
  const registers = [registry];
  const count = createEntryCounter(registry);
  const up = new Gauge({
    name: "breakwater_follower_source_up",
    help: "Whether a followed source is read at this moment",
    labelNames: ["source"],
    registers,
    collect: () => {
      for (const [source, { isUp }] of sources) up.set({ source }, isUp() ? 1 : 0);
    },
  });
  const delay = new Histogram({
    name: "breakwater_follower_delay_seconds",
    help: "From the timestamp of a round's certificate to its publication here, of rounds whose lease runs",
    buckets: BUCKETS_S,
    registers,
  });
  const round = new Gauge({ name: "breakwater_round", help: "Newest certified round", registers });
  const validUntil = new Gauge({
    name: "breakwater_valid_until_seconds",
    help: "Lease of the newest certificate, Unix",
    registers,
  });
  const states = new Gauge({
    name: "breakwater_breaker_state",
    help: "Breaker state of a feed: 0 open, 1 half-open, 2 closed",
    labelNames: ["feed"],
    registers,
  });
  return {
    onEntry: (source, code) => count({ source, code }),
    onHead: ({ certificate: { header }, feeds }, now) => {
      round.set(header.round);
      validUntil.set(header.validUntil / 1_000);
      // What is caught up with is from the past by intention.
      if (now <= header.validUntil) delay.observe(Math.max(0, now - header.timestamp) / 1_000);
      for (const { report } of feeds) states.set({ feed: report.feed }, BREAKER_STATES.indexOf(report.state));
    },
  };
}
