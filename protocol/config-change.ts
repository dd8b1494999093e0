import { parseAmount } from "./amount.ts";
import type { ConfigFault, FeedConfig, NetworkConfig, SourceConfig } from "./config.ts";
import { legOf } from "./conversion.ts";
import type { FeedId } from "./feed.ts";
import { canonicalJson, type Json } from "./jcs.ts";
import { THRESHOLDS, type ThresholdName } from "./thresholds.ts";

/** No threshold and no time moves by more than this factor in one change. */
const MAX_FACTOR = 2n;

/** `not-successor`: it is no later config of this network. `too-far`: it is one, and goes further than one change may. */
export const CHANGE_CODES = ["not-successor", "too-far"] as const;
export type ChangeCode = (typeof CHANGE_CODES)[number];

/** What keeps a config from following the one in force: the path in the new one, and what was expected there. */
export type ChangeFault = ConfigFault & { readonly code: ChangeCode };

const TIMES = ["leaseMs", "graceMs", "hopBudgetMs", "maxSkewMs", "restartRounds"] as const;
const GOVERNANCE_TIMES = ["timelockMs", "shadowMs", "lapseMs", "replayRounds"] as const;
const THRESHOLD_NAMES = Object.keys(THRESHOLDS) as readonly ThresholdName[];

/**
 * Whether one config may follow another (P6, BREAKER.md B14), all faults at once. Name, rules and `roundMs` never change, the version
 * rises; every threshold of a feed that both have, every time, and a chain's block and fee floor move by at most a factor of two, in
 * either direction; at most f of the committee in force leave and at most f come; governors and guardians are exchanged one at a
 * time and the governors' quorum moves by one, so that no single decision hands the network to strangers. A member whose key is
 * changed leaves and comes. What a feed is quoted from is not bounded here: its price has to agree first (B7).
 *
 * @example
 * checkChange(current, { ...current, version: current.version + 1, leaseMs: 2 * current.leaseMs }); // []
 */
export function checkChange(current: NetworkConfig, next: NetworkConfig): readonly ChangeFault[] {
  return [
    ...identityFaults(current, next),
    ...timeSteps(current, next),
    ...chainSteps(current, next),
    ...thresholdSteps(current, next),
    ...committeeSteps(current, next),
    ...keyholderSteps(current, next),
  ];
}

/** What makes two configs those of one network, whatever else they say: its name, its fold and the length of its rounds. */
export function isSameNetwork(a: NetworkConfig, b: NetworkConfig): boolean {
  return a.network === b.network && a.rules === b.rules && a.roundMs === b.roundMs;
}

/**
 * Feeds of both configs, ascending, that are priced from something else: sources, caps, conversions, the peg, a reference that one of
 * them reads, or a leg that is such a feed. New limits on the same price are no such change.
 */
export function changedFeeds(current: NetworkConfig, next: NetworkConfig): readonly FeedId[] {
  const origins = new Map(current.feeds.map((feed) => [feed.feed, originOf(feed, current)]));
  const both = next.feeds.filter(({ feed }) => origins.has(feed));
  const changed = new Set(both.filter((feed) => origins.get(feed.feed) !== originOf(feed, next)).map(({ feed }) => feed));
  const readers = readersOf(both);
  // A set is walked in order of insertion, what is added on the way included.
  for (const feed of changed) for (const reader of readers.get(feed) ?? []) changed.add(reader);
  return both.map(({ feed }) => feed).filter((feed) => changed.has(feed));
}

/** Everything but its legs' own prices that a feed's price and peg are made from, as one text. */
function originOf({ sources, peg }: FeedConfig, { references }: NetworkConfig): string {
  const names = new Set([...sources.map(({ venue }) => venue), ...(peg !== undefined && "rate" in peg ? [peg.rate] : [])]);
  const read = references.filter(({ name }) => names.has(name));
  return canonicalJson({ sources, peg: peg ?? null, references: read } as unknown as Json);
}

/** For each leg the feeds that are converted by it. */
function readersOf(feeds: readonly FeedConfig[]): ReadonlyMap<FeedId, readonly FeedId[]> {
  const readers = new Map<FeedId, FeedId[]>();
  for (const { feed, sources } of feeds) {
    for (const leg of legsOf(sources)) {
      const known = readers.get(leg);
      if (known === undefined) readers.set(leg, [feed]);
      else known.push(feed);
    }
  }
  return readers;
}

function legsOf(sources: readonly SourceConfig[]): ReadonlySet<FeedId> {
  return new Set(sources.flatMap(({ convert }) => convert.map(legOf)));
}

