import { WORD } from "../protocol/abi.ts";
import { MAX_AMOUNT } from "../protocol/amount.ts";
import { bytes32ToFeed, compareText, type FeedId, feedToBytes32 } from "../protocol/feed.ts";
import { MAX_MEMBERS } from "../protocol/proposal.ts";
import { BREAKER_STATES, type BreakerState, RULES } from "../protocol/report.ts";
import { fail, ok, type Result } from "../protocol/result.ts";
import { EMPTY_GOVERNANCE, encodeGovernance, type GovernanceMemory, readGovernance } from "./governance-memory.ts";
import { MAX_TIMER, MAX_UINT32 } from "./integers.ts";
import { createWordReader, createWordWriter, type WordReader, type WordWriter } from "./words.ts";

/**
 * What the breaker remembers of one feed, or of a chain's leaf, between rounds; BREAKER.md B1, in its order. Prices and `ema`, `anchor` are amounts of 10⁻¹⁸,
 * `v` an annualised variance of 10⁻¹⁸, instants Unix ms (0 = never), lists indexed by rule bit.
 */
export type FeedMemory = {
  readonly feed: FeedId;
  readonly price: bigint;
  readonly pricedAt: number;
  readonly observedAt: number;
  readonly rawLow: bigint;
  readonly rawHigh: bigint;
  readonly ema: bigint;
  readonly anchor: bigint;
  readonly v: bigint;
  readonly sampleP: bigint;
  readonly sampleAt: number;
  readonly state: BreakerState;
  readonly since: number;
  /** When each rule last fired in the sense that holds: `fired[11]`. */
  readonly fired: readonly number[];
  /** Rules 1–3: bit k says that the rule fired in round r − k, for the last n rounds, each of which had another leader. */
  readonly recent: readonly [bigint, bigint, bigint];
  /** Units of ms · 100. */
  readonly corrob: bigint;
  readonly stepMax: number;
  readonly pegHeld: bigint;
  readonly agree: number;
  /** Bit set of waived rules. */
  readonly waived: number;
  /** Direction of the waived jump: −1, 0, 1. */
  readonly dir: number;
  readonly trips: number;
  readonly openMs: readonly number[];
  readonly closedAt: number;
  /** Units of ms · DAY_MS. */
  readonly spent: bigint;
  readonly gapAt: number;
  readonly restartAt: number;
  readonly rounds: number;
  readonly firstAt: number;
  /** Action 0 none set, 1 robust, 2 liquidate none. */
  readonly manual: { readonly action: number; readonly until: number };
  /** The basket's slow average; 0 for a feed outside the basket. */
  readonly sysEma: bigint;
};

/** The whole of it, feeds and chains (`CHAIN/…`) by ascending id. */
export type BreakerMemory = { readonly feeds: readonly FeedMemory[]; readonly governance: GovernanceMemory };

export const EMPTY_MEMORY: BreakerMemory = { feeds: [], governance: EMPTY_GOVERNANCE };

/** price … since, fired, recent, corrob … trips, openMs, closedAt … firstAt, manual, sysEma. */
const FIELDS = 12 + RULES.length + 3 + 7 + RULES.length + 6 + 2 + 1;
const FEED_BYTES = (1 + FIELDS) * WORD;
/** Offsets of the two lists and the length of the first; the length of the second ends the encoding. */
const HEAD_BYTES = 3 * WORD;

const MAX_MANUAL_ACTION = 2;
const MAX_RULE_BITS = 2 ** RULES.length - 1;
const MAX_RECENT = 2n ** BigInt(MAX_MEMBERS) - 1n;

/**
 * Solidity's `abi.encode((bytes32 feed, int256[53] fields)[] feeds, int256[] globals)`, whose keccak is the header's `stateRoot`;
 * feeds by ascending id, each field in the order of {@link FeedMemory} with its lists written out, `state` as in the leaf (0 open);
 * globals as {@link encodeGovernance} writes them.
 */
export function encodeMemory({ feeds, governance }: BreakerMemory): Uint8Array {
  const feedsBytes = feeds.length * FEED_BYTES;
  const globals = encodeGovernance(governance);
  const writer = createWordWriter(HEAD_BYTES + feedsBytes + WORD + globals.length);
  writer.put(2 * WORD);
  writer.put(HEAD_BYTES + feedsBytes);
  writer.put(feeds.length);
  for (const memory of feeds) writeFeed(writer, memory);
  writer.put(globals.length / WORD);
  writer.putBytes(globals);
  return writer.bytes;
}

