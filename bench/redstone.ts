import { DataPackage, DataPoint, RedstonePayload, SignedDataPackage } from "@redstone-finance/protocol";
import type { NodeKey } from "../node/io/keys.ts";
import { assert } from "../protocol/assert.ts";
import { compareBigint, toHex } from "../protocol/bytes.ts";

/** RedStone's feeds carry eight decimals in 32 bytes. */
const VALUE_BYTES = 32;
const UNIT = 10n ** 8n;

export type RedstoneInput = {
  readonly payload: Uint8Array;
  /** Checksummed or not: compared in lower case. */
  readonly signers: ReadonlySet<string>;
  readonly feeds: number;
  readonly timestamp: number;
};

/**
 * A payload as RedStone's package serializes it: `one` package a feed and signer, as its data service hands them out by feed, or
 * `all` feeds in one package a signer.
 */
export function redstoneInput(
  packaging: "one" | "all",
  { feeds, signers, timestamp }: { readonly feeds: number; readonly signers: readonly NodeKey[]; readonly timestamp: number },
): RedstoneInput {
  const packages = signers.flatMap((signer, index) => {
    const points = Array.from({ length: feeds }, (_, feed) => dataPoint(feed, index));
    const groups = packaging === "one" ? points.map((point) => [point]) : [points];
    return groups.map((group) => sign(new DataPackage(group, timestamp, "bench"), signer));
  });
  return {
    payload: new RedstonePayload(packages, "").toBytes(),
    signers: new Set(signers.map(({ address }) => address)),
    feeds,
    timestamp,
  };
}

/**
 * What a consumer of RedStone has to do: its package's own parser and its own signer recovery, then, as its contracts require, one
 * timestamp, `signers.size` different authorised signers of every feed, and their median.
 */
export function verifyRedstone({ payload, signers, feeds, timestamp }: RedstoneInput): ReadonlyMap<string, bigint> {
  const values = new Map<string, Map<string, bigint>>();
  for (const signed of RedstonePayload.parse(payload).signedDataPackages) {
    const signer = signed.recoverSignerAddress().toLowerCase();
    assert(
      signers.has(signer) && signed.dataPackage.timestampMilliseconds === timestamp,
      "an authorised signer, the one timestamp",
    );
    for (const { dataFeedId, value } of signed.dataPackage.dataPoints) {
      const ofFeed = values.get(dataFeedId) ?? new Map<string, bigint>();
      values.set(dataFeedId, ofFeed.set(signer, BigInt(toHex(value))));
    }
  }
  assert(values.size === feeds, "every feed is there");
  return new Map([...values].map(([feed, ofFeed]) => [feed, medianOf([...ofFeed.values()], signers.size)]));
}

function medianOf(values: readonly bigint[], needed: number): bigint {
  assert(values.length === needed, "every signer signed every feed");
  return [...values].sort(compareBigint)[needed >> 1] ?? 0n;
}

function dataPoint(feed: number, signer: number): DataPoint {
  const value = new Uint8Array(VALUE_BYTES);
  new DataView(value.buffer).setBigUint64(VALUE_BYTES - 8, BigInt(feed + 1) * UNIT + BigInt(signer));
  return new DataPoint(`A${String(feed).padStart(4, "0")}`, value);
}

/** Signed through our interface: elliptic, which its own `sign` uses, would take seconds and gives the same signature. */
function sign(dataPackage: DataPackage, { scheme, privateKey }: NodeKey): SignedDataPackage {
  return new SignedDataPackage(dataPackage, scheme.sign(dataPackage.getSignableHash(), privateKey));
}
