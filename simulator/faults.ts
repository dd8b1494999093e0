/** What can be done to a venue; without `market`, to all of it. `gap` and `silent` are about what it pushes, not what it answers. */
export type VenueFault = { readonly venue: string; readonly market?: string } & (
  | { readonly fault: "offset"; readonly bps: number }
  | { readonly fault: "freeze" }
  | { readonly fault: "latency"; readonly ms: number }
  | { readonly fault: "status"; readonly status: number }
  | { readonly fault: "malformed" }
  | { readonly fault: "down" }
  | { readonly fault: "gap" }
  | { readonly fault: "silent" }
);

export type FaultName = VenueFault["fault"];

/** Faults in force at once; a repeat of the same venue, market and name replaces the older one. */
export const MAX_FAULTS = 1_000;

export type FaultBook = {
  readonly list: () => readonly VenueFault[];
  readonly of: (venue: string) => readonly VenueFault[];
  /** False when the book is full. */
  readonly add: (fault: VenueFault) => boolean;
  readonly clear: () => void;
};

export function createFaultBook(): FaultBook {
  const faults = new Map<string, VenueFault>();
  return {
    list: () => [...faults.values()],
    of: (venue) => [...faults.values()].filter((fault) => fault.venue === venue),
    add: (fault) => {
      const key = [fault.venue, fault.fault, fault.market ?? ""].join(" ");
      if (!faults.has(key) && faults.size >= MAX_FAULTS) return false;
      faults.set(key, fault);
      return true;
    },
    clear: () => faults.clear(),
  };
}

/** True when the fault is about this market: named, or all of its venue. */
export function concerns(fault: VenueFault, market: string): boolean {
  return fault.market === undefined || fault.market === market;
}
