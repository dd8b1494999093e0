const LINK_KINDS = ["loss", "duplicate", "reorder", "slow", "partition", "one-way", "clog"] as const;
const MARKET_KINDS = [
  "market-jump",
  "market-slide",
  "market-wick",
  "venue-offset",
  "venue-freeze",
  "venue-lag",
  "venue-outage",
  "venue-wide",
  "venue-crossed",
  "shared-pool",
] as const;
const CHAIN_KINDS = ["chain-halt", "chain-fee", "chain-jam"] as const;

/** Everything that can go wrong around a node, one kind a name: coverage is counted by it. Nodes by index, in committee order. */
export const FAULT_KINDS = [
  ...LINK_KINDS,
  "clock-step",
  "clock-drift",
  "crash",
  "crash-torn",
  "crash-lost",
  "disk-wiped",
  "disk-restored",
  "disk-full",
  "pause",
  "outage",
  ...MARKET_KINDS,
  ...CHAIN_KINDS,
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What links do while it lasts. Percentages of messages; `nodes` absent means every link. */
export type LinkFault =
  | { readonly kind: "loss" | "duplicate"; readonly percent: number; readonly nodes?: readonly number[] }
  /** Every message takes up to so much longer, each its own time: they overtake each other. */
  | { readonly kind: "reorder"; readonly byMs: number }
  /** Every message of these nodes takes so much longer. */
  | { readonly kind: "slow"; readonly byMs: number; readonly nodes: readonly number[] }
  /** Nothing passes between `nodes` and the others. */
  | { readonly kind: "partition"; readonly nodes: readonly number[] }
  /** Nothing passes from `from` to `to`; the other way is open. */
  | { readonly kind: "one-way"; readonly from: readonly number[]; readonly to: readonly number[] }
  /** What goes from one node to the other waits until the end of the fault, and then comes at once and in order. */
  | { readonly kind: "clog"; readonly from: number; readonly to: number };

export type ClockFault =
  /** Set forward or back by `ms`; set right again at the end. */
  | { readonly kind: "clock-step"; readonly node: number; readonly ms: number }
  | { readonly kind: "clock-drift"; readonly node: number; readonly ppm: number };

/** A crash begins at the fault's beginning; the node starts again at its end. */
export type NodeFault =
  | { readonly kind: "crash"; readonly node: number }
  /** The write under way is there in part: a certificate without its body, or a record that nobody was told of. */
  | { readonly kind: "crash-torn"; readonly node: number }
  /** The disk lied: the last so many acknowledged writes are gone. */
  | { readonly kind: "crash-lost"; readonly node: number; readonly writes: number }
  | { readonly kind: "disk-wiped"; readonly node: number }
  /** The node starts again from a copy of its disk made at the fault's beginning, when it is stopped, `afterMs` later and before the end. */
  | { readonly kind: "disk-restored"; readonly node: number; readonly afterMs: number }
  /** Nothing more can be written while it lasts. */
  | { readonly kind: "disk-full"; readonly node: number }
  /** Stopped in the middle (SIGSTOP); what arrives meanwhile is read when it goes on. */
  | { readonly kind: "pause"; readonly node: number }
  /** Every node is down. */
  | { readonly kind: "outage" };

/** Faults and moves of the market; a venue by its index. */
export type MarketFault =
  /** A step of the true price, for every venue at once; it stays. */
  | { readonly kind: "market-jump"; readonly feed: string; readonly bps: number }
  /** A straight line over the fault's duration; it stays. */
  | { readonly kind: "market-slide"; readonly feed: string; readonly bps: number }
  /** A step that is taken back at the end. */
  | { readonly kind: "market-wick"; readonly feed: string; readonly bps: number }
  /** One venue's prices are off. */
  | { readonly kind: "venue-offset"; readonly venue: number; readonly bps: number }
  /** It repeats its last book with fresh times. */
  | { readonly kind: "venue-freeze"; readonly venue: number }
  /** It shows the market as it was. */
  | { readonly kind: "venue-lag"; readonly venue: number; readonly ms: number }
  | { readonly kind: "venue-outage" | "venue-wide" | "venue-crossed"; readonly venue: number }
  /** Venues that are one pool behind different names: all of them are off alike. */
  | { readonly kind: "shared-pool"; readonly venues: readonly number[]; readonly bps: number };

/** Of the settings' chain: no more blocks; a base fee of twenty times; no room for those who bid enough. */
export type ChainFault = { readonly kind: "chain-halt" | "chain-fee" | "chain-jam" };

/** What nodes look at, and not what they are. */
export type WorldFault = MarketFault | ChainFault;
export type Fault = LinkFault | ClockFault | NodeFault | WorldFault;

/** A fault and when it lasts, in ms of true time from the trial's start. */
export type PlannedFault = { readonly at: number; readonly until: number; readonly fault: Fault };

export function isLinkFault(fault: Fault): fault is LinkFault {
  return LINK_KINDS.some((kind) => kind === fault.kind);
}

export function isChainFault(fault: Fault): fault is ChainFault {
  return CHAIN_KINDS.some((kind) => kind === fault.kind);
}

/** Faults of the market and of chains leave the machines, the links and the clocks alone. */
export function isWorldFault(fault: Fault): fault is WorldFault {
  return isChainFault(fault) || MARKET_KINDS.some((kind) => kind === fault.kind);
}
