/** One market as a simulated venue shows it. Amounts of 10⁻¹⁸; `at` is the venue's own clock, Unix ms. */
export type SimulatedTicker = {
  readonly bid: bigint;
  readonly ask: bigint;
  readonly last: bigint;
  /** 24 h volume in the base asset. */
  readonly volume: bigint;
  readonly at: number;
};

export type SimulatedRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
};
export type SimulatedResponse = { readonly status: number; readonly contentType?: string; readonly body: string };

/** A venue's real wire format, spoken from a table of markets (`BASE/QUOTE` → ticker); unknown symbols get the venue's own error. */
export type SimulatedVenue = {
  readonly venue: string;
  readonly respond: (request: SimulatedRequest, markets: ReadonlyMap<string, SimulatedTicker>) => SimulatedResponse;
};
