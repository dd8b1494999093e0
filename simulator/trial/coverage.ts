import { DOCUMENT_CODES } from "../../circuit-breaker/governance/codes.ts";
import { type BreakerMemory, decodeMemory, type FeedMemory } from "../../circuit-breaker/memory.ts";
import { ROWS } from "../../circuit-breaker/rules.ts";
import { EVENT_LEVELS } from "../../node/events.ts";
import { GOSSIP_VERDICTS } from "../../node/gossip-codes.ts";
import type { Place } from "../../node/machine.ts";
import { REFUSALS } from "../../node/signing.ts";
import { type Digest, fromHex, type Hex, toHex } from "../../protocol/bytes.ts";
import type { Network } from "../../protocol/config.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { DocumentKind, GovernanceDocument } from "../../protocol/governance.ts";
import type { CertifiedRound, FeedVerdict } from "../../protocol/round.ts";
import { BEHAVIOURS } from "../byzantine/index.ts";
import { ACT_KINDS } from "../cluster/act.ts";
import { FAULT_KINDS } from "../cluster/fault.ts";
import type { Occurrence, Witness } from "../cluster/occurrence.ts";
import {
  activeRules,
  type FeedStep,
  FORBIDDEN,
  MECHANISMS,
  mechanismsOf,
  mechanismsOfLeaf,
  TRANSITIONS,
  transitionOf,
  waivedIn,
} from "./breaker-coverage.ts";
import { type Plan, SETTINGS } from "./plan.ts";

const PLACES = { head: true, backfill: true, late: true } as const satisfies Record<Place, true>;
const DOCUMENT_KINDS = { pause: true, accept: true, rollback: true, removal: true, config: true } as const satisfies Record<
  DocumentKind,
  true
>;
/** Between a round and its parent; in the last one the content of the config says who the committee is. */
const CONFIG_CHANGES = ["activated", "rolled back", "committee rotated"] as const;
/** The committee sizes that trials are drawn from. */
export const SIZES = [4, 7, 10, 13] as const;

/** What may happen and must be shown to happen: from the closed unions of the production code, so that a new code is missed at once. */
export const EXPECTED = {
  faults: FAULT_KINDS,
  byzantine: Object.keys(BEHAVIOURS),
  verdicts: Object.keys(GOSSIP_VERDICTS).filter((code) => code !== "internal"),
  transitions: TRANSITIONS,
  rules: ROWS.map(({ name }) => name),
  waived: ROWS.flatMap(({ name, rule }) => (rule.kind === "soft" ? [name] : [])),
  mechanisms: MECHANISMS,
  events: Object.keys(EVENT_LEVELS).filter((code) => code !== "internal-fault"),
  refusals: REFUSALS,
  acts: ACT_KINDS,
  /** Who hands a document in is told "carried" for what would be taken. */
  receipts: [...DOCUMENT_CODES.filter((code) => code !== "taken"), "carried", "review", "malformed"],
  documents: Object.keys(DOCUMENT_KINDS),
  changes: CONFIG_CHANGES,
  places: Object.keys(PLACES),
  sizes: SIZES.map((n) => `n = ${n}`),
  settings: SETTINGS,
} as const satisfies Record<string, readonly string[]>;

export type Section = keyof typeof EXPECTED;
export const SECTIONS = Object.keys(EXPECTED) as readonly Section[];

/** What must never be counted, whatever the faults. */
export const NEVER: Readonly<Partial<Record<Section, readonly string[]>>> = {
  verdicts: ["internal"],
  events: ["internal-fault"],
  transitions: FORBIDDEN,
};

/** How often each thing happened. Plain data: it travels between threads and adds up. */
export type CoverageCounts = Readonly<Record<Section, Readonly<Record<string, number>>>>;
type Tally = Record<Section, Record<string, number>>;

