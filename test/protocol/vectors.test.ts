import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  encodeAbiParameters,
  encodePacked,
  type Hex,
  hashDomain,
  hashTypedData,
  keccak256,
  recoverAddress,
  stringToHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { fromHex, keccakHex, toHex } from "../../protocol/bytes.ts";
import { type Certificate, decodeCertificate, encodeCertificate, verifyCertificate } from "../../protocol/certificate.ts";
import { configDigest, parseNetworkConfig } from "../../protocol/config.ts";
import { decodeReport, encodeReport, type ReportDocument } from "../../protocol/document.ts";
import { createDomain, domainOfSalt, type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import {
  decodeObservation,
  decodeSignedObservation,
  encodeObservation,
  encodeSignedObservation,
  type Observation,
  signObservation,
} from "../../protocol/observation.ts";
import { decodeProposal, encodeProposal, type Proposal, signProposal } from "../../protocol/proposal.ts";
import { leafHash, REPORT_TYPES, reportTuple } from "../../protocol/report.ts";
import { noble } from "../../protocol/secp256k1.ts";
import { committeeOf, domain, fixedKey, type Key } from "./fixtures.ts";

/**
 * The pinned bytes. Each file holds inputs and results for a second implementation to check itself against; here the results are
 * checked against this one and against viem.
 */
function vector<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, "vectors", `${name}.json`), "utf8")) as T;
}

type Signer = { readonly privateKey: Hex; readonly address: Hex };
type Signed = { readonly signer: Signer; readonly digest: Hex; readonly signature: Hex };
type SignedBytes = Signed & { readonly bytes: Hex; readonly contents: Hex };

function keyOf({ privateKey, address }: Signer): Key {
  return { scheme: noble, privateKey: fromHex(privateKey), address };
}

const uint64 = "uint64";
const TYPES = {
  Round: [
    { name: "round", type: uint64 },
    { name: "timestamp", type: uint64 },
    { name: "validUntil", type: uint64 },
    ...["parent", "reportsRoot", "stateRoot", "inputsRoot", "configDigest"].map((name) => ({ name, type: "bytes32" })),
  ],
  Observation: [
    { name: "round", type: uint64 },
    { name: "configDigest", type: "bytes32" },
    { name: "contents", type: "bytes32" },
  ],
  Proposal: [
    { name: "round", type: uint64 },
    { name: "configDigest", type: "bytes32" },
    { name: "contents", type: "bytes32" },
  ],
};
const viemDomain = { name: "Breakwater", version: "1", salt: domain.salt };
const DOMAIN_TYPE = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "salt", type: "bytes32" },
];

/** viem hashes, signs and recovers the same. */
async function agreeWithViem(
  primaryType: keyof typeof TYPES,
  message: Record<string, unknown>,
  { signer, digest, signature }: Signed,
) {
  const typed = { domain: viemDomain, types: { ...TYPES, EIP712Domain: DOMAIN_TYPE }, primaryType, message } as const;
  expect(hashTypedData(typed as never)).toBe(digest);
  const account = privateKeyToAccount(signer.privateKey);
  expect(account.address.toLowerCase()).toBe(signer.address);
  expect(await account.signTypedData(typed as never)).toBe(signature);
  expect((await recoverAddress({ hash: digest, signature })).toLowerCase()).toBe(signer.address);
  expect(noble.recover(fromHex(digest), signature)).toBe(signer.address);
}

test("domain", () => {
  const { network, genesisConfigDigest, salt, separator } =
    vector<Record<"network" | "genesisConfigDigest" | "salt" | "separator", Hex>>("domain");
  const created = createDomain(network, genesisConfigDigest);
  expect(created).toEqual({ name: "Breakwater", version: "1", salt, separator });
  expect(domainOfSalt(salt)).toEqual(created);
  expect(keccak256(encodePacked(["string", "bytes32"], [network, genesisConfigDigest]))).toBe(salt);
  const typed = { domain: { name: "Breakwater", version: "1", salt }, types: { EIP712Domain: DOMAIN_TYPE } };
  expect(hashDomain(typed as never)).toBe(separator);
});

