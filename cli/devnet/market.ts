import { ADAPTERS } from "../../adapters/index.ts";
import { OperationalError } from "../../node/io/operational-error.ts";
import { type MarketServer, startMarketServer } from "../../simulator/io/market-server.ts";
import { catalogueListings, type VenueOverride } from "./layout.ts";

export type MarketMode = "auto" | "live" | "simulated";

/** A simulated venue on this machine has no public request budget to respect. */
export const SIMULATED_REQUESTS_PER_SECOND = 200;
/** Live needs this many venues to answer; the probe gives each this long. */
const LIVE_VENUES = 6;
const PROBE_MS = 4_000;

export type Market = {
  readonly kind: "live" | "simulated";
  /** One plain sentence for the terminal. */
  readonly note: string;
  readonly server: MarketServer | undefined;
  readonly venues: Readonly<Record<string, VenueOverride>>;
};

/** Opens the market that the nodes will poll; `auto` tries the exchanges and says when it falls back. */
export async function openMarket({
  mode,
  seed,
  overrides,
  streams,
}: {
  readonly mode: MarketMode;
  readonly seed: number;
  /** `venue → base URL`; these win over both markets. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Simulated venues push as well; without it they are polled alone. */
  readonly streams: boolean;
}): Promise<Market> {
  const own = Object.fromEntries(
    Object.entries(overrides).map(([venue, url]) => [venue, { url, requestsPerSecond: SIMULATED_REQUESTS_PER_SECOND }]),
  );
  const venues = [...catalogueListings().keys()];
  const reachable = mode === "simulated" ? 0 : await countReachable(venues);
  if (mode === "live" && reachable < LIVE_VENUES) {
    throw new OperationalError(
      `--market live: ${reachable} of ${venues.length} exchanges answered, at least ${LIVE_VENUES} are needed; check the connection or use --market simulated`,
      { code: "no-market" },
    );
  }
  if (mode !== "simulated" && reachable >= LIVE_VENUES) {
    return { kind: "live", note: `live: ${reachable} of ${venues.length} exchanges answer`, server: undefined, venues: own };
  }
  const server = await startMarketServer({ seed, listings: catalogueListings(), now: Date.now });
  const simulated = Object.fromEntries(
    [...server.baseUrls].map(([venue, url]) => {
      const stream = streams ? server.streamUrls.get(venue) : undefined;
      const override = { url, requestsPerSecond: SIMULATED_REQUESTS_PER_SECOND };
      return [venue, stream === undefined ? override : { ...override, stream }];
    }),
  );
  const why =
    mode === "auto" ? `${reachable} of ${venues.length} exchanges can be reached from here, so it is simulated` : "simulated";
  return {
    kind: "simulated",
    note: `${why}: ${venues.length} venues in their real wire formats on ${server.url}, seed ${seed}; these are not real prices`,
    server,
    venues: { ...simulated, ...own },
  };
}

async function countReachable(venues: readonly string[]): Promise<number> {
  const answers = await Promise.all(
    venues.map(async (venue) => reaches(Object.entries(ADAPTERS).find(([name]) => name === venue)?.[1].baseUrl)),
  );
  return answers.filter(Boolean).length;
}

async function reaches(url: string | undefined): Promise<boolean> {
  if (url === undefined) return false;
  try {
    await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(PROBE_MS) });
    return true;
  } catch {
    return false;
  }
}
