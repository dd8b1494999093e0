import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodePacked, type Hex, hashTypedData, keccak256, stringToHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { type GovernanceConfig, parseNetworkConfig } from "../../protocol/config.ts";
import type { GovernanceDocument } from "../../protocol/governance.ts";
import { approveDocument, decodeSignedDocument, encodeDocument } from "../../protocol/governance-codec.ts";
import { canonicalJson, type Json } from "../../protocol/jcs.ts";
import { noble } from "../../protocol/secp256k1.ts";
import { domain, present } from "./fixtures.ts";

type Vector = {
  readonly governance: GovernanceConfig;
  readonly signers: readonly { readonly privateKey: Hex; readonly address: Hex }[];
  readonly documents: readonly {
    readonly document: GovernanceDocument;
    /** Of each approval. */
    readonly typedDigests: readonly Hex[];
    readonly bytes: Hex;
    readonly digest: Hex;
  }[];
};

const { governance, signers, documents } = JSON.parse(
  readFileSync(join(import.meta.dirname, "vectors", "governance.json"), "utf8"),
) as Vector;

/** The pinned types, written out a second time. */
const TYPES: Readonly<Record<GovernanceDocument["kind"], string>> = {
  pause: "Pause(address guardian,string feed,string action,uint64 until,uint64 nonce)",
  accept: "Accept(address governor,string feed,bytes32 config,uint64 gapAt,uint64 nonce)",
  rollback: "Rollback(address governor,bytes32 from,bytes32 to,uint64 nonce)",
  removal: "Removal(address governor,address guardian,uint64 nonce)",
  config: "Config(uint64 version,bytes32 replaces,bytes32 config,uint64 activation,uint64 replayTo,bytes32 replay)",
};

function messageOf(document: GovernanceDocument, keyholder: Hex, nonce: number): Record<string, unknown> {
  switch (document.kind) {
    case "pause": {
      const { feed, action, until } = document;
      return { guardian: keyholder, feed, action, until, nonce };
    }
    case "accept": {
      const { feed, configDigest: config, gapAt } = document;
      return { governor: keyholder, feed, config, gapAt, nonce };
    }
    case "rollback":
      return { governor: keyholder, from: document.from, to: document.to, nonce };
    case "removal":
      return { governor: keyholder, guardian: document.guardian, nonce };
    case "config": {
      const { version, replaces, configDigest: config, activation, replayTo, replay } = document;
      return { version, replaces, config, activation, replayTo, replay };
    }
  }
}

function packedContent(document: GovernanceDocument): readonly Hex[] {
  const u64 = (value: number): Hex => encodePacked(["uint64"], [BigInt(value)]);
  const text = (value: string): Hex => encodePacked(["uint8", "string"], [value.length, value]);
  switch (document.kind) {
    case "pause":
      return [text(document.feed), packed8(["withdraw", "robust", "none"].indexOf(document.action)), u64(document.until)];
    case "accept":
      return [text(document.feed), document.configDigest, u64(document.gapAt)];
    case "rollback":
      return [document.from, document.to];
    case "removal":
      return [document.guardian];
    case "config": {
      const { version, replaces, configDigest, activation, replayTo, replay, config } = document;
      const json = stringToHex(canonicalJson(config as unknown as Json));
      const lengths = encodePacked(["uint32"], [(json.length - 2) / 2]);
      const head: Hex = encodePacked(["uint32"], [version]);
      return [head, replaces, configDigest, u64(activation), u64(replayTo), replay, lengths, json];
    }
  }
}

function packed8(value: number): Hex {
  return encodePacked(["uint8"], [value]);
}

describe.each(documents.map((item, index) => [`${index} ${item.document.kind}`, item] as const))(
  "document %s",
  (_, { document, typedDigests, bytes, digest }) => {
    test("canonical bytes and digest", () => {
      const parsed = document.kind === "config" ? { ...document, config: parsedConfig(document.config) } : document;
      const kind = ["pause", "accept", "rollback", "removal", "config"].indexOf(document.kind);
      const approvals = document.approvals.flatMap(({ keyholder, nonce, signature }): readonly Hex[] => [
        keyholder,
        encodePacked(["uint64"], [BigInt(nonce)]),
        signature,
      ]);
      const packed = [packed8(1), packed8(kind), ...packedContent(document), packed8(document.approvals.length), ...approvals];
      expect(`0x${packed.map((part) => part.slice(2)).join("")}`).toBe(bytes);
      expect(toHex(encodeDocument(parsed))).toBe(bytes);
      expect(keccak256(bytes)).toBe(digest);
      const decoded = decodeSignedDocument(fromHex(bytes), { governance, domain, scheme: noble });
      expect(decoded).toEqual({ ok: true, value: { digest, bytes: fromHex(bytes), document: parsed } });
    });

    test("what each keyholder signs", async () => {
      for (const [index, { keyholder, nonce, signature }] of document.approvals.entries()) {
        const { privateKey } = present(signers.find(({ address }) => address === keyholder));
        const typed = typedData(document, keyholder, nonce);
        expect(hashTypedData(typed)).toBe(typedDigests[index]);
        expect(await privateKeyToAccount(privateKey).signTypedData(typed)).toBe(signature);
        const key = { scheme: noble, privateKey: fromHex(privateKey), address: keyholder };
        expect(approveDocument(document, key, nonce, domain)).toEqual({ keyholder, nonce, signature });
      }
    });
  },
);

test("every kind has a vector", () => {
  expect([...new Set(documents.map(({ document }) => document.kind))].sort()).toEqual(Object.keys(TYPES).sort());
});

function parsedConfig(input: unknown) {
  const parsed = parseNetworkConfig(input);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

function typedData(document: GovernanceDocument, keyholder: Hex, nonce: number) {
  const [primaryType = "", fields = ""] = TYPES[document.kind].slice(0, -1).split("(");
  const types = fields.split(",").map((field) => {
    const [type = "", name = ""] = field.split(" ");
    return { name, type };
  });
  const { name, version, salt } = domain;
  const message = messageOf(document, keyholder, nonce);
  return { domain: { name, version, salt }, types: { [primaryType]: types }, primaryType, message } as never;
}
