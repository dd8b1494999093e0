import { WORD } from "../protocol/abi.ts";
import { type Address, type Digest, fromHex, toHex, ZERO_DIGEST } from "../protocol/bytes.ts";
import { bytes32ToFeed, compareText, type FeedId, feedToBytes32 } from "../protocol/feed.ts";
import { ALL_FEEDS, type FeedScope, PAUSE_ACTIONS } from "../protocol/governance.ts";
import { createWordWriter, type WordReader, type WordWriter } from "./words.ts";

/** Governors and guardians that ever acted, pauses in force at once, and feeds that one config changes. */
export const MAX_KEYHOLDERS = 256;
export const MAX_PAUSES = 256;
const MAX_PENDING_FEEDS = 4_096;
const MAX_APPROVALS = 64;
/** As far back as missed rounds are counted (BREAKER.md B13). */
export const CERTIFIED_ROUNDS = 60;

/** What a guardian or governor has used up. A removed guardian's nonce stands at its bound, so that none can follow it. */
export type KeyholderMemory = {
  readonly address: Address;
  readonly nonce: number;
  /** Ms of pause charged to the rolling allowance; it comes back 7 days after `usedAt`, the latest end of what was charged. */
  readonly usedMs: number;
  readonly usedAt: number;
};

/** A pause in force: by one guardian, by two, or by governors. */
export const PAUSE_POWERS = ["guardian", "guardians", "governors"] as const;
export type PausePower = (typeof PAUSE_POWERS)[number];

export type PauseMemory = {
  readonly feed: FeedScope;
  readonly action: "robust" | "none";
  readonly until: number;
  readonly power: PausePower;
  /**
   * Withdrawn before this instant, it gives its signers the time up to there back: its end, or the end of the guardians' pauses that it
   * extended, since an extension counts for them too and stays spent; 0 for governors, who pay nothing.
   */
  readonly refundUntil: number;
  /** Who signed, ascending. */
  readonly keyholders: readonly Address[];
};

/** A config that waits for its time and for its shadows (B7). */
export type PendingConfig = {
  readonly configDigest: Digest;
  readonly activation: number;
  /** The feeds it changes, ascending: since when their shadows agree without a break (0: they do not), and whether governors accept them. */
  readonly feeds: readonly { readonly feed: FeedId; readonly agreedAt: number; readonly accepted: boolean }[];
};

/** What governance set in motion; memory's globals. Digests are zero for "none". */
export type GovernanceMemory = {
  readonly keyholders: readonly KeyholderMemory[];
  readonly pauses: readonly PauseMemory[];
  readonly pending: PendingConfig | undefined;
  /** The config before the one in force: where a roll-back leads. */
  readonly previous: Digest;
  /** Decided in this round: every round that stands on it is computed under this config. */
  readonly next: Digest;
  /** Instant of the round in which governors last dropped a pending config: none whose replay ended before then is taken again. */
  readonly droppedAt: number;
  /** Bit k says that round r − k was certified, for the last 60 rounds; those before the chain's first count as certified. */
  readonly certified: bigint;
};

export const EMPTY_GOVERNANCE: GovernanceMemory = {
  keyholders: [],
  pauses: [],
  pending: undefined,
  previous: ZERO_DIGEST,
  next: ZERO_DIGEST,
  droppedAt: 0,
  certified: 0n,
};

/**
 * `int256[]`, a list as its length and then its items: keyholders {address, nonce, usedMs, usedAt}; pauses {feed (zero: all), action,
 * until, power, refundUntil, keyholders}; pending as a list of none or one {configDigest, activation, feeds {feed, agreedAt, accepted}};
 * previous; next; droppedAt; certified. Addresses are right-aligned, digests and feeds are their 32 bytes.
 */
export function encodeGovernance(memory: GovernanceMemory): Uint8Array {
  const writer = createWordWriter(WORD * countWords(memory));
  writeList(writer, memory.keyholders, ({ address, nonce, usedMs, usedAt }) => {
    putAddress(writer, address);
    writer.put(nonce);
    writer.put(usedMs);
    writer.put(usedAt);
  });
  writeList(writer, memory.pauses, ({ feed, action, until, power, refundUntil, keyholders }) => {
    writer.putBytes(feed === ALL_FEEDS ? new Uint8Array(WORD) : feedToBytes32(feed));
    writer.put(PAUSE_ACTIONS.indexOf(action));
    writer.put(until);
    writer.put(PAUSE_POWERS.indexOf(power));
    writer.put(refundUntil);
    writeList(writer, keyholders, (address) => putAddress(writer, address));
  });
  writeList(writer, memory.pending === undefined ? [] : [memory.pending], ({ configDigest, activation, feeds }) => {
    writer.putBytes(fromHex(configDigest));
    writer.put(activation);
    writeList(writer, feeds, ({ feed, agreedAt, accepted }) => {
      writer.putBytes(feedToBytes32(feed));
      writer.put(agreedAt);
      writer.put(accepted ? 1 : 0);
    });
  });
  writer.putBytes(fromHex(memory.previous));
  writer.putBytes(fromHex(memory.next));
  writer.put(memory.droppedAt);
  writer.put(memory.certified);
  return writer.bytes;
}