test("round header: digest and signature", async () => {
  const { header, ...signed } = vector<Signed & { readonly header: RoundHeader }>("round");
  const { scheme, privateKey } = keyOf(signed.signer);
  expect(roundDigest(domain, header)).toBe(signed.digest);
  expect(scheme.sign(fromHex(signed.digest), privateKey)).toBe(signed.signature);
  await agreeWithViem("Round", header, signed);
});

test("observation: canonical bytes, digest and signature", async () => {
  type Texts = Observation & {
    entries: Record<"price" | "low" | "high", string>[];
    gauges: { value: string }[];
    shadows: { price: string }[];
  };
  const { observation: texts, ...signed } = vector<SignedBytes & { readonly observation: Texts }>("observation");
  const observation: Observation = {
    ...texts,
    entries: texts.entries.map((entry) => ({
      ...entry,
      price: BigInt(entry.price),
      low: BigInt(entry.low),
      high: BigInt(entry.high),
    })),
    gauges: texts.gauges.map((gauge) => ({ ...gauge, value: BigInt(gauge.value) })),
    shadows: texts.shadows.map((shadow) => ({ ...shadow, price: BigInt(shadow.price) })),
  };
  expect(toHex(encodeObservation(observation))).toBe(signed.bytes);
  expect(packedObservation(observation)).toBe(signed.bytes);
  expect(decodeObservation(fromHex(signed.bytes))).toEqual({ ok: true, value: observation });
  expect(keccak256(signed.bytes)).toBe(signed.contents);
  const made = signObservation(observation, domain, keyOf(signed.signer));
  expect(made).toEqual({ observation, digest: signed.digest, signer: signed.signer.address, signature: signed.signature });
  expect(decodeSignedObservation(encodeSignedObservation(made), domain, noble)).toEqual({ ok: true, value: made });
  const { round, configDigest } = observation;
  await agreeWithViem("Observation", { round, configDigest, contents: signed.contents }, signed);
});

test("proposal: canonical bytes, digest and signature", async () => {
  const { proposal, ...signed } = vector<SignedBytes & { readonly proposal: Proposal }>("proposal");
  expect(toHex(encodeProposal(proposal))).toBe(signed.bytes);
  const packed = [packed8(1), packedHeader(proposal.header), packed8(proposal.observations.length), ...proposal.observations];
  expect(join0x(packed)).toBe(signed.bytes);
  expect(decodeProposal(fromHex(signed.bytes))).toEqual({ ok: true, value: proposal });
  expect(keccak256(signed.bytes)).toBe(signed.contents);
  const { digest, signature } = signProposal(proposal, domain, keyOf(signed.signer));
  expect({ digest, signature }).toEqual({ digest: signed.digest, signature: signed.signature });
  const { round, configDigest } = proposal.header;
  await agreeWithViem("Proposal", { round, configDigest, contents: signed.contents }, signed);
});

test("certificate: bytes, and q signatures that verify", async () => {
  type Vector = { readonly privateKeys: readonly Hex[]; readonly certificate: Certificate; readonly bytes: Hex };
  const { privateKeys, certificate, bytes } = vector<Vector>("certificate");
  expect(toHex(encodeCertificate(certificate))).toBe(bytes);
  const signatures = certificate.signatures.flatMap(({ signer, signature }) => [signer, signature]);
  expect(join0x([packedHeader(certificate.header), packed8(3), ...signatures])).toBe(bytes);
  expect(decodeCertificate(fromHex(bytes))).toEqual({ ok: true, value: certificate });
  const keys = privateKeys.map((key) => fixedKey(fromHex(key)[0] ?? 0));
  const digest = roundDigest(domain, certificate.header);
  expect(verifyCertificate(certificate, { committee: committeeOf(keys), domain, scheme: noble })).toEqual({
    ok: true,
    value: digest,
  });
  for (const { signer, signature } of certificate.signatures) {
    expect((await recoverAddress({ hash: digest, signature })).toLowerCase()).toBe(signer);
  }
});

