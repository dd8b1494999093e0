import { MAX_AMOUNT } from "./amount.ts";
import { type Address, type Digest, fromHex, type Hex, keccakHex, toHex } from "./bytes.ts";
import { createReader, createWriter, type Reader } from "./codec.ts";
import { type Domain, observationDigest } from "./eip712.ts";
import { compareText, type FeedId, MAX_FEED_ID_BYTES, parseFeedId } from "./feed.ts";
import { fail, ok, type Result } from "./result.ts";
import { type Secp256k1, SIGNATURE_BYTES } from "./secp256k1.ts";

export const OBSERVATION_VERSION = 1;
/** A proposal or config never names more than this; a longer list is refused from its count alone. */
export const MAX_ENTRIES = 4096;
export const MAX_GAUGES = 256;
/** What guardians and governors have to say at one time; each is fetched, kept and carried until it is taken in. */
export const MAX_DOCUMENTS = 16;
/** The largest canonical observation: 4096 entries of 120 bytes, 256 gauges, 64 documents. */
export const MAX_OBSERVATION_BYTES = 512 * 1024;

/** What a node saw of one feed. Prices of 10⁻¹⁸, shares in bps of source weight. */
export type FeedEntry = {
  readonly feed: FeedId;
  readonly price: bigint;
  readonly low: bigint;
  readonly high: bigint;
  /** Unix ms of the used quotes' median age. */
  readonly asOf: number;
  /** Provenance groups among the used sources. */
  readonly groups: number;
  /** The heaviest used group's share. */
  readonly topBps: number;
  /** Share of the present source weight outside tolerance of the price. */
  readonly outsideBps: number;
};

/** Any other measured number (base fee, head age, redemption rate), by a name of at most 31 bytes. */
export type GaugeEntry = { readonly gauge: string; readonly value: bigint; readonly asOf: number };

/** What this node would say of a feed under the pending config (BREAKER.md B7). */
export type ShadowEntry = { readonly feed: FeedId; readonly price: bigint };

/** The newest certificate whose body a node holds; naming it obliges the node to serve both. (0, zero) before the first. */
export type Head = { readonly round: number; readonly digest: Digest };

/**
 * One message a node and round. It names its `observer`, because the digest covers contents and not keys: two members who saw the
 * same must not make one digest, and nobody can pass another's words off as his own. Entries, gauges and shadows by ascending id,
 * documents by ascending digest, none twice.
 */
export type Observation = {
  readonly round: number;
  readonly configDigest: Digest;
  readonly observer: Address;
  readonly head: Head;
  readonly entries: readonly FeedEntry[];
  readonly gauges: readonly GaugeEntry[];
  readonly shadows: readonly ShadowEntry[];
  readonly documents: readonly Digest[];
};

export type SignedObservation = {
  readonly observation: Observation;
  readonly digest: Digest;
  readonly signer: Address;
  readonly signature: Hex;
};

/** Canonical bytes; their keccak is the `contents` of the signed EIP-712 struct. */
export function encodeObservation(observation: Observation): Uint8Array {
  const writer = createWriter();
  writer.u8(OBSERVATION_VERSION);
  writer.u64(observation.round);
  writer.bytes(fromHex(observation.configDigest));
  writer.bytes(fromHex(observation.observer));
  writer.u64(observation.head.round);
  writer.bytes(fromHex(observation.head.digest));
  writer.u16(observation.entries.length);
  for (const entry of observation.entries) {
    writer.text(entry.feed);
    writer.amount(entry.price);
    writer.amount(entry.low);
    writer.amount(entry.high);
    writer.u64(entry.asOf);
    writer.u8(entry.groups);
    writer.u16(entry.topBps);
    writer.u16(entry.outsideBps);
  }
  writer.u16(observation.gauges.length);
  for (const { gauge, value, asOf } of observation.gauges) {
    writer.text(gauge);
    writer.amount(value);
    writer.u64(asOf);
  }
  writer.u16(observation.shadows.length);
  for (const { feed, price } of observation.shadows) {
    writer.text(feed);
    writer.amount(price);
  }
  writer.u8(observation.documents.length);
  for (const digest of observation.documents) writer.bytes(fromHex(digest));
  return writer.finish();
}

