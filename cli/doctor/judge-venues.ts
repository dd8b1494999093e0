import type { FaultCode } from "../../adapters/adapter.ts";
import { marketKey } from "../../adapters/snapshot.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import { type Finding, failure, fine, warning } from "./finding.ts";

/** Named in a line; the rest are counted. */
const MAX_NAMED = 4;

/** What a venue said of one market; `silent` when nothing came in time. */
export type MarketOutcome = {
  readonly market: string;
  readonly outcome: "ok" | "silent" | { readonly code: FaultCode; readonly detail: string };
};
export type VenueOutcome = { readonly venue: string; readonly markets: readonly MarketOutcome[] };

/** One line a venue, and one for the feeds that what answers is too little for. */
export function judgeVenues(venues: readonly VenueOutcome[], config: NetworkConfig): readonly Finding[] {
  return [...venues.map(judgeVenue), judgeFeeds(venues, config)];
}

function judgeVenue({ venue, markets }: VenueOutcome): Finding {
  const check = `venue ${venue}`;
  const failed = markets.filter(({ outcome }) => outcome !== "ok");
  const measured = `${markets.length - failed.length} of ${markets.length} markets quoted`;
  if (failed.length === 0) return fine(check, measured);
  const which = failed.length === markets.length ? "" : `; ${named(failed)}`;
  const worst = failed.find(({ outcome }) => codeOf(outcome) !== "unknown-market") ?? failed[0];
  return warning(check, `${measured}${which}: ${wordsOf(worst?.outcome)}`, adviceOn(codeOf(worst?.outcome)));
}

function wordsOf(outcome: MarketOutcome["outcome"] | undefined): string {
  return typeof outcome === "object" ? `${outcome.code}: ${outcome.detail}` : "no answer in time";
}

function codeOf(outcome: MarketOutcome["outcome"] | undefined): FaultCode | "silent" {
  return typeof outcome === "object" ? outcome.code : "silent";
}

function adviceOn(code: FaultCode | "silent"): string {
  switch (code) {
    case "unknown-market":
      return "look whether it was delisted, and ask governance to take the source out";
    case "http-status":
    case "html":
      return "403, 451 and web pages usually mean that this address or its region is blocked";
    case "rate-limited":
      return "this address asks too often: set addressSharedBy in node.yaml to the number of nodes behind it";
    case "network":
    case "timeout":
    case "silent":
      return "look at the way to it from this machine: DNS, firewall, proxy, or `venues` in node.yaml";
    default:
      return "nothing to do unless it lasts; then compare the venue's documentation";
  }
}

/** A feed below minSources or minGroups has no price of this node's; one below wantGroups is `thin` to the breaker (BREAKER.md B3). */
function judgeFeeds(venues: readonly VenueOutcome[], { feeds, references }: NetworkConfig): Finding {
  const quoted = new Set(
    venues.flatMap(({ venue, markets }) =>
      markets.flatMap(({ market, outcome }) => (outcome === "ok" ? [marketKey(venue, market)] : [])),
    ),
  );
  const onChain = new Set(references.map(({ name }) => name));
  const counts = feeds.map(({ feed, sources, thresholds }) => {
    const used = sources.filter(({ venue, market }) => onChain.has(venue) || quoted.has(marketKey(venue, market)));
    const groups = new Set(used.map(({ group, venue }) => group ?? venue)).size;
    return {
      feed,
      priced: used.length >= thresholds.minSources && groups >= thresholds.minGroups,
      thin: groups < thresholds.wantGroups,
    };
  });
  const lost = counts.filter(({ priced }) => !priced).map(({ feed }) => feed);
  const thin = counts.filter((count) => count.thin).map(({ feed }) => feed);
  if (lost.length > 0) {
    return failure(
      "feeds",
      `too few sources for ${cut(lost)}`,
      "this node says nothing of them until more of the venues above answer",
    );
  }
  if (thin.length > 0)
    return warning("feeds", `few sources for ${cut(thin)}`, "they are enough for a price, and thin to the breaker");
  return fine("feeds", `enough sources for all ${feeds.length}`);
}

function named(markets: readonly MarketOutcome[]): string {
  return cut(markets.map(({ market }) => market));
}

function cut(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
