import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_AMOUNT } from "../../protocol/amount.ts";
import { concat, type Digest, fromHex, toHex } from "../../protocol/bytes.ts";
import { decodeCertificate, encodeCertificate } from "../../protocol/certificate.ts";
import { createReader, createWriter, type Writer } from "../../protocol/codec.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import {
  decodeObservation,
  decodeSignedObservation,
  encodeObservation,
  encodeSignedObservation,
  MAX_DOCUMENTS,
  MAX_ENTRIES,
  MAX_GAUGES,
  type Observation,
  signObservation,
} from "../../protocol/observation.ts";
import {
  decodeProposal,
  decodeSignedProposal,
  encodeProposal,
  encodeSignedProposal,
  MAX_MEMBERS,
  type Proposal,
  signProposal,
} from "../../protocol/proposal.ts";
import type { Result } from "../../protocol/result.ts";
import {
  certificates,
  certify,
  digestOf,
  domain,
  feedOf,
  fixedKey,
  header,
  observations,
  present,
  proposals,
} from "./fixtures.ts";

const scheme = loadSecp256k1();
const key = fixedKey(0x11, scheme);
const entry = { price: 2n ** 70n, low: 0n, high: MAX_AMOUNT, asOf: 1, groups: 4, topBps: 3334, outsideBps: 0 };
const observation: Observation = {
  round: header.round,
  configDigest: header.configDigest,
  observer: key.address,
  head: { round: 0, digest: digestOf(0) },
  entries: [
    { feed: feedOf("BTC/USD"), ...entry },
    { feed: feedOf("ETH/USD"), ...entry },
  ],
  gauges: [
    { gauge: "ETHEREUM/baseFee", value: 30n, asOf: 1 },
    { gauge: "ETHEREUM/headAge", value: 0n, asOf: 1 },
  ],
  shadows: [
    { feed: feedOf("BTC/USD"), price: 2n ** 70n },
    { feed: feedOf("ETH/USD"), price: 1n },
  ],
  documents: [digestOf(1), digestOf(2)],
};
const proposal: Proposal = { header, observations: [digestOf(2), digestOf(1), digestOf(3)] };
const certificate = certify(
  header,
  [0x11, 0x22, 0x33, 0x44].map((byte) => fixedKey(byte)),
);

type Kind = {
  readonly name: string;
  readonly decode: (bytes: Uint8Array) => Result<unknown, string>;
  readonly reencode: (value: never) => Uint8Array;
  readonly values: fc.Arbitrary<unknown>;
};
const KINDS: readonly Kind[] = [
  { name: "observation", decode: decodeObservation, reencode: encodeObservation, values: observations },
  { name: "proposal", decode: decodeProposal, reencode: encodeProposal, values: proposals },
  { name: "certificate", decode: decodeCertificate, reencode: encodeCertificate, values: certificates },
];

describe.each(KINDS)("$name", ({ decode, reencode, values }) => {
  test("decode undoes encode", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decode(reencode(value as never))).toEqual({ ok: true, value });
      }),
    );
  });

  test("every truncation and every left-over byte is refused", () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = reencode(value as never);
        for (let length = 0; length < bytes.length; length++) expect(decode(bytes.subarray(0, length)).ok).toBe(false);
        expect(decode(concat(bytes, Uint8Array.of(0)))).toEqual({ ok: false, error: "1 bytes left over" });
      }),
      { numRuns: 15 },
    );
  });

  test("what decodes, from random or damaged bytes, encodes to the same bytes; nothing throws", () => {
    const check = (bytes: Uint8Array): void => {
      const decoded = decode(bytes);
      if (decoded.ok) expect(toHex(reencode(decoded.value as never))).toBe(toHex(bytes));
      else expect(decoded.error).not.toBe("");
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), check));
    const damaged = fc.tuple(values, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([value, at, mask]) => {
      const bytes = Uint8Array.from(reencode(value as never));
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ mask;
      return bytes;
    });
    fc.assert(fc.property(damaged, check), { numRuns: 300 });
  });
});