/** Total: the fault says what was wrong. Only the canonical form decodes, so `encode(decode(x))` is x. */
export function decodeObservation(bytes: Uint8Array): Result<Observation, string> {
  const reader = createReader(bytes);
  if (reader.u8() !== OBSERVATION_VERSION) reader.refuse(`expected observation version ${OBSERVATION_VERSION}`);
  const round = reader.u64();
  const configDigest = toHex(reader.bytes(32));
  const observer = toHex(reader.bytes(20));
  const head = { round: reader.u64(), digest: toHex(reader.bytes(32)) };
  const entries = readAscending(reader, reader.u16(), MAX_ENTRIES, readEntry, (entry) => entry.feed);
  const gauges = readAscending(reader, reader.u16(), MAX_GAUGES, readGauge, (entry) => entry.gauge);
  const shadows = readAscending(reader, reader.u16(), MAX_ENTRIES, readShadow, (entry) => entry.feed);
  const documents = readAscending(
    reader,
    reader.u8(),
    MAX_DOCUMENTS,
    () => toHex(reader.bytes(32)),
    (digest) => digest,
  );
  const fault = reader.end();
  return fault === undefined ? ok({ round, configDigest, observer, head, entries, gauges, shadows, documents }) : fail(fault);
}

/** Version, round and config digest stand before the observer. */
const OBSERVER_AT = 1 + 8 + 32;

/** Who made an observation, from the hex of its canonical bytes: of one that was verified before, and without opening the rest. */
export function readObserver(observation: Hex): Address {
  const begin = 2 + 2 * OBSERVER_AT;
  return `0x${observation.slice(begin, begin + 40)}`;
}

/** Signs as its observer: what a key says it says in its own name. */
export function signObservation(
  contents: Omit<Observation, "observer">,
  domain: Domain,
  key: { readonly scheme: Secp256k1; readonly privateKey: Uint8Array; readonly address: Address },
): SignedObservation {
  const observation = { ...contents, observer: key.address };
  const digest = digestOf(observation, encodeObservation(observation), domain);
  return { observation, digest, signer: key.address, signature: key.scheme.sign(fromHex(digest), key.privateKey) };
}

/** Canonical bytes followed by the 65-byte signature. */
export function encodeSignedObservation(signed: SignedObservation): Uint8Array {
  const writer = createWriter();
  writer.bytes(encodeObservation(signed.observation));
  writer.bytes(fromHex(signed.signature));
  return writer.finish();
}

/** Decodes and recovers the signer, who must be the observer; whether that is a committee member is the caller's rule. */
export function decodeSignedObservation(bytes: Uint8Array, domain: Domain, scheme: Secp256k1): Result<SignedObservation, string> {
  const split = bytes.length - SIGNATURE_BYTES;
  if (split < 0) return fail("shorter than a signature");
  const contents = bytes.subarray(0, split);
  const decoded = decodeObservation(contents);
  if (!decoded.ok) return decoded;
  const digest = digestOf(decoded.value, contents, domain);
  const signature = toHex(bytes.subarray(split));
  const signer = scheme.recover(fromHex(digest), signature);
  if (signer === undefined) return fail("bad signature");
  if (signer !== decoded.value.observer) return fail("signed by another than its observer");
  return ok({ observation: decoded.value, digest, signer, signature });
}

function digestOf(observation: Observation, contents: Uint8Array, domain: Domain): Digest {
  const { round, configDigest } = observation;
  return observationDigest(domain, { round, configDigest, contents: keccakHex(contents) });
}

function readFeed(reader: Reader): FeedId {
  const feed = parseFeedId(reader.text(MAX_FEED_ID_BYTES));
  if (!feed.ok) reader.refuse(`feed: ${feed.error}`);
  return feed.ok ? feed.value : ("" as FeedId);
}

function readEntry(reader: Reader): FeedEntry {
  return {
    feed: readFeed(reader),
    price: reader.amount(MAX_AMOUNT),
    low: reader.amount(MAX_AMOUNT),
    high: reader.amount(MAX_AMOUNT),
    asOf: reader.u64(),
    groups: reader.u8(),
    topBps: reader.u16(),
    outsideBps: reader.u16(),
  };
}

function readGauge(reader: Reader): GaugeEntry {
  return { gauge: reader.text(MAX_FEED_ID_BYTES), value: reader.amount(MAX_AMOUNT), asOf: reader.u64() };
}

function readShadow(reader: Reader): ShadowEntry {
  return { feed: readFeed(reader), price: reader.amount(MAX_AMOUNT) };
}

function readAscending<T>(
  reader: Reader,
  count: number,
  max: number,
  read: (reader: Reader) => T,
  keyOf: (item: T) => string,
): readonly T[] {
  if (count > max) reader.refuse(`expected at most ${max} items`);
  const items: T[] = [];
  let previous: string | undefined;
  while (items.length < count && reader.fault() === undefined) {
    const item = read(reader);
    const key = keyOf(item);
    if (previous !== undefined && compareText(previous, key) >= 0) reader.refuse("items not in ascending order");
    previous = key;
    items.push(item);
  }
  return items;
}
