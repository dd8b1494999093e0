import { MIN_COMMITTEE } from "./committee.ts";
import type { ConfigFault, FeedConfig, NetworkConfig, ReferenceConfig, SourceConfig } from "./config.ts";
import { findPathFaults } from "./conversion.ts";
import { baseOf, CHAIN_BASE } from "./feed.ts";
import { checkThresholds } from "./thresholds.ts";

const MIN_BASKET = 3;

/** What must hold between the parts of a config whose shape is right; empty for a valid one. */
export function findRelationFaults(config: NetworkConfig): readonly ConfigFault[] {
  const references = new Map(config.references.map((reference) => [reference.name, reference]));
  return [
    ...memberFaults(config),
    ...timeFaults(config),
    ...basketFaults(config),
    ...governanceFaults(config),
    ...referenceFaults(config),
    ...config.feeds.flatMap((feed) => [...feedFaults(feed), ...pegFaults(feed, references), ...quotedFaults(feed, references)]),
    ...findPathFaults(config.feeds),
  ];
}

function memberFaults(config: NetworkConfig): readonly ConfigFault[] {
  const { committee, feeds, basket, chains } = config;
  const faults: ConfigFault[] = [];
  const n = committee.length;
  if (n < MIN_COMMITTEE) faults.push({ path: "committee", expected: `expected at least ${MIN_COMMITTEE} members, found ${n}` });
  faults.push(
    ...duplicates(committee, (member) => member.address, "committee", "address"),
    ...duplicates(committee, (member) => member.name, "committee", "name"),
    ...duplicates(feeds, (feed) => feed.feed, "feeds", "feed"),
    ...duplicates(basket, (item) => item.feed, "basket", "feed"),
    ...duplicates(chains, (item) => item.chain, "chains", "chain"),
  );
  return faults;
}

function timeFaults({
  roundMs,
  leaseMs,
  graceMs,
  hopBudgetMs,
  maxSkewMs,
  committee,
  chains,
}: NetworkConfig): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (graceMs + 5 * hopBudgetMs + maxSkewMs >= roundMs) {
    faults.push({
      path: "roundMs",
      expected: `expected more than graceMs + 5 × hopBudgetMs + maxSkewMs (${graceMs + 5 * hopBudgetMs + maxSkewMs})`,
    });
  }
  const f = Math.floor((committee.length - 1) / 3);
  if (leaseMs < (f + 2) * roundMs)
    faults.push({ path: "leaseMs", expected: `expected at least (f + 2) × roundMs (${(f + 2) * roundMs})` });
  const slowest = Math.max(0, ...chains.map((chain) => chain.blockMs));
  if (chains.length > 0 && leaseMs < 4 * slowest + 10_000) {
    faults.push({
      path: "leaseMs",
      expected: `expected at least 4 blocks of the slowest chain and 10 s (${4 * slowest + 10_000})`,
    });
  }
  return faults;
}

function basketFaults({ basket, feeds }: NetworkConfig): readonly ConfigFault[] {
  if (basket.length > 0 && basket.length < MIN_BASKET) {
    return [{ path: "basket", expected: `expected no feeds or at least ${MIN_BASKET}, found ${basket.length}` }];
  }
  return basket.flatMap(({ feed }) => {
    const preset = feeds.find((item) => item.feed === feed)?.preset;
    if (preset === "major" || preset === "large") return [];
    return [{ path: `basket[${feed}]`, expected: "expected a feed of this network with preset major or large" }];
  });
}

/** m of k, where no two decisions can be taken by groups without a common governor. One person holds one key, whatever it is for. */
function governanceFaults({ governance: { governors, guardians, quorum } }: NetworkConfig): readonly ConfigFault[] {
  const keyholders = [...governors, ...guardians];
  const faults = [
    ...duplicates(keyholders, (keyholder) => keyholder.address, "governance", "keyholder's address"),
    ...duplicates(keyholders, (keyholder) => keyholder.name, "governance", "keyholder's name"),
  ];
  const least = governors.length === 0 ? 0 : Math.floor(governors.length / 2) + 1;
  if (quorum >= least && quorum <= governors.length) return faults;
  const expected =
    governors.length === 0
      ? `expected 0 without governors, found ${quorum}`
      : `expected more than half of the governors and no more than there are (${least} to ${governors.length}), found ${quorum}`;
  return [...faults, { path: "governance.quorum", expected }];
}

