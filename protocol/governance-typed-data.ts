import { type Digest, type Hex, keccakHex, utf8 } from "./bytes.ts";
import { type Domain, typedDigest, typeHash } from "./eip712.ts";
import type { Approval, DocumentKind, GovernanceDocument } from "./governance.ts";

type FieldType = "address" | "string" | "uint64" | "bytes32";
type Field = { readonly name: string; readonly type: FieldType };
type Struct = { readonly primaryType: string; readonly fields: readonly Field[] };
type Value = string | number;

/** The pinned EIP-712 types of what guardians and governors sign, made of words that a wallet can show. */
const STRUCTS = {
  pause: struct("Pause", "address guardian,string feed,string action,uint64 until,uint64 nonce"),
  accept: struct("Accept", "address governor,string feed,bytes32 config,uint64 gapAt,uint64 nonce"),
  rollback: struct("Rollback", "address governor,bytes32 from,bytes32 to,uint64 nonce"),
  removal: struct("Removal", "address governor,address guardian,uint64 nonce"),
  config: struct("Config", "uint64 version,bytes32 replaces,bytes32 config,uint64 activation,uint64 replayTo,bytes32 replay"),
} as const satisfies Record<DocumentKind, Struct>;

const TYPEHASHES = Object.fromEntries(
  Object.entries(STRUCTS).map(([kind, { primaryType, fields }]) => [kind, typeHash(`${primaryType}(${signatureOf(fields)})`)]),
) as Readonly<Record<DocumentKind, Uint8Array>>;

const DOMAIN_FIELDS: readonly { readonly name: string; readonly type: string }[] = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "salt", type: "bytes32" },
];

/** What is signed of a document: a config by its digest. */
export type SignedContent = GovernanceDocument extends infer D
  ? D extends unknown
    ? Omit<D, "approvals" | "config">
    : never
  : never;

/** Who signs, and his nonce; of a config neither is signed: all its governors sign the very same. */
export type Signatory = Pick<Approval, "keyholder" | "nonce">;

/** What a wallet is asked to sign, in the form of `eth_signTypedData_v4`; plain JSON. */
export type TypedData = {
  readonly domain: Pick<Domain, "name" | "version" | "salt">;
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, Value>>;
};

/**
 * EIP-712 typed data of one keyholder's approval. ethers wants `types` without `EIP712Domain`, wallets and viem take it as it is.
 *
 * @example
 * typedDataOf({ kind: "pause", feed: "ETH/USD", action: "none", until: 1795300000000 }, { keyholder: "0x…", nonce: 1 }, domain);
 * // { primaryType: "Pause", message: { guardian: "0x…", feed: "ETH/USD", action: "none", until: 1795300000000, nonce: 1 }, … }
 */
export function typedDataOf(content: SignedContent, signatory: Signatory, { name, version, salt }: Domain): TypedData {
  const { primaryType, fields } = STRUCTS[content.kind];
  const values = valuesOf(content, signatory);
  return {
    domain: { name, version, salt },
    types: { EIP712Domain: DOMAIN_FIELDS, [primaryType]: fields },
    primaryType,
    message: Object.fromEntries(fields.map((field, index) => [field.name, values[index] ?? ""])),
  };
}

/** The digest that the keyholder's signature is of. */
export function approvalDigest(content: SignedContent, signatory: Signatory, domain: Domain): Digest {
  const values = valuesOf(content, signatory);
  const words: readonly (number | Hex)[] = STRUCTS[content.kind].fields.map(({ type }, index) =>
    wordOf(type, values[index] ?? ""),
  );
  return typedDigest(domain, TYPEHASHES[content.kind], words);
}

/** The struct's values in the order of its fields. */
function valuesOf(content: SignedContent, { keyholder, nonce }: Signatory): readonly Value[] {
  switch (content.kind) {
    case "pause":
      return [keyholder, content.feed, content.action, content.until, nonce];
    case "accept":
      return [keyholder, content.feed, content.configDigest, content.gapAt, nonce];
    case "rollback":
      return [keyholder, content.from, content.to, nonce];
    case "removal":
      return [keyholder, content.guardian, nonce];
    case "config":
      return [content.version, content.replaces, content.configDigest, content.activation, content.replayTo, content.replay];
  }
}

/** A text is signed by its hash; numbers and hex are words already. */
function wordOf(type: FieldType, value: Value): number | Hex {
  return type === "string" ? keccakHex(utf8(String(value))) : (value as number | Hex);
}

function struct(primaryType: string, signature: string): Struct {
  const fields = signature.split(",").map((text): Field => {
    const [type = "", name = ""] = text.split(" ");
    return { name, type: type as FieldType };
  });
  return { primaryType, fields };
}

function signatureOf(fields: readonly Field[]): string {
  return fields.map(({ name, type }) => `${type} ${name}`).join(",");
}
