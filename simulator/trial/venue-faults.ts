import type { MarketFault } from "../cluster/fault.ts";
import type { Move } from "./price-path.ts";

export type VenueFault = Exclude<MarketFault, Move>;
type Switch = "venue-freeze" | "venue-outage" | "venue-wide" | "venue-crossed";
type Entry = { readonly fault: VenueFault; readonly at: number; until: number };

/** What was wrong with each venue, when; a venue by its index, times Unix ms. Any past instant can be asked for. */
export type FaultLog = {
  readonly begin: (fault: VenueFault, at: number) => void;
  readonly end: (fault: VenueFault, now: number) => void;
  /** Since when such a fault is in force at an instant, the oldest one's beginning. */
  readonly since: (venue: number, kind: Switch, at: number) => number | undefined;
  readonly lagMs: (venue: number, at: number) => number;
  /** Of offsets and shared pools, in the order in which they began. */
  readonly offsetsBps: (venue: number, at: number) => readonly number[];
  /** Any fault of this venue, at any time from `from` to `to`. */
  readonly hadAny: (venue: number, from: number, to: number) => boolean;
};

export function createFaultLog(): FaultLog {
  const byVenue = new Map<number, Entry[]>();
  const inForce = (venue: number, at: number): readonly Entry[] =>
    byVenue.get(venue)?.filter((entry) => entry.at <= at && at < entry.until) ?? [];

  return {
    begin: (fault, at) => {
      const entry = { fault, at, until: Number.POSITIVE_INFINITY };
      for (const venue of venuesOf(fault)) byVenue.set(venue, [...(byVenue.get(venue) ?? []), entry]);
    },
    end: (fault, now) => {
      for (const venue of venuesOf(fault)) {
        const entry = byVenue.get(venue)?.find((open) => open.fault === fault && open.until > now);
        if (entry !== undefined) entry.until = now;
      }
    },
    since: (venue, kind, at) => inForce(venue, at).find(({ fault }) => fault.kind === kind)?.at,
    lagMs: (venue, at) =>
      inForce(venue, at).reduce((most, { fault }) => (fault.kind === "venue-lag" ? Math.max(most, fault.ms) : most), 0),
    offsetsBps: (venue, at) =>
      inForce(venue, at).flatMap(({ fault }) =>
        fault.kind === "venue-offset" || fault.kind === "shared-pool" ? [fault.bps] : [],
      ),
    hadAny: (venue, from, to) => byVenue.get(venue)?.some((entry) => entry.at <= to && entry.until >= from) ?? false,
  };
}

function venuesOf(fault: VenueFault): readonly number[] {
  return fault.kind === "shared-pool" ? fault.venues : [fault.venue];
}