function referenceFaults({ references, chains }: NetworkConfig): readonly ConfigFault[] {
  const known = new Set(chains.map(({ chain }) => chain));
  const strangers = references.filter(({ chain }) => !known.has(chain));
  return [
    ...duplicates(references, (reference) => reference.name, "references", "name"),
    ...strangers.map(({ name, chain }) => ({
      path: `references[${name}].chain`,
      expected: `expected a chain of this network, found "${chain}"`,
    })),
  ];
}

/** A redemption rate is of the feed's own asset; in terms of what it is redeemed is for governance to know (WSTETH in STETH is as good as in ETH). */
function pegFaults({ feed, peg }: FeedConfig, references: ReadonlyMap<string, ReferenceConfig>): readonly ConfigFault[] {
  if (peg === undefined || !("rate" in peg)) return [];
  const path = `feeds[${feed}].peg.rate`;
  const reference = references.get(peg.rate);
  if (reference?.read.kind !== "exchange-rate") {
    return [{ path, expected: `expected a reference of kind exchange-rate, found "${peg.rate}"` }];
  }
  if (baseOf(reference.market) === baseOf(feed)) return [];
  return [{ path, expected: `expected a rate of ${baseOf(feed)}, found one of ${baseOf(reference.market)}` }];
}

/** A source that reads a reference reads its one market; an exchange rate is a gauge, never a source (BREAKER.md B11). */
function quotedFaults({ feed, sources }: FeedConfig, references: ReadonlyMap<string, ReferenceConfig>): readonly ConfigFault[] {
  return sources.flatMap(({ venue, market }, index) => {
    const reference = references.get(venue);
    const path = `feeds[${feed}].sources[${index}]`;
    if (reference === undefined) return [];
    if (reference.read.kind === "exchange-rate") {
      return [{ path: `${path}.venue`, expected: `expected a price, found the exchange rate "${venue}"` }];
    }
    if (reference.market === market) return [];
    return [
      { path: `${path}.market`, expected: `expected ${reference.market}, which is what "${venue}" is of, found ${market}` },
    ];
  });
}

function feedFaults({ feed, preset, thresholds, sources }: FeedConfig): readonly ConfigFault[] {
  const path = `feeds[${feed}]`;
  const faults: ConfigFault[] = checkThresholds(thresholds, preset).map(({ field, expected }) => ({
    path: `${path}.thresholds.${field}`,
    expected,
  }));
  const groups = new Set(sources.map((source) => source.group)).size;
  if (thresholds.minSources >= sources.length) {
    faults.push({
      path: `${path}.sources`,
      expected: `expected more sources than minSources (${thresholds.minSources}), found ${sources.length}`,
    });
  }
  if (thresholds.wantGroups >= groups) {
    faults.push({
      path: `${path}.sources`,
      expected: `expected more groups than wantGroups (${thresholds.wantGroups}), found ${groups}`,
    });
  }
  if (baseOf(feed) === CHAIN_BASE)
    faults.push({ path, expected: `expected no feed of ${CHAIN_BASE}, which names the leaves of chains` });
  return [...faults, ...duplicates(sources, sourceKey, `${path}.sources`, "source")];
}

/** What makes a source itself: the same market of a venue may appear once directly and once through a conversion path. */
export function sourceKey({ venue, market, convert }: Pick<SourceConfig, "venue" | "market" | "convert">): string {
  return [`${venue} ${market}`, ...convert.map((leg) => ("multiply" in leg ? `* ${leg.multiply}` : `/ ${leg.divide}`))].join(" ");
}

function duplicates<T>(items: readonly T[], keyOf: (item: T) => string, path: string, what: string): readonly ConfigFault[] {
  const keys = items.map(keyOf);
  const repeated = new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
  return [...repeated].map((key) => ({ path, expected: `expected every ${what} once, found "${key}" twice` }));
}