test("leaf: tuple, ABI encoding and hash", () => {
  const { leaves } = vector<{ readonly leaves: readonly { readonly tuple: ReportDocument; readonly hash: Hex }[] }>("reports");
  expect(leaves.length).toBe(3);
  for (const { tuple, hash } of leaves) {
    const report = decodeReport(tuple);
    if (!report.ok) throw new Error(report.error);
    expect(encodeReport(report.value)).toEqual(tuple);
    expect(tuple[0]).toBe(stringToHex(report.value.feed, { size: 32 }));
    expect(toHex(leafHash(reportTuple(report.value)))).toBe(hash);
    const values = tuple.map((text, index) =>
      REPORT_TYPES[index] === "bool" ? text === "1" : index === 0 ? text : BigInt(text),
    );
    const encoded = encodeAbiParameters(
      REPORT_TYPES.map((type) => ({ type })),
      values as never,
    );
    expect(keccak256(keccak256(encoded))).toBe(hash);
  }
});

describe("config", () => {
  const { input, digest } = vector<{ readonly input: unknown; readonly digest: Hex }>("config");

  test("digest", () => {
    const parsed = parseNetworkConfig(input);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    expect(configDigest(parsed.value)).toBe(digest);
    // A second spelling of RFC 8785 for values that are all plain: keys sorted by a replacer.
    const sorted = JSON.stringify(parsed.value, (_, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    );
    expect(keccak256(stringToHex(sorted))).toBe(digest);
    expect(keccakHex(new TextEncoder().encode(sorted))).toBe(digest);
  });
});

function packed8(value: number): Hex {
  return encodePacked(["uint8"], [value]);
}

function join0x(parts: readonly Hex[]): Hex {
  return `0x${parts.map((part) => part.slice(2)).join("")}`;
}

function packedHeader(h: RoundHeader): Hex {
  const times = [h.round, h.timestamp, h.validUntil].map((value) => encodePacked(["uint64"], [BigInt(value)]));
  return join0x([...times, h.parent, h.reportsRoot, h.stateRoot, h.inputsRoot, h.configDigest]);
}

function packedText(text: string): Hex {
  return encodePacked(["uint8", "string"], [text.length, text]);
}

/** A length byte and the shortest big-endian bytes. */
function packedAmount(value: bigint): Hex {
  const digits = value === 0n ? "" : value.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return join0x([packed8(even.length / 2), `0x${even}`]);
}

function packedObservation({ round, configDigest, observer, head, entries, gauges, shadows, documents }: Observation): Hex {
  const u64 = (value: number): Hex => encodePacked(["uint64"], [BigInt(value)]);
  const u16 = (value: number): Hex => encodePacked(["uint16"], [value]);
  const entryBytes = entries.flatMap((e) => [
    packedText(e.feed),
    ...[e.price, e.low, e.high].map(packedAmount),
    u64(e.asOf),
    packed8(e.groups),
    u16(e.topBps),
    u16(e.outsideBps),
  ]);
  const gaugeBytes = gauges.flatMap((g) => [packedText(g.gauge), packedAmount(g.value), u64(g.asOf)]);
  return join0x([
    packed8(1),
    u64(round),
    configDigest,
    observer,
    u64(head.round),
    head.digest,
    u16(entries.length),
    ...entryBytes,
    u16(gauges.length),
    ...gaugeBytes,
    u16(shadows.length),
    ...shadows.flatMap(({ feed, price }) => [packedText(feed), packedAmount(price)]),
    packed8(documents.length),
    ...documents,
  ]);
}