/**
 * The inverse of {@link encodeMemory}, for bytes from a stranger: total, and only the canonical form of a memory within the pinned
 * bounds decodes. Whether it is the memory in question is for the caller to check against a `stateRoot`.
 */
export function decodeMemory(bytes: Uint8Array): Result<BreakerMemory, string> {
  const reader = createWordReader(bytes);
  reader.expect(2 * WORD);
  // A declared length is a stranger's word: what follows must be there.
  const feedsBytes = reader.count(bytes.length) - HEAD_BYTES;
  const count = reader.count(Math.floor(bytes.length / FEED_BYTES));
  if (feedsBytes !== count * FEED_BYTES) reader.refuse(`${feedsBytes} bytes are not those of ${count} feeds`);
  const feeds: FeedMemory[] = [];
  let previous = "";
  while (feeds.length < count && reader.fault() === undefined) {
    const memory = readFeed(reader);
    if (compareText(previous, memory.feed) >= 0) reader.refuse("feeds not in ascending order");
    previous = memory.feed;
    feeds.push(memory);
  }
  const governance = readGovernance(reader);
  const fault = reader.end();
  return fault === undefined ? ok({ feeds, governance }) : fail(fault);
}

function writeFeed({ put, putBytes }: WordWriter, memory: FeedMemory): void {
  putBytes(feedToBytes32(memory.feed));
  put(memory.price);
  put(memory.pricedAt);
  put(memory.observedAt);
  put(memory.rawLow);
  put(memory.rawHigh);
  put(memory.ema);
  put(memory.anchor);
  put(memory.v);
  put(memory.sampleP);
  put(memory.sampleAt);
  put(BREAKER_STATES.indexOf(memory.state));
  put(memory.since);
  for (const at of memory.fired) put(at);
  for (const rounds of memory.recent) put(rounds);
  put(memory.corrob);
  put(memory.stepMax);
  put(memory.pegHeld);
  put(memory.agree);
  put(memory.waived);
  put(memory.dir);
  put(memory.trips);
  for (const ms of memory.openMs) put(ms);
  put(memory.closedAt);
  put(memory.spent);
  put(memory.gapAt);
  put(memory.restartAt);
  put(memory.rounds);
  put(memory.firstAt);
  put(memory.manual.action);
  put(memory.manual.until);
  put(memory.sysEma);
}

function readFeed(reader: WordReader): FeedMemory {
  const { count, amount, integer } = reader;
  const instant = () => count(Number.MAX_SAFE_INTEGER);
  const price = () => amount(1n, MAX_AMOUNT);
  const instants = () => RULES.map(instant);
  const recent = () => amount(0n, MAX_RECENT);
  return {
    feed: readFeedId(reader),
    price: price(),
    pricedAt: instant(),
    observedAt: instant(),
    rawLow: price(),
    rawHigh: price(),
    ema: price(),
    anchor: price(),
    v: amount(0n, MAX_AMOUNT),
    sampleP: price(),
    sampleAt: instant(),
    state: BREAKER_STATES[count(BREAKER_STATES.length - 1)] ?? "open",
    since: instant(),
    fired: instants(),
    recent: [recent(), recent(), recent()],
    corrob: amount(0n, MAX_TIMER),
    stepMax: count(MAX_UINT32),
    pegHeld: amount(0n, MAX_TIMER),
    agree: instant(),
    waived: count(MAX_RULE_BITS),
    dir: integer(-1, 1),
    trips: count(MAX_UINT32),
    openMs: instants(),
    closedAt: instant(),
    spent: amount(0n, MAX_TIMER),
    gapAt: instant(),
    restartAt: instant(),
    rounds: count(MAX_UINT32),
    firstAt: instant(),
    manual: { action: count(MAX_MANUAL_ACTION), until: instant() },
    sysEma: amount(0n, MAX_AMOUNT),
  };
}

function readFeedId(reader: WordReader): FeedId {
  const feed = bytes32ToFeed(reader.bytes());
  if (!feed.ok) reader.refuse(`feed: ${feed.error}`);
  return feed.ok ? feed.value : ("" as FeedId);
}
