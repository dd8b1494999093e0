import { type BreakerMemory, decodeMemory, encodeMemory, type FeedMemory } from "../../../circuit-breaker/memory.ts";
import { MAX_AMOUNT } from "../../../protocol/amount.ts";
import { keccakHex, toHex } from "../../../protocol/bytes.ts";
import type { Network } from "../../../protocol/config.ts";
import { decodeReport, encodeReport } from "../../../protocol/document.ts";
import type { SignedDocument } from "../../../protocol/governance.ts";
import {
  encodeSignedObservation,
  type FeedEntry,
  type GaugeEntry,
  MAX_DOCUMENTS,
  type ShadowEntry,
  signObservation,
} from "../../../protocol/observation.ts";
import { reasonNames } from "../../../protocol/report.ts";
import type { RoundBody } from "../../../protocol/round.ts";
import { scheme } from "../../support/network.ts";
import { feedId } from "../../support/rounds.ts";
import { classOf, ensure, type Target } from "../target.ts";
import { editEntry, editMemory, instant } from "./breaker-memory.ts";
import { entriesOf, FIRST_ROUND, fold, gaugesOf, honestChain, keys, type Link, network } from "./chain.ts";
import { CHANGED, DOCUMENTS, editGovernance } from "./governance-memory.ts";

const HEAD_BYTES = 6;
const EDIT_BYTES = 4;
/** From this value of its byte on, heads are named under the other config. */
const OTHER_CONFIG = 128;
const MAX_EDITS = 24;
/** What an edit's first byte chooses: of all members or of one, of memory, or a document to be carried. */
const EDITS = ["memory", "entries", "entry", "governance", "gauges", "document"] as const;

/** Which chain, how far apart round and parent are, how the parent's times lie; then edits of memory and observations. */
export const foldTarget: Target = {
  name: "fold",
  about: "a body fetched from a stranger: any memory and parent within the pinned bounds; the fold is total (P7)",
  covers: ["aggregator/", "circuit-breaker/"],
  shape: "bytes",
  maxBytes: HEAD_BYTES + EDIT_BYTES * MAX_EDITS,
  batch: 1,
  limitMs: 500,
  // A few bytes choose documents with whole configs in them and a memory of many pauses.
  maxAllocation: 24 * 2 ** 20,
  dictionary: [],
  open: async () => {
    const links = honestChain(6);
    return { seeds: seedsOf(), execute: (input) => execute(links, input), close: async () => undefined };
  },
};

function seedsOf(): readonly Uint8Array[] {
  const heads = [0, 1, 2, 3, 4, 5].map((chain) => [chain, 1, 0, 0, 0, 0]);
  const edits = Array.from({ length: 24 }, (_, where) => [
    ...[5, 1, 0, 0, 0, 0],
    ...[where % EDITS.length, where, where * 7, where],
  ]);
  const switched = [5, 1, 0, 0, 0, OTHER_CONFIG, EDITS.indexOf("governance"), 8, 1, 0];
  return [...heads, ...edits, switched].map((bytes) => Uint8Array.from(bytes));
}

function execute(links: readonly Link[], input: Uint8Array): string {
  const body = bodyFrom(links, input);
  const opened = fold.recomputeBody(networkOf(input), body, scheme);
  if (!opened.ok) return classOf(opened.error);
  const { memory, feeds, header, intake } = opened.value;
  const encoded = encodeMemory(memory);
  const again = decodeMemory(encoded);
  ensure(again.ok, "the fold's memory is within the bounds that its decoder pins");
  ensure(toHex(encodeMemory(again.value)) === toHex(encoded), "the fold's memory has one encoding");
  ensure(header.stateRoot === keccakHex(encoded), "the header commits to the memory");
  for (const { report } of feeds) {
    const leaf = decodeReport(encodeReport(report));
    ensure(leaf.ok, "the fold's leaf fits its Solidity types");
    ensure(report.low <= report.price && report.price <= report.high, "low ≤ price ≤ high");
    const active = reasonNames(report.reasons).filter((rule) => rule !== "config");
    ensure(report.state !== "closed" || active.length === 0, "closed only when no rule is active (P4)");
  }
  ensure(intake.length === opened.value.documents.length, "every document has an outcome");
  const codes = [...new Set(intake.map(({ code }) => code))].sort().join("+");
  return `${codes} ${feeds.map(({ report: { state, liquidate, reasons } }) => `${state} ${liquidate} ${reasons}`).join(", ")}`;
}

/** The config in force, or the one that a parent may have decided on. */
function networkOf(input: Uint8Array): Network {
  return (input[HEAD_BYTES - 1] ?? 0) < OTHER_CONFIG ? network : CHANGED;
}