/** Reads the list that {@link encodeGovernance} wrote, its length first; only the canonical form passes the reader. */
export function readGovernance(reader: WordReader): GovernanceMemory {
  const words = reader.count(Number.MAX_SAFE_INTEGER);
  const instant = () => reader.count(Number.MAX_SAFE_INTEGER);
  const digest = (): Digest => toHex(reader.bytes());
  const keyholders = readList(reader, MAX_KEYHOLDERS, () => ({
    address: readAddress(reader),
    nonce: instant(),
    usedMs: instant(),
    usedAt: instant(),
  }));
  ascending(
    reader,
    keyholders.map(({ address }) => address),
  );
  const pauses = readList(reader, MAX_PAUSES, () => readPause(reader));
  const [pending] = readList(reader, 1, () => readPending(reader));
  const digests = { previous: digest(), next: digest() };
  const memory = { keyholders, pauses, pending, ...digests, droppedAt: instant(), certified: reader.amount(0n, MAX_CERTIFIED) };
  if (reader.fault() === undefined && countWords(memory) !== words) reader.refuse("another number of globals than declared");
  return memory;
}

const MAX_CERTIFIED = 2n ** BigInt(CERTIFIED_ROUNDS) - 1n;

function countWords({ keyholders, pauses, pending }: GovernanceMemory): number {
  const ofPauses = pauses.reduce((sum, pause) => sum + 6 + pause.keyholders.length, 0);
  return 7 + 4 * keyholders.length + ofPauses + (pending === undefined ? 0 : 3 + 3 * pending.feeds.length);
}

function readPause(reader: WordReader): PauseMemory {
  const feed = readScope(reader);
  const action = reader.integer(1, 2) === 2 ? "none" : "robust";
  const until = reader.count(Number.MAX_SAFE_INTEGER);
  const power = PAUSE_POWERS[reader.count(PAUSE_POWERS.length - 1)] ?? "guardian";
  const refundUntil = reader.count(Number.MAX_SAFE_INTEGER);
  const keyholders = readList(reader, MAX_APPROVALS, () => readAddress(reader));
  ascending(reader, keyholders);
  return { feed, action, until, power, refundUntil, keyholders };
}

function readPending(reader: WordReader): PendingConfig {
  const configDigest = toHex(reader.bytes());
  const activation = reader.count(Number.MAX_SAFE_INTEGER);
  const feeds = readList(reader, MAX_PENDING_FEEDS, () => {
    const feed = readScope(reader);
    if (feed === ALL_FEEDS) reader.refuse("no feed");
    return { feed: feed as FeedId, agreedAt: reader.count(Number.MAX_SAFE_INTEGER), accepted: reader.count(1) === 1 };
  });
  ascending(
    reader,
    feeds.map(({ feed }) => feed),
  );
  return { configDigest, activation, feeds };
}

function readScope(reader: WordReader): FeedScope {
  const bytes = reader.bytes();
  if (bytes.every((byte) => byte === 0)) return ALL_FEEDS;
  const feed = bytes32ToFeed(bytes);
  if (feed.ok) return feed.value;
  reader.refuse(feed.error);
  return ALL_FEEDS;
}

function readAddress(reader: WordReader): Address {
  const bytes = reader.bytes();
  if (bytes.subarray(0, 12).some((byte) => byte !== 0)) reader.refuse("no address");
  return toHex(bytes.subarray(12));
}

function putAddress(writer: WordWriter, address: Address): void {
  const word = new Uint8Array(WORD);
  word.set(fromHex(address), 12);
  writer.putBytes(word);
}

function writeList<T>(writer: WordWriter, items: readonly T[], write: (item: T) => void): void {
  writer.put(items.length);
  items.forEach(write);
}

function readList<T>(reader: WordReader, max: number, read: () => T): readonly T[] {
  const count = reader.count(max);
  const items: T[] = [];
  while (items.length < count && reader.fault() === undefined) items.push(read());
  return items;
}

function ascending(reader: WordReader, keys: readonly string[]): void {
  if (keys.some((key, index) => index > 0 && compareText(keys[index - 1] ?? "", key) >= 0))
    reader.refuse("not in ascending order");
}