type SignedKind = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly decode: (bytes: Uint8Array) => Result<{ readonly digest: Digest; readonly signer: string }, string>;
};
const signedObservation = signObservation(observation, domain, key);
const signedProposal = signProposal(proposal, domain, key);
const SIGNED: readonly SignedKind[] = [
  {
    name: "signed observation",
    bytes: encodeSignedObservation(signedObservation),
    digest: signedObservation.digest,
    decode: (bytes) => decodeSignedObservation(bytes, domain, scheme),
  },
  {
    name: "signed proposal",
    bytes: encodeSignedProposal(signedProposal),
    digest: signedProposal.digest,
    decode: (bytes) => decodeSignedProposal(bytes, domain, scheme),
  },
];

describe.each(SIGNED)("$name", ({ bytes, digest, decode }) => {
  test("decodes to its signer and digest", () => {
    expect(decode(bytes)).toMatchObject({ ok: true, value: { signer: key.address, digest } });
  });

  test("any changed byte is refused or gives another signer; changed contents give another digest", () => {
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [1, 0x80, 0xff]) {
        const changed = Uint8Array.from(bytes);
        changed[at] = (bytes[at] ?? 0) ^ mask;
        const decoded = decode(changed);
        if (!decoded.ok) continue;
        expect(decoded.value.signer).not.toBe(key.address);
        if (at < bytes.length - 65) expect(decoded.value.digest).not.toBe(digest);
        else expect(decoded.value.digest).toBe(digest);
      }
    }
  });

  test.each([0, 1, 64])("%i bytes are shorter than a signature", (length) => {
    expect(decode(bytes.subarray(0, length))).toEqual({ ok: false, error: "shorter than a signature" });
  });

  test("a signature of nobody", () => {
    expect(decode(concat(bytes.subarray(0, -1), Uint8Array.of(29)))).toEqual({ ok: false, error: "bad signature" });
  });
});

test("another's observation under one's own key", () => {
  const forger = fixedKey(0x22, scheme);
  const forged = forger.scheme.sign(fromHex(signedObservation.digest), forger.privateKey);
  const bytes = concat(encodeObservation(signedObservation.observation), fromHex(forged));
  expect(decodeSignedObservation(bytes, domain, scheme)).toEqual({ ok: false, error: "signed by another than its observer" });
});

test("two members who saw the same never make one digest", () => {
  expect(signObservation(observation, domain, fixedKey(0x22, scheme)).digest).not.toBe(signedObservation.digest);
});

test("an observation and a proposal of the same contents never share a digest or another network's", () => {
  const other = { ...domain, separator: digestOf(9) };
  expect(signObservation(observation, other, key).digest).not.toBe(signedObservation.digest);
  expect(signProposal(proposal, other, key).digest).not.toBe(signedProposal.digest);
});

/** Bytes of an observation with one part replaced; parts in the order of the canonical bytes. */
function written(
  change: Partial<Record<"version" | "entries" | "gauges" | "shadows" | "documents", (writer: Writer) => void>>,
): Uint8Array {
  const writer = createWriter();
  const none = (width: "u8" | "u16") => (to: Writer) => to[width](0);
  (change.version ?? ((to) => to.u8(1)))(writer);
  writer.u64(1);
  writer.bytes(fromHex(digestOf(5)));
  writer.bytes(fromHex(key.address));
  writer.u64(0);
  writer.bytes(fromHex(digestOf(0)));
  (change.entries ?? none("u16"))(writer);
  (change.gauges ?? none("u16"))(writer);
  (change.shadows ?? none("u16"))(writer);
  (change.documents ?? none("u8"))(writer);
  return writer.finish();
}