export type Coverage = {
  readonly witness: Witness;
  /** What the trial reached; the breaker's part is read from the certified rounds only now, when every parent is known. */
  readonly finish: (network: Network) => CoverageCounts;
};

type Seen = { readonly certified: CertifiedRound; readonly parent: Digest; readonly documents: readonly Hex[] };

/** Listens to one trial and counts what it reached. */
export function createCoverage(plan: Pick<Plan, "n" | "setting">): Coverage {
  const tally = emptyTally();
  add(tally, "sizes", `n = ${plan.n}`);
  add(tally, "settings", plan.setting);
  const rounds = new Map<Digest, Seen>();
  /** The breaker's memory after a round is in the bodies of its children. */
  const memories = new Map<Digest, Hex>();
  const handed = new Map<Hex, GovernanceDocument>();
  return {
    witness: (occurrence) => {
      count(tally, occurrence);
      if (occurrence.kind === "act") handed.set(toHex(occurrence.handed.bytes), occurrence.handed.document);
      if (occurrence.kind !== "committed") return;
      const { certified, body } = occurrence;
      const { parent } = certified.certificate.header;
      if (!rounds.has(certified.digest)) rounds.set(certified.digest, { certified, parent, documents: body.documents });
      memories.set(parent, body.memory);
    },
    finish: (network) => {
      countBreaker(tally, rounds, { memories, network });
      countGovernance(tally, rounds, handed);
      return tally;
    },
  };
}

export function emptyCoverage(): CoverageCounts {
  return emptyTally();
}

export function addCoverage(counts: readonly CoverageCounts[]): CoverageCounts {
  const sum = emptyTally();
  for (const one of counts) {
    for (const section of SECTIONS) for (const [item, times] of Object.entries(one[section])) add(sum, section, item, times);
  }
  return sum;
}

export type CoverageItem = { readonly section: Section; readonly item: string };

/** What was expected and never seen, and what must never be seen and was. */
export function coverageFaults(counts: CoverageCounts): {
  readonly missing: readonly CoverageItem[];
  readonly forbidden: readonly CoverageItem[];
} {
  const times = ({ section, item }: CoverageItem) => counts[section][item] ?? 0;
  const all = (lists: Readonly<Partial<Record<Section, readonly string[]>>>): readonly CoverageItem[] =>
    SECTIONS.flatMap((section) => (lists[section] ?? []).map((item) => ({ section, item })));
  return { missing: all(EXPECTED).filter((one) => times(one) === 0), forbidden: all(NEVER).filter((one) => times(one) > 0) };
}

function count(tally: Tally, occurrence: Occurrence): void {
  switch (occurrence.kind) {
    case "fault":
      if (occurrence.phase === "begins") add(tally, "faults", occurrence.planned.fault.kind);
      return;
    case "misbehaved":
      add(tally, "byzantine", occurrence.behaviour);
      return;
    case "judged":
      add(tally, "verdicts", occurrence.code);
      return;
    case "committed":
      add(tally, "places", occurrence.place);
      return;
    case "event":
      add(tally, "events", occurrence.code);
      if (occurrence.code === "proposal-refused") add(tally, "refusals", String(occurrence.fields.why));
      return;
    case "act":
      add(tally, "acts", occurrence.act.kind);
      return;
    case "receipt":
      add(tally, "receipts", occurrence.code);
      return;
    case "sampled":
    case "reviewed":
    case "sent":
    case "recorded":
    case "started":
    case "stopped":
      return;
  }
}

type Chain = { readonly memories: ReadonlyMap<Digest, Hex>; readonly network: Network };

