import fc from "fast-check";
import { type Hex, hashTypedData, keccak256 } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import type { NetworkConfig } from "../../protocol/config.ts";
import { type DocumentContent, type GovernanceDocument, PAUSE_ACTIONS } from "../../protocol/governance.ts";
import {
  approveDocument,
  approvedDocument,
  decodeSignedDocument,
  encodeDocument,
  MAX_APPROVALS,
  MAX_DOCUMENT_BYTES,
  mergeDocuments,
  sealDocument,
} from "../../protocol/governance-codec.ts";
import { approvalDigest, typedDataOf } from "../../protocol/governance-typed-data.ts";
import { GOVERNORS, GUARDIANS, governance, governedNetwork, signedBy } from "../support/governance.ts";
import { digestOf, scheme, type TestKey, testKey } from "../support/network.ts";
import { digests, feedIds, feedOf, instants, present } from "./fixtures.ts";

const network = governedNetwork();
const { domain, config } = network;
const trust = { governance: config.governance, domain, scheme };
const decode = (bytes: Uint8Array) => decodeSignedDocument(bytes, trust);
const faultOf = (bytes: Uint8Array) => {
  const decoded = decode(bytes);
  return decoded.ok ? "decoded" : decoded.error;
};

const next = governedNetwork({ version: 2, leaseMs: 70_000 });
const CONTENTS: Readonly<Record<GovernanceDocument["kind"], DocumentContent>> = {
  pause: { kind: "pause", feed: feedOf("ETH/USD"), action: "none", until: 1_795_300_000_000 },
  accept: { kind: "accept", feed: feedOf("ETH/USD"), configDigest: digestOf(3), gapAt: 0 },
  rollback: { kind: "rollback", from: digestOf(4), to: digestOf(5) },
  removal: { kind: "removal", guardian: present(GUARDIANS[0]).address },
  config: {
    kind: "config",
    version: 2,
    replaces: network.configDigest,
    configDigest: next.configDigest,
    activation: 1_795_500_000_000,
    replayTo: 1_795_300_000,
    replay: digestOf(6),
    config: next.config,
  },
};
const KINDS = Object.entries(CONTENTS);
const governor = present(GOVERNORS[0]);

/** What a wallet makes of the typed data that it is shown. */
async function walletSignature(content: DocumentContent, key: TestKey, nonce: number): Promise<Hex> {
  const typed = typedDataOf(content, { keyholder: key.address, nonce }, domain);
  return privateKeyToAccount(toHex(key.privateKey)).signTypedData(JSON.parse(JSON.stringify(typed)) as never);
}