function writeEntry(to: Writer, feed: Uint8Array, price: Uint8Array): void {
  to.bytes(concat(Uint8Array.of(feed.length), feed));
  to.bytes(price);
  to.amount(1n);
  to.amount(1n);
  to.u64(1);
  to.u8(1);
  to.u16(1);
  to.u16(0);
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const entriesOf =
  (...feeds: readonly string[]) =>
  (to: Writer): void => {
    to.u16(feeds.length);
    for (const feed of feeds) writeEntry(to, text(feed), Uint8Array.of(1, 5));
  };
const priced = (price: Uint8Array) => (to: Writer) => {
  to.u16(1);
  writeEntry(to, text("A/B"), price);
};
const gaugesOf =
  (...gauges: readonly string[]) =>
  (to: Writer): void => {
    to.u16(gauges.length);
    for (const gauge of gauges) {
      to.bytes(concat(Uint8Array.of(gauge.length), text(gauge)));
      to.amount(1n);
      to.u64(1);
    }
  };
const shadowsOf =
  (...feeds: readonly string[]) =>
  (to: Writer): void => {
    to.u16(feeds.length);
    for (const feed of feeds) {
      to.text(feed);
      to.amount(1n);
    }
  };
const documentsOf =
  (...bytes: readonly number[]) =>
  (to: Writer): void => {
    to.u8(bytes.length);
    for (const byte of bytes) to.bytes(fromHex(digestOf(byte)));
  };

test("the plain forms that the table below damages do decode", () => {
  expect(decodeObservation(written({ entries: entriesOf("A/B", "B/A") })).ok).toBe(true);
  expect(decodeObservation(written({ gauges: gaugesOf("a", "b") })).ok).toBe(true);
  expect(decodeObservation(written({ shadows: shadowsOf("A/B", "B/A") })).ok).toBe(true);
  expect(decodeObservation(written({ documents: documentsOf(1, 2) })).ok).toBe(true);
});

test.each<[name: string, bytes: Uint8Array, fault: RegExp]>([
  ["another version", written({ version: (to) => to.u8(2) }), /^expected observation version 1$/],
  ["entries unsorted", written({ entries: entriesOf("B/A", "A/B") }), /^items not in ascending order$/],
  ["entry twice", written({ entries: entriesOf("A/B", "A/B") }), /^items not in ascending order$/],
  ["entries beyond the bound", written({ entries: (to) => to.u16(MAX_ENTRIES + 1) }), /^expected at most 4096 items$/],
  ["fewer entries than counted", written({ entries: (to) => to.u16(MAX_ENTRIES) }), /^expected|^truncated|^feed|empty text/],
  ["amount with a leading zero", written({ entries: priced(Uint8Array.of(2, 0, 5)) }), /^amount not in shortest form/],
  ["zero written as a byte", written({ entries: priced(Uint8Array.of(1, 0)) }), /^amount not in shortest form/],
  [
    "amount of 25 bytes",
    written({ entries: priced(concat(Uint8Array.of(25), new Uint8Array(25).fill(1))) }),
    /^expected at most 24 bytes/,
  ],
  [
    "amount beyond int192",
    written({ entries: priced(concat(Uint8Array.of(24), new Uint8Array(24).fill(0xff))) }),
    /^amount beyond its bound/,
  ],
  ["feed of no form", written({ entries: entriesOf("a/b") }), /^feed: expected BASE\/QUOTE/],
  ["feed of no bytes", written({ entries: entriesOf("") }), /^empty text/],
  ["feed of 32 bytes", written({ entries: entriesOf(`${"A".repeat(16)}/${"B".repeat(15)}`) }), /^expected at most 31 bytes/],
  ["gauges unsorted", written({ gauges: gaugesOf("b", "a") }), /^items not in ascending order$/],
  ["gauge twice", written({ gauges: gaugesOf("a", "a") }), /^items not in ascending order$/],
  ["gauge without a name", written({ gauges: gaugesOf("") }), /^empty text/],
  ["gauge with a space", written({ gauges: gaugesOf("a b") }), /^text not printable ASCII/],
  ["gauges beyond the bound", written({ gauges: (to) => to.u16(MAX_GAUGES + 1) }), /^expected at most 256 items$/],
  ["shadows unsorted", written({ shadows: shadowsOf("B/A", "A/B") }), /^items not in ascending order$/],
  ["shadow twice", written({ shadows: shadowsOf("A/B", "A/B") }), /^items not in ascending order$/],
  ["shadow of no feed", written({ shadows: shadowsOf("AB") }), /^feed: expected BASE\/QUOTE/],
  ["shadows beyond the bound", written({ shadows: (to) => to.u16(MAX_ENTRIES + 1) }), /^expected at most 4096 items$/],
  ["documents unsorted", written({ documents: documentsOf(2, 1) }), /^items not in ascending order$/],
  ["document twice", written({ documents: documentsOf(1, 1) }), /^items not in ascending order$/],
  ["documents beyond the bound", written({ documents: (to) => to.u8(MAX_DOCUMENTS + 1) }), /^expected at most 16 items$/],
])("observation refused: %s", (_, bytes, fault) => {
  const decoded = decodeObservation(bytes);
  expect(decoded.ok ? "decoded" : decoded.error).toMatch(fault);
});

test("an integer beyond 2^53 is refused", () => {
  const bytes = encodeObservation({ ...observation, entries: [], gauges: [], shadows: [], documents: [] });
  expect(decodeObservation(Uint8Array.from(bytes, (byte, at) => (at === 1 ? 0xff : byte)))).toEqual({
    ok: false,
    error: "integer beyond 2^53 at byte 9",
  });
});

test("proposal refused: version, an observation twice, too many", () => {
  const bytes = encodeProposal(proposal);
  const count = bytes.length - 1 - 32 * proposal.observations.length;
  const twice = encodeProposal({ header, observations: [digestOf(1), digestOf(2), digestOf(1)] });
  const many = Uint8Array.from(bytes, (byte, at) => (at === count ? MAX_MEMBERS + 1 : byte));
  expect(decodeProposal(Uint8Array.from(bytes, (byte, at) => (at === 0 ? 9 : byte)))).toEqual({
    ok: false,
    error: "expected proposal version 1",
  });
  expect(decodeProposal(twice)).toEqual({ ok: false, error: "an observation named twice" });
  expect(decodeProposal(many)).toEqual({ ok: false, error: "expected at most 128 observations" });
});

test("certificate refused: signers unsorted, one twice, too many", () => {
  const { signatures } = certificate;
  const encoded = (items: typeof signatures) => decodeCertificate(encodeCertificate({ header, signatures: items }));
  expect(encoded([...signatures].reverse())).toEqual({ ok: false, error: "signers not in ascending order" });
  expect(encoded([present(signatures[0]), ...signatures])).toEqual({ ok: false, error: "signers not in ascending order" });
  const bytes = encodeCertificate(certificate);
  const count = bytes.length - 1 - 85 * signatures.length;
  expect(decodeCertificate(Uint8Array.from(bytes, (byte, at) => (at === count ? 129 : byte)))).toEqual({
    ok: false,
    error: "expected at most 128 signatures",
  });
});

test.each<[name: string, write: (writer: Writer) => void]>([
  ["an integer wider than its field", (to) => to.u8(256)],
  ["an integer wider than two bytes", (to) => to.u16(65_536)],
  ["an integer wider than four bytes", (to) => to.u32(2 ** 32)],
  ["an integer that is not exact", (to) => to.u64(2 ** 53)],
  ["a negative integer", (to) => to.u64(-1)],
  ["a fraction", (to) => to.u64(1.5)],
  ["NaN", (to) => to.u64(Number.NaN)],
  ["a negative amount", (to) => to.amount(-1n)],
  ["an amount longer than its length byte", (to) => to.amount(2n ** 2048n)],
  ["an empty text", (to) => to.text("")],
  ["a text that is no ASCII", (to) => to.text("É")],
  ["a text longer than its length byte", (to) => to.text("A".repeat(256))],
])("writing throws instead of cutting: %s", (_, write) => {
  expect(() => write(createWriter())).toThrow("assertion failed");
});

test("a reader keeps its first fault and gives zero from then on", () => {
  const reader = createReader(Uint8Array.of(1, 2));
  expect(reader.u16()).toBe(0x0102);
  expect([reader.u32(), reader.u8(), reader.amount(9n), reader.text(4), reader.bytes(2)]).toEqual([
    0,
    0,
    0n,
    "",
    new Uint8Array(2),
  ]);
  reader.refuse("later");
  expect(reader.end()).toBe("truncated at byte 2");
});

describe("hex", () => {
  test("is the platform's, of few bytes and of many, and comes back", () => {
    for (const length of [0, 1, 20, 256, 257, 4_097]) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 31) & 255);
      expect(toHex(bytes)).toBe(`0x${Buffer.from(bytes).toString("hex")}`);
      expect(fromHex(toHex(bytes))).toEqual(bytes);
    }
  });
});