function identityFaults(current: NetworkConfig, next: NetworkConfig): readonly ChangeFault[] {
  const same = (["network", "rules", "roundMs"] as const).filter((field) => current[field] !== next[field]);
  const faults = same.map((field) => fault("not-successor", field, `expected ${current[field]}, which never changes`));
  if (next.version > current.version) return faults;
  return [...faults, fault("not-successor", "version", `expected more than ${current.version}, found ${next.version}`)];
}

function timeSteps(current: NetworkConfig, next: NetworkConfig): readonly ChangeFault[] {
  const [before, after] = [current.governance, next.governance];
  return [
    ...TIMES.flatMap((field) => stepFault(field, current[field], next[field])),
    ...GOVERNANCE_TIMES.flatMap((field) => stepFault(`governance.${field}`, before[field], after[field])),
  ];
}

function chainSteps(current: NetworkConfig, next: NetworkConfig): readonly ChangeFault[] {
  const known = new Map(current.chains.map((chain) => [chain.chain, chain]));
  return next.chains.flatMap(({ chain, blockMs, feeFloorGwei }) => {
    const before = known.get(chain);
    if (before === undefined) return [];
    const path = `chains[${chain}]`;
    return [
      ...stepFault(`${path}.blockMs`, before.blockMs, blockMs),
      ...stepFault(`${path}.feeFloorGwei`, before.feeFloorGwei, feeFloorGwei),
    ];
  });
}

function thresholdSteps(current: NetworkConfig, next: NetworkConfig): readonly ChangeFault[] {
  const known = new Map(current.feeds.map(({ feed, thresholds }) => [feed, thresholds]));
  return next.feeds.flatMap(({ feed, thresholds }) => {
    const before = known.get(feed);
    if (before === undefined) return [];
    return THRESHOLD_NAMES.flatMap((name) =>
      stepFault(`feeds[${feed}].thresholds.${name}`, before[name], thresholds[name], firstStep(name)),
    );
  });
}

/** How far a threshold that may be zero may come from there at once: twice the smallest value that a preset gives it. */
function firstStep(name: ThresholdName): number {
  const { floor, presets } = THRESHOLDS[name];
  if (floor > 0) return 0;
  return Number(MAX_FACTOR) * Math.min(...Object.values(presets).filter((value) => value > 0));
}

/** Amounts are decimal texts; `first` is the furthest that a value may move from zero, or to it. */
function stepFault(path: string, before: number | string, after: number | string, first = 0): readonly ChangeFault[] {
  const [from, to, furthest] = [integerOf(before), integerOf(after), BigInt(first)];
  const isBounded =
    from === 0n || to === 0n ? from <= furthest && to <= furthest : to <= MAX_FACTOR * from && from <= MAX_FACTOR * to;
  return isBounded ? [] : [fault("too-far", path, `expected at most a factor of two from ${before}, found ${after}`)];
}

function integerOf(value: number | string): bigint {
  if (typeof value === "number") return BigInt(value);
  const amount = parseAmount(value);
  return amount.ok ? amount.value : 0n;
}

function committeeSteps(current: NetworkConfig, next: NetworkConfig): readonly ChangeFault[] {
  const f = Math.floor((current.committee.length - 1) / 3);
  return exchangeFaults("committee", current.committee, next.committee, f);
}

function keyholderSteps({ governance: before }: NetworkConfig, { governance: after }: NetworkConfig): readonly ChangeFault[] {
  const faults = [
    ...exchangeFaults("governance.governors", before.governors, after.governors, 1),
    ...exchangeFaults("governance.guardians", before.guardians, after.guardians, 1),
  ];
  if (Math.abs(after.quorum - before.quorum) <= 1) return faults;
  const expected = `expected at most one from ${before.quorum}, found ${after.quorum}`;
  return [...faults, fault("too-far", "governance.quorum", expected)];
}

type Holder = NetworkConfig["committee"][number];

function exchangeFaults(path: string, before: readonly Holder[], after: readonly Holder[], most: number): readonly ChangeFault[] {
  const gone = countMissing(before, after);
  const come = countMissing(after, before);
  return [
    ...(gone > most ? [fault("too-far", path, `expected at most ${most} to leave, found ${gone}`)] : []),
    ...(come > most ? [fault("too-far", path, `expected at most ${most} to come, found ${come}`)] : []),
  ];
}

function countMissing(items: readonly Holder[], others: readonly Holder[]): number {
  const known = new Set(others.map(({ address }) => address));
  return items.filter(({ address }) => !known.has(address)).length;
}

function fault(code: ChangeCode, path: string, expected: string): ChangeFault {
  return { code, path, expected };
}
