import type { Address, Hex } from "../protocol/bytes.ts";
import type { GaugeEntry } from "../protocol/observation.ts";

/** As far back as missed rounds and own observations are counted (BREAKER.md B13). */
export const VIEW_ROUNDS = 60;
/** A round's certificate may still be on its way while the next round begins. */
const GRACE_ROUNDS = 1;
/** Round trips kept of each peer, and for how long they say something of now. */
const MAX_TRIPS = 5;
const TRIP_FRESH_MS = 60_000;
/** No committee is larger. */
const MAX_PEERS = 256;

/**
 * What the runtime sees anyway.
 *
 * - `observed`: this node published its observation of a round, in the bytes that a round's body would hold.
 * - `certified`: a round was committed, at whatever place; `observations` are its body's.
 * - `trip`: one question and its answer between this node and a peer, in ms.
 */
export type NetworkEvent =
  | { readonly kind: "observed"; readonly round: number; readonly observation: Hex }
  | { readonly kind: "certified"; readonly round: number; readonly observations: readonly Hex[] }
  | { readonly kind: "trip"; readonly peer: Address; readonly ms: number };

/** How the network looks from this node: a gauge like any other, so that the quorum's view of it is the median of all nodes'. */
export type NetworkView = {
  readonly handle: (event: NetworkEvent, now: number) => void;
  /** `net.lag`, `net.missed` and, where peers answered of late, `net.rtt`; at the beginning of `round`. */
  readonly gauges: (round: number, now: number) => readonly GaugeEntry[];
};

type Trip = { readonly ms: number; readonly at: number };

/**
 * `net.missed`: rounds of the last 60 that were not certified as far as this node knows. `net.lag`: observations of its last 60 rounds
 * that no certified round contains. `net.rtt`: the median over peers of each peer's median round trip, ms. What lies before this
 * node's first round is not counted.
 */
export function createNetworkView(): NetworkView {
  const certified = new Set<number>();
  const included = new Set<Hex>();
  const observed = new Map<number, Hex>();
  const trips = new Map<Address, readonly Trip[]>();
  let firstRound: number | undefined;
  let newest = 0;

  const forget = (): void => {
    const oldest = newest - VIEW_ROUNDS - GRACE_ROUNDS;
    for (const known of certified) if (known < oldest) certified.delete(known);
    for (const [known, observation] of observed) {
      if (known >= oldest) continue;
      observed.delete(known);
      included.delete(observation);
    }
  };

  return {
    handle: (event, now) => {
      if (event.kind === "trip") {
        if (!trips.has(event.peer) && trips.size >= MAX_PEERS) return;
        trips.set(event.peer, [...(trips.get(event.peer) ?? []), { ms: event.ms, at: now }].slice(-MAX_TRIPS));
        return;
      }
      firstRound ??= event.round;
      newest = Math.max(newest, event.round);
      if (event.kind === "observed") observed.set(event.round, event.observation);
      else {
        certified.add(event.round);
        const own = observed.get(event.round);
        if (own !== undefined && event.observations.includes(own)) included.add(own);
      }
      forget();
    },
    gauges: (round, now) => {
      if (firstRound === undefined) return [];
      const last = round - 1 - GRACE_ROUNDS;
      const first = Math.max(firstRound, last - VIEW_ROUNDS + 1);
      let missed = 0;
      let lag = 0;
      for (let seen = first; seen <= last; seen++) {
        const own = observed.get(seen);
        if (!certified.has(seen)) missed += 1;
        if (own !== undefined && !included.has(own)) lag += 1;
      }
      const rtt = medianTrip([...trips.values()], now);
      return [
        { gauge: "net.lag", value: BigInt(lag), asOf: now },
        { gauge: "net.missed", value: BigInt(missed), asOf: now },
        ...(rtt === undefined ? [] : [{ gauge: "net.rtt", value: BigInt(rtt), asOf: now }]),
      ];
    },
  };
}

/** Whole ms, truncated; undefined when no peer answered of late. */
function medianTrip(trips: readonly (readonly Trip[])[], now: number): number | undefined {
  const medians = trips.flatMap((known) => median(known.filter(({ at }) => now - at <= TRIP_FRESH_MS).map(({ ms }) => ms)) ?? []);
  const rtt = median(medians);
  return rtt === undefined ? undefined : Math.max(0, Math.trunc(rtt));
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
