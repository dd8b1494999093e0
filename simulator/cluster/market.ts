import type { VenueSnapshot } from "../../adapters/snapshot.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { GaugeEntry } from "../../protocol/observation.ts";
import type { MarketFault, WorldFault } from "./fault.ts";

/**
 * When a node's poller last stood still, true time. `from` is when it was paused, and then what it had heard before is still there;
 * without `from` the node was started at `until` and had heard nothing.
 */
export type Sleep = { readonly from?: number | undefined; readonly until: number };

/** The world outside the cluster: what is true, and what each node's poller last heard of it. All times are true time, Unix ms. */
export type Prices = {
  /** The newest answers of the venues in the memory of this node, whose clock shows `clock` at true time `now`. */
  readonly snapshot: (
    node: number,
    time: { readonly now: number; readonly clock: number; readonly asleep?: Sleep | undefined },
  ) => VenueSnapshot;
  /** The true price of a feed at a time that has been: 10⁻¹⁸. */
  readonly truth: (feed: FeedId, at: number) => bigint;
  /** The lowest and highest true price of a feed over a span that has been. */
  readonly truthRange: (feed: FeedId, from: number, to: number) => { readonly low: bigint; readonly high: bigint };
  /**
   * Share of a feed's source weight, as configured and rounded up, whose venue is under a fault, or was while quotes of that time may
   * still be used.
   */
  readonly faultyShareBps: (feed: FeedId, now: number) => number;
  readonly begin: (fault: MarketFault, span: { readonly at: number; readonly until: number }) => void;
  readonly end: (fault: MarketFault, now: number) => void;
};

/** All that a node looks at: the venues, and the chains. */
export type Market = Omit<Prices, "begin" | "end"> & {
  /** What this node's chain readings say now, by ascending name. */
  readonly gauges: (time: { readonly now: number; readonly clock: number }) => readonly GaugeEntry[];
  readonly begin: (fault: WorldFault, span: { readonly at: number; readonly until: number }) => void;
  readonly end: (fault: WorldFault, now: number) => void;
};