function countBreaker(tally: Tally, rounds: ReadonlyMap<Digest, Seen>, { memories, network }: Chain): void {
  const thresholds = new Map(network.config.feeds.map((feed) => [feed.feed, feed.thresholds]));
  const decode = createDecoder(memories);
  for (const { certified, parent } of rounds.values()) {
    const before = rounds.get(parent)?.certified;
    for (const { report } of certified.feeds) for (const item of mechanismsOfLeaf(report)) add(tally, "mechanisms", item);
    // A parent that nobody committed: whether a feed is new here cannot be told.
    if (before === undefined && memories.get(parent) !== "0x") continue;
    if (before !== undefined && isQuiet(certified) && isQuiet(before)) continue;
    const parents = new Map(before?.feeds.map(({ report }) => [report.feed, report]));
    const memoryBefore = decode(parent);
    const memoryAfter = decode(certified.digest);
    for (const { report } of certified.feeds) {
      if (report.feed.startsWith("CHAIN/")) for (const rule of activeRules(report)) add(tally, "rules", rule);
      const limits = thresholds.get(report.feed);
      if (limits === undefined) continue;
      countStep(tally, {
        timestamp: certified.certificate.header.timestamp,
        thresholds: limits,
        report,
        parent: parents.get(report.feed),
        before: memoryBefore.get(report.feed),
        after: memoryAfter.get(report.feed),
      });
    }
  }
}

/** Documents that certified rounds took into their bodies, by kind, and how configs followed each other. */
function countGovernance(tally: Tally, rounds: ReadonlyMap<Digest, Seen>, handed: ReadonlyMap<Hex, GovernanceDocument>): void {
  const proposals = [...handed.values()].flatMap((document) => (document.kind === "config" ? [document] : []));
  const configs = new Map(proposals.map((document) => [document.configDigest, document]));
  for (const { certified, parent, documents } of rounds.values()) {
    for (const bytes of documents) {
      const kind = handed.get(bytes)?.kind;
      if (kind !== undefined) add(tally, "documents", kind);
    }
    const before = rounds.get(parent)?.certified.certificate.header.configDigest;
    const { configDigest } = certified.certificate.header;
    if (before === undefined || before === configDigest) continue;
    const content = configs.get(configDigest);
    const isNew = content?.replaces === before;
    add(tally, "changes", isNew ? "activated" : "rolled back");
    // The node that waits for a place has the first name behind the members'.
    const newcomer = `node${content?.config.committee.length}`;
    if (content?.config.committee.some(({ name }) => name === newcomer)) add(tally, "changes", "committee rotated");
  }
}

function countStep(tally: Tally, step: FeedStep): void {
  const transition = transitionOf(step);
  if (transition !== undefined) add(tally, "transitions", transition);
  for (const mechanism of mechanismsOf(step)) add(tally, "mechanisms", mechanism);
  for (const rule of activeRules(step.report)) add(tally, "rules", rule);
  for (const rule of waivedIn(step)) add(tally, "waived", rule);
}

/** Nothing of the breaker moves: the common case, which is not worth decoding a memory for. */
function isQuiet({ feeds }: CertifiedRound): boolean {
  return feeds.every(({ report }: FeedVerdict) => report.state === "closed" && report.reasons === 0);
}

function createDecoder(memories: ReadonlyMap<Digest, Hex>): (digest: Digest) => ReadonlyMap<FeedId, FeedMemory> {
  const decoded = new Map<Digest, ReadonlyMap<FeedId, FeedMemory>>();
  return (digest) => {
    const known = decoded.get(digest);
    if (known !== undefined) return known;
    const hex = memories.get(digest) ?? "0x";
    const memory = hex === "0x" ? undefined : decodeMemory(fromHex(hex));
    const feeds: BreakerMemory["feeds"] = memory?.ok === true ? memory.value.feeds : [];
    const byFeed = new Map(feeds.map((feed) => [feed.feed, feed]));
    decoded.set(digest, byFeed);
    return byFeed;
  };
}

function emptyTally(): Tally {
  return Object.fromEntries(SECTIONS.map((section) => [section, {}])) as Tally;
}

function add(tally: Tally, section: Section, item: string, times = 1): void {
  const items = tally[section];
  items[item] = (items[item] ?? 0) + times;
}