/** A body that hangs together: its parent commits to the edited memory, its observations are signed. */
function bodyFrom(links: readonly Link[], input: Uint8Array): RoundBody {
  const [chain = 0, gap = 0, gapUnit = 0, times = 0, keepFeeds = 0, heads = 0] = input;
  const link = links[chain % links.length];
  const parentRound = FIRST_ROUND + (chain % links.length);
  const round = parentRound + gap * 10 ** (gapUnit % 7);
  const now = round * network.config.roundMs;
  let feeds: FeedMemory[] = [...(link?.computed.memory.feeds ?? [])];
  let governance = (link as Link).computed.memory.governance;
  let entries = keys.map((_, index) => entriesOf(round, index));
  let gauges = keys.map((_, index) => gaugesOf(round, index));
  const carried = new Map<string, SignedDocument>();
  for (let at = HEAD_BYTES; at + EDIT_BYTES <= input.length; at += EDIT_BYTES) {
    const [what = 0, where = 0, value = 0, whom = 0] = input.subarray(at, at + EDIT_BYTES);
    const edit = EDITS[what % EDITS.length];
    if (edit === "memory")
      feeds = feeds.map((item, index) => (index === whom % feeds.length ? editMemory(item, where, value, now) : item));
    else if (edit === "governance") governance = editGovernance(governance, where, value, now);
    else if (edit === "gauges") gauges = gauges.map((list) => editGauges(list, where, value, now));
    else if (edit === "document") {
      const document = DOCUMENTS[(where * 256 + value) % DOCUMENTS.length];
      if (document !== undefined && carried.size < MAX_DOCUMENTS) carried.set(document.digest, document);
    } else
      entries = entries.map((list, index) =>
        edit === "entries" || index === whom % 4 ? editList(list, where, value, whom, now) : list,
      );
  }
  const { header } = (link as Link).computed;
  const documents = [...carried.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const named = documents.map(({ digest }) => digest);
  const edited: BreakerMemory = { feeds: chosen(feeds, keepFeeds).map(ordered), governance };
  const memory = encodeMemory(edited);
  const parent = { ...header, stateRoot: keccakHex(memory) };
  const timed = times === 0 ? parent : { ...parent, timestamp: instant(times, now) };
  const { configDigest, domain } = networkOf(input);
  const head = { round: heads % OTHER_CONFIG === 0 ? 0 : parentRound + (heads % OTHER_CONFIG) - 1, digest: configDigest };
  const observations = keys.map((key, index) =>
    signObservation(
      {
        ...{ round, configDigest, head, gauges: gauges[index] ?? [], shadows: shadowsOf(entries[index] ?? []) },
        ...{ entries: sorted(entries[index] ?? []), documents: index === 0 ? named : named.filter((_, at) => at % 2 === 0) },
      },
      domain,
      key,
    ),
  );
  return {
    round,
    parent: timed,
    memory: toHex(memory),
    observations: observations.map((item) => toHex(encodeSignedObservation(item))),
    documents: documents.map(({ bytes }) => toHex(bytes)),
  };
}

/** Prices under a pending config: what was seen, unless it is out of bounds for a price. */
function shadowsOf(entries: readonly FeedEntry[]): readonly ShadowEntry[] {
  return sorted(entries).map(({ feed, price }) => ({ feed, price }));
}

/** Any value or age in one gauge, or the gauge left out. */
function editGauges(list: readonly GaugeEntry[], where: number, value: number, now: number): readonly GaugeEntry[] {
  const at = where % list.length;
  if (where % 8 === 7) return list.length > 1 ? list.filter((_, index) => index !== at) : list;
  const values = [0n, 1n, BigInt(value), 10n ** 9n, 10n ** 18n, BigInt(instant(value, now)), MAX_AMOUNT];
  const changes = where % 2 === 0 ? { value: values[value % values.length] ?? 0n } : { asOf: instant(value, now) };
  return list.map((entry, index) => (index === at ? { ...entry, ...changes } : entry));
}

function editList(list: readonly FeedEntry[], where: number, value: number, whom: number, now: number): readonly FeedEntry[] {
  if (where % 16 === 15) return list.slice(0, value % 4);
  return list.map((entry, index) =>
    index === (whom >> 2) % 3 || where % 16 === 14 ? editEntry(entry, where, value, now) : entry,
  );
}

/** Which feeds the memory has: those of the config, fewer, or one that the config does not know. */
function chosen(feeds: readonly FeedMemory[], which: number): readonly FeedMemory[] {
  if (which % 8 === 0) return feeds;
  const kept = feeds.filter((_, index) => (which & (1 << index)) === 0);
  const [first] = feeds;
  return which < 128 || first === undefined ? kept : [...kept, { ...first, feed: feedId("ZZZ/USD") }];
}

function sorted(entries: readonly FeedEntry[]): readonly FeedEntry[] {
  const byFeed = new Map(entries.map((entry) => [entry.feed, entry]));
  return [...byFeed.values()].sort((a, b) => (a.feed < b.feed ? -1 : 1));
}

/** Every fold leaves the carried price inside its interval, and keeps it there. */
function ordered(memory: FeedMemory): FeedMemory {
  const { price, rawLow, rawHigh } = memory;
  return { ...memory, rawLow: rawLow < price ? rawLow : price, rawHigh: rawHigh > price ? rawHigh : price };
}
