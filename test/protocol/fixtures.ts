import fc from "fast-check";
import { MAX_AMOUNT } from "../../protocol/amount.ts";
import { type Address, type Digest, type Hex, toHex } from "../../protocol/bytes.ts";
import type { Certificate } from "../../protocol/certificate.ts";
import { type Committee, createCommittee } from "../../protocol/committee.ts";
import { createDomain, type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import { compareText, type FeedId, parseFeedId } from "../../protocol/feed.ts";
import type { FeedEntry, GaugeEntry, Observation } from "../../protocol/observation.ts";
import type { Proposal } from "../../protocol/proposal.ts";
import { BREAKER_STATES, LIQUIDATE_LEVELS, type Report } from "../../protocol/report.ts";
import { addressOfPublicKey, noble, type Secp256k1 } from "../../protocol/secp256k1.ts";

export type Key = { readonly scheme: Secp256k1; readonly privateKey: Uint8Array; readonly address: Address };

/** Private key of 32 equal bytes. */
export function fixedKey(byte: number, scheme: Secp256k1 = noble): Key {
  const privateKey = new Uint8Array(32).fill(byte);
  return { scheme, privateKey, address: addressOfPublicKey(noble.publicKey(privateKey)) };
}

export function committeeOf(keys: readonly Key[]): Committee {
  return createCommittee(keys.map(({ address }, index) => ({ name: `node-${index}`, address })));
}

export function digestOf(byte: number): Digest {
  return toHex(new Uint8Array(32).fill(byte));
}

export function feedOf(text: string): FeedId {
  const feed = parseFeedId(text);
  if (!feed.ok) throw new Error(feed.error);
  return feed.value;
}

export const domain = createDomain("test", digestOf(0xcc));

export const header: RoundHeader = {
  round: 1_795_300_123,
  timestamp: 1_795_300_123_000,
  validUntil: 1_795_300_183_000,
  parent: digestOf(1),
  reportsRoot: digestOf(2),
  stateRoot: digestOf(3),
  inputsRoot: digestOf(4),
  configDigest: digestOf(5),
};

/** A certificate by the first q of the keys, in committee order. */
export function certify(of: RoundHeader, keys: readonly Key[]): Certificate {
  const { quorum } = committeeOf(keys);
  const hash = Buffer.from(roundDigest(domain, of).slice(2), "hex");
  const signatures = [...keys]
    .sort((a, b) => compareText(a.address, b.address))
    .slice(0, quorum)
    .map(({ scheme, privateKey, address }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }));
  return { header: of, signatures };
}

/** A value that is there because the test put it there. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the test's own value is missing");
  return value;
}

const symbol = fc.stringMatching(/^[A-Z0-9.]{1,15}$/);
export const feedIds = fc.tuple(symbol, symbol).map(([base, quote]) => feedOf(`${base}/${quote}`));
export const digests: fc.Arbitrary<Digest> = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex);
const addresses: fc.Arbitrary<Address> = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(toHex);
export const amounts = fc.bigInt({ min: 0n, max: MAX_AMOUNT });
export const instants = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const shares = fc.nat({ max: 10_000 });

const entries: fc.Arbitrary<FeedEntry> = fc.record({
  feed: feedIds,
  price: amounts,
  low: amounts,
  high: amounts,
  asOf: instants,
  groups: fc.nat({ max: 255 }),
  topBps: shares,
  outsideBps: shares,
});
const gauges: fc.Arbitrary<GaugeEntry> = fc.record({
  gauge: fc.stringMatching(/^[!-~]{1,31}$/),
  value: amounts,
  asOf: instants,
});

export const observations: fc.Arbitrary<Observation> = fc.record({
  round: instants,
  configDigest: digests,
  observer: addresses,
  head: fc.record({ round: instants, digest: digests }),
  entries: ascending(entries, ({ feed }) => feed, 4),
  gauges: ascending(gauges, ({ gauge }) => gauge, 3),
  shadows: ascending(fc.record({ feed: feedIds, price: amounts }), ({ feed }) => feed, 3),
  documents: ascending(digests, (digest) => digest, 3),
});

export const headers: fc.Arbitrary<RoundHeader> = fc.record({
  round: instants,
  timestamp: instants,
  validUntil: instants,
  parent: digests,
  reportsRoot: digests,
  stateRoot: digests,
  inputsRoot: digests,
  configDigest: digests,
});

export const proposals: fc.Arbitrary<Proposal> = fc.record({
  header: headers,
  observations: fc.uniqueArray(digests, { maxLength: 5 }),
});

export const certificates: fc.Arbitrary<Certificate> = fc.record({
  header: headers,
  signatures: ascending(fc.record({ signer: hexes(20), signature: hexes(65) }), ({ signer }) => signer, 5),
});

export const reports: fc.Arbitrary<Report> = fc.record({
  feed: feedIds,
  price: amounts,
  low: amounts,
  high: amounts,
  ema: amounts,
  volatility: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  observedAt: instants,
  state: fc.constantFrom(...BREAKER_STATES),
  liquidate: fc.constantFrom(...LIQUIDATE_LEVELS),
  borrow: fc.boolean(),
  budgetBps: shares,
  reasons: fc.nat({ max: 2 ** 32 - 1 }),
  since: instants,
});

function hexes(length: number): fc.Arbitrary<Hex> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map(toHex);
}

function ascending<T>(item: fc.Arbitrary<T>, keyOf: (item: T) => string, maxLength: number): fc.Arbitrary<T[]> {
  return fc
    .uniqueArray(item, { selector: keyOf, maxLength })
    .map((items) => [...items].sort((a, b) => compareText(keyOf(a), keyOf(b))));
}
