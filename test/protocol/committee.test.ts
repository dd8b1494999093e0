import { expect, test } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import {
  type Certificate,
  type CertificateFault,
  decodeCertificate,
  encodeCertificate,
  verifyCertificate,
} from "../../protocol/certificate.ts";
import { createCommittee, leaderOf, memberIndex } from "../../protocol/committee.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { loadSecp256k1 } from "../../protocol/io/libsecp256k1.ts";
import { noble } from "../../protocol/secp256k1.ts";
import { certify, committeeOf, digestOf, domain, fixedKey, header, present } from "./fixtures.ts";

function members(n: number) {
  return Array.from({ length: n }, (_, index) => ({
    name: `node-${index}`,
    address: `0x${(n - index).toString(16).padStart(40, "0")}` as const,
  }));
}

/** DESIGN section 2: f = ⌊(n−1)/3⌋, q = ⌊(n+f)/2⌋ + 1. */
test.each([
  [4, 1, 3],
  [5, 1, 4],
  [6, 1, 4],
  [7, 2, 5],
  [8, 2, 6],
  [9, 2, 6],
  [10, 3, 7],
  [11, 3, 8],
  [12, 3, 8],
  [13, 4, 9],
])("n = %i: f = %i, q = %i", (n, f, quorum) => {
  const committee = createCommittee(members(n));
  expect({ f: committee.f, quorum: committee.quorum }).toEqual({ f, quorum });
  // Two quorums share an honest member, and the honest alone are a quorum: what safety and liveness need of q.
  expect(2 * quorum - n).toBeGreaterThan(f);
  expect(n - f).toBeGreaterThanOrEqual(quorum);
});

test("members stand in ascending order of address and lead in turn", () => {
  const committee = createCommittee(members(5));
  const addresses = committee.members.map(({ address }) => address);
  expect(addresses).toEqual([...addresses].sort());
  expect([0, 1, 2, 3, 4, 5].map((round) => leaderOf(committee, round))).toEqual([...addresses, addresses[0]]);
  expect(addresses.map((address) => memberIndex(committee, address))).toEqual([0, 1, 2, 3, 4]);
  expect(memberIndex(committee, `0x${"ff".repeat(20)}`)).toBe(-1);
});

test("fewer than four members, or a round that is no number, is a bug", () => {
  expect(() => createCommittee(members(3))).toThrow("assertion failed");
  expect(() => leaderOf(createCommittee(members(4)), -1)).toThrow("assertion failed");
  expect(() => leaderOf(createCommittee(members(4)), Number.NaN)).toThrow("assertion failed");
});

const keys = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77].map((byte) => fixedKey(byte));
const committee = committeeOf(keys);
const certificate = certify(header, keys);
const context = { committee, domain, scheme: noble };
const stranger = fixedKey(0x99);
const [first, second, ...rest] = certificate.signatures;

function signedBy(signer: typeof stranger) {
  return { signer: signer.address, signature: noble.sign(fromHex(roundDigest(domain, header)), signer.privateKey) };
}

test("five of seven in order verify", () => {
  expect(verifyCertificate(certificate, context)).toEqual({ ok: true, value: roundDigest(domain, header) });
});

/** In the order in which the faults are checked. */
const FAULTS = {
  count: [
    [
      { ...certificate, signatures: [] },
      { code: "count", expected: 5, found: 0 },
    ],
    [
      { ...certificate, signatures: certificate.signatures.slice(1) },
      { code: "count", expected: 5, found: 4 },
    ],
    [
      { ...certificate, signatures: [...certificate.signatures, signedBy(stranger)] },
      { code: "count", expected: 5, found: 6 },
    ],
  ],
  signer: [
    [
      { ...certificate, signatures: [present(first), signedBy(stranger), ...rest] },
      { code: "signer", index: 1, signer: stranger.address },
    ],
  ],
  order: [
    [
      { ...certificate, signatures: [present(second), present(first), ...rest] },
      { code: "order", index: 1 },
    ],
    [
      { ...certificate, signatures: [present(first), present(first), ...rest] },
      { code: "order", index: 1 },
    ],
  ],
  signature: [
    [
      { ...certificate, signatures: [present(first), { ...present(second), signature: present(first).signature }, ...rest] },
      { code: "signature", indices: [1] },
    ],
    [
      { ...certificate, header: { ...header, timestamp: header.timestamp + 1 } },
      { code: "signature", indices: [0, 1, 2, 3, 4] },
    ],
  ],
} as const satisfies Record<CertificateFault["code"], readonly (readonly [Certificate, CertificateFault])[]>;

test.each(Object.values(FAULTS).flat())("a certificate is refused: %#", (changed, error) => {
  expect(verifyCertificate(changed, context)).toEqual({ ok: false, error });
});

test("every field of the header is signed", () => {
  const changes = [
    ...(["round", "timestamp", "validUntil"] as const).map((field) => ({ ...header, [field]: header[field] + 1 })),
    ...(["parent", "reportsRoot", "stateRoot", "inputsRoot", "configDigest"] as const).map((field) => ({
      ...header,
      [field]: digestOf(0xee),
    })),
  ];
  expect(changes.length).toBe(Object.keys(header).length);
  for (const changed of changes) expect(verifyCertificate({ ...certificate, header: changed }, context).ok).toBe(false);
  const elsewhere = { ...context, domain: { ...domain, separator: digestOf(0xee) } };
  expect(verifyCertificate(certificate, elsewhere).ok).toBe(false);
});

test("any changed byte of an encoded certificate is refused, when it is decoded or when it is verified", () => {
  const scheme = loadSecp256k1();
  const bytes = encodeCertificate(certificate);
  for (let at = 0; at < bytes.length; at++) {
    const decoded = decodeCertificate(Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 1 : byte)));
    expect(decoded.ok && verifyCertificate(decoded.value, { committee, domain, scheme }).ok, `byte ${at}`).toBe(false);
  }
});