describe("typed data", () => {
  test.each(KINDS)("of a %s: a wallet signs what a node verifies", async (kind, content) => {
    const nonce = kind === "config" ? 0 : 7;
    const typed = typedDataOf(content, { keyholder: governor.address, nonce }, domain);
    expect(hashTypedData(typed as never)).toBe(approvalDigest(content, { keyholder: governor.address, nonce }, domain));
    const signature = await walletSignature(content, governor, nonce);
    expect(approveDocument(content, governor, nonce, domain)).toEqual({ keyholder: governor.address, nonce, signature });
    const sealed = approvedDocument(content, [{ keyholder: governor.address, nonce, signature }]);
    expect(decode(sealed.bytes)).toEqual({ ok: true, value: sealed });
  });

  const addresses = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(toHex);
  const u32 = fc.integer({ min: 1, max: 2 ** 32 - 1 });
  const contents: fc.Arbitrary<DocumentContent> = fc.oneof(
    fc.record({
      kind: fc.constant("pause" as const),
      feed: fc.oneof(feedIds, fc.constant("*" as const)),
      action: fc.constantFrom(...PAUSE_ACTIONS),
      until: instants,
    }),
    fc.record({ kind: fc.constant("accept" as const), feed: feedIds, configDigest: digests, gapAt: instants }),
    fc.record({ kind: fc.constant("rollback" as const), from: digests, to: digests }),
    fc.record({ kind: fc.constant("removal" as const), guardian: addresses }),
    fc.record({
      kind: fc.constant("config" as const),
      version: u32,
      replaces: digests,
      configDigest: digests,
      activation: instants,
      replayTo: instants,
      replay: digests,
      config: fc.constant(config),
    }),
  );

  test("hashes as viem does, whatever is signed, and each part of it counts", () => {
    fc.assert(
      fc.property(contents, contents, addresses, instants, (content, other, keyholder, nonce) => {
        const digest = approvalDigest(content, { keyholder, nonce }, domain);
        expect(hashTypedData(typedDataOf(content, { keyholder, nonce }, domain) as never)).toBe(digest);
        expect(approvalDigest(other, { keyholder, nonce }, domain)).not.toBe(digest);
        if (content.kind !== "config") {
          expect(approvalDigest(content, { keyholder: governor.address, nonce }, domain)).not.toBe(digest);
          expect(approvalDigest(content, { keyholder, nonce: nonce === 0 ? 1 : nonce - 1 }, domain)).not.toBe(digest);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("decode(encode(x)) is x, whatever is signed", () => {
    const plain = contents.filter(({ kind }) => kind !== "config");
    fc.assert(
      fc.property(plain, instants, (content, nonce) => {
        const sealed = signedBy([governor], content, network, nonce);
        expect(decode(sealed.bytes)).toEqual({ ok: true, value: sealed });
      }),
      { numRuns: 40 },
    );
  });
});

describe("a signed document", () => {
  test.each(KINDS)("of kind %s decodes to itself, its digest the keccak of its bytes", (_, content) => {
    const signed = signedBy([...GOVERNORS, ...GUARDIANS], content, network);
    expect(decode(signed.bytes)).toEqual({ ok: true, value: signed });
    expect(signed.digest).toBe(keccak256(signed.bytes));
    const order = signed.document.approvals.map(({ keyholder }) => keyholder);
    expect(order).toEqual([...order].sort());
  });

  test.each(KINDS)("of kind %s is refused with any byte flipped, cut anywhere, or longer", (kind, content) => {
    const { bytes } = signedBy([governor, present(GUARDIANS[0])], content, network);
    // A config's own text is covered by its digest: a few of its bytes suffice.
    const step = kind === "config" ? 97 : 1;
    const near = (at: number) => at < 140 || at > bytes.length - 200;
    for (let at = 0; at < bytes.length; at++) {
      if (!near(at) && at % step !== 0) continue;
      const flipped = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte));
      expect(decode(flipped).ok, `byte ${at}`).toBe(false);
      expect(decode(bytes.subarray(0, at)).ok, `cut at ${at}`).toBe(false);
    }
    expect(faultOf(Uint8Array.from([...bytes, 0]))).toBe("1 bytes left over");
  });

  const pause = CONTENTS.pause;
  const stranger = testKey(99);
  const approval = approveDocument(pause, governor, 1, domain);
  const bytesWith = (...approvals: readonly (typeof approval)[]) => encodeDocument({ ...pause, approvals } as GovernanceDocument);
  const [low, high] = [governor, present(GUARDIANS[0])]
    .map((key) => approveDocument(pause, key, 1, domain))
    .sort((a, b) => (a.keyholder < b.keyholder ? -1 : 1)) as [typeof approval, typeof approval];
  const configDocument = CONTENTS.config as Extract<DocumentContent, { kind: "config" }>;
  const signedConfig = (changes: Partial<typeof configDocument>) =>
    signedBy([governor], { ...configDocument, ...changes }, network).bytes;
  /** The config's text changed and its digest with it, all properly signed. */
  const withText = (edit: (json: string) => string | Buffer) => {
    const { bytes } = signedBy([governor], configDocument, network);
    const at = 2 + 4 + 32 + 32 + 8 + 8 + 32;
    const edited = edit(Buffer.from(bytes.subarray(at + 4, bytes.length - 94)).toString("utf8"));
    const json = typeof edited === "string" ? Buffer.from(edited) : edited;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(json.length);
    const content = { ...configDocument, configDigest: keccak256(json) };
    const head = encodeDocument({ ...content, approvals: [] }).subarray(0, at);
    const { signature } = approveDocument(content, governor, 0, domain);
    const tail = Buffer.concat([Uint8Array.of(1), fromHex(governor.address), new Uint8Array(8), fromHex(signature)]);
    return new Uint8Array(Buffer.concat([head, length, json, tail]));
  };

  test("whose parts the rows below damage decodes", () => {
    expect(faultOf(bytesWith(low, high))).toBe("decoded");
    expect(faultOf(withText((json) => json))).toBe("decoded");
  });

  const ROWS: readonly (readonly [name: string, bytes: Uint8Array, fault: RegExp])[] = [
    ["too many bytes", new Uint8Array(MAX_DOCUMENT_BYTES + 1), /^expected at most \d+ bytes$/],
    ["no bytes", new Uint8Array(0), /^truncated/],
    ["another version", Uint8Array.of(2, 0), /^expected document version 1$/],
    ["an unknown kind", Uint8Array.of(1, 5), /^expected a kind of document$/],
    [
      "an unknown action",
      bytesWith(approval).map((byte, index) => (index === 2 + 1 + "ETH/USD".length ? 3 : byte)),
      /^expected an action$/,
    ],
    ["no approval", bytesWith(), /^expected 1 to 64 approvals$/],
    ["more approvals than there may be", bytesWith(...Array.from({ length: MAX_APPROVALS + 1 }, () => low)), /^expected 1 to 64/],
    ["keyholders in another order", bytesWith(high, low), /^keyholders not in ascending order$/],
    ["a keyholder twice", bytesWith(low, low), /^keyholders not in ascending order$/],
    [
      "an unknown key",
      bytesWith(approveDocument(pause, stranger, 1, domain)),
      /^0x[0-9a-f]{40} is neither a governor nor a guardian$/,
    ],
    ["a committee member's key", bytesWith(approveDocument(pause, testKey(0), 1, domain)), /neither a governor nor a guardian$/],
    [
      "another's signature",
      bytesWith({ ...approval, signature: approveDocument(pause, stranger, 1, domain).signature }),
      /^not signed by/,
    ],
    ["another nonce than was signed", bytesWith({ ...approval, nonce: 2 }), /^not signed by/],
    [
      "a signature under another network's domain",
      bytesWith(approveDocument(pause, governor, 1, governedNetwork({ network: "other" }).domain)),
      /^not signed by/,
    ],
    ["a feed of no form", bytesWith(approval).map((byte, index) => (index === 3 ? 0x65 : byte)), /^expected BASE\/QUOTE/],
    [
      "a config approved with a nonce",
      encodeDocument({ ...configDocument, approvals: [{ ...approveDocument(configDocument, governor, 0, domain), nonce: 1 }] }),
      /^a config is approved without a nonce$/,
    ],
    ["a config of another digest", signedConfig({ configDigest: digestOf(1) }), /^config: not the one that its digest names$/],
    ["a config of another version", signedConfig({ version: 3 }), /^config: expected version 3$/],
    ["a config with a space in its text", withText((json) => json.replace(":", ": ")), /^config: not in its canonical form$/],
    [
      "a config that leaves out a default",
      withText((json) => json.replace('"graceMs":150,', "")),
      /^config: not in its canonical form$/,
    ],
    ["a config that is no JSON", withText((json) => json.slice(1)), /^config: not JSON$/],
    [
      "a config that is no UTF-8",
      withText((json) => Buffer.from(json.replace("test", "t\xffst"), "latin1")),
      /^config: not JSON$/,
    ],
    ["a config with another name than ASCII", withText((json) => json.replace("test", "tést")), /^config: network: /],
    [
      "a config that does not parse",
      withText((json) => json.replace('"leaseMs":70000', '"leaseMs":1')),
      /^config: leaseMs: expected a whole/,
    ],
    [
      "a config longer than it may be",
      Uint8Array.from([...Uint8Array.of(1, 4), ...new Uint8Array(116), 0xff, 0, 0, 0]),
      /^expected a config of at most 4194304 bytes$/,
    ],
    [
      "a config shorter than it says",
      Uint8Array.from([...Uint8Array.of(1, 4), ...new Uint8Array(116), 0, 0, 1, 0, 0x7b]),
      /^expected 256 bytes of a config, found 1$/,
    ],
  ];
  test.each(ROWS)("with %s is refused", (_, bytes, fault) => {
    expect(faultOf(bytes)).toMatch(fault);
  });

  test("of a removed governor is refused under the config without him", () => {
    const { bytes } = signedBy([governor], pause, network);
    const without = { ...governance(), governors: governance().governors.slice(1), quorum: 3 };
    const later = governedNetwork({ governance: without }).config.governance;
    const decoded = decodeSignedDocument(bytes, { ...trust, governance: later });
    expect(decoded).toEqual({ ok: false, error: `${governor.address} is neither a governor nor a guardian` });
  });
});

describe("approvals of several keyholders", () => {
  const content = CONTENTS.rollback;
  const halves = GOVERNORS.slice(0, 3).map((key, index) => signedBy([key], content, network, index + 1));
  const merge = (a: GovernanceDocument, b: GovernanceDocument) => {
    const merged = mergeDocuments(a, b);
    if (!merged.ok) throw new Error(merged.error);
    return merged.value;
  };
  const [a, b, c] = halves.map(({ document }) => document) as [GovernanceDocument, GovernanceDocument, GovernanceDocument];

  test("join in any order to the same bytes", () => {
    const joined = merge(merge(a, b).document, c);
    expect(merge(c, merge(b, a).document)).toEqual(joined);
    expect(merge(joined.document, a)).toEqual(joined);
    expect(decode(joined.bytes)).toEqual({ ok: true, value: joined });
    expect(joined.document.approvals.map(({ nonce }) => nonce).sort()).toEqual([1, 2, 3]);
  });

  test("do not join when they say different things, or one keyholder said it twice", () => {
    const other = signedBy([present(GOVERNORS[1])], { ...content, to: digestOf(8) } as DocumentContent, network).document;
    expect(mergeDocuments(a, other)).toEqual({ ok: false, error: "the two documents do not say the same" });
    const again = signedBy([governor], content, network, 9).document;
    expect(mergeDocuments(a, again)).toEqual({ ok: false, error: `${governor.address} approved the two documents differently` });
  });

  test("do not join beyond the bound", () => {
    const many = (from: number) =>
      signedBy(
        Array.from({ length: 40 }, (_, index) => testKey(from + index)),
        content,
        network,
      ).document;
    expect(mergeDocuments(many(0), many(100))).toEqual({ ok: false, error: "expected at most 64 approvals, found 80" });
  });
});

test("a config of 2 048 feeds of six sources is within what a document holds, by a quarter", () => {
  const sources = Array.from({ length: 6 }, (_, index) => ({ venue: `venue${index}`, market: "A/B", weight: 1 }));
  const feeds = Array.from({ length: 2_048 }, (_, index) => {
    const feed = `A${index}/USD`;
    return { feed, preset: "major", sources: sources.map((source) => ({ ...source, market: feed })) };
  });
  const large: NetworkConfig = governedNetwork({ feeds, version: 2 }).config;
  const sealed = sealDocument({ ...CONTENTS.config, config: large, approvals: [] } as GovernanceDocument);
  expect(sealed.bytes.length).toBeLessThan((MAX_DOCUMENT_BYTES * 3) / 4);
});
