import { keccakHex, toHex } from "../../../protocol/bytes.ts";
import { decodeSignedDocument, encodeDocument } from "../../../protocol/governance-codec.ts";
import type { Secp256k1 } from "../../../protocol/secp256k1.ts";
import { decodeTransition, encodeTransition, verifyTransition } from "../../../protocol/transition.ts";
import { scheme } from "../../support/network.ts";
import { joined } from "../mutate-bytes.ts";
import { classOf, ensure, type Target } from "../target.ts";
import { honestChain, network } from "./chain.ts";
import { sameAgain } from "./gossip.ts";
import { CHANGED, DOCUMENTS } from "./governance-memory.ts";

const KINDS = ["document", "believed", "transition"] as const;
/** Version and kind; from the end of an approval back: its keyholder, nonce and signature. */
const APPROVAL_BYTES = 93;

/** The kind, then the bytes: a document as it came, one whose signatures are believed, or a transition. */
export const governance: Target = {
  name: "governance",
  about:
    "documents of guardians and governors, signed and as if signed, and transitions between configs; one value has one encoding",
  covers: [
    "protocol/governance-codec.ts",
    "protocol/governance-typed-data.ts",
    "protocol/config-codec.ts",
    "protocol/transition.ts",
  ],
  shape: "bytes",
  maxBytes: 64 * 1024,
  batch: 16,
  limitMs: 500,
  maxAllocation: 16 * 2 ** 20,
  dictionary: ["ETH/USD", "CHAIN/ETHEREUM", "*", "\x00\x00\x00\x00", "\xff\xff\xff\xff", '"version":2', "9007199254740991"],
  open: async () => ({ seeds: seedsOf(), execute, close: async () => undefined }),
};

/** Gives whom the first bytes of a signature name: what lies behind a signature is reached without one. */
const believing: Secp256k1 = { ...scheme, recover: (_, signature) => signature.slice(0, 42) as `0x${string}` };

function seedsOf(): readonly Uint8Array[] {
  const tagged = (kind: (typeof KINDS)[number], bytes: Uint8Array) => joined(Uint8Array.of(KINDS.indexOf(kind)), bytes);
  const certificates = honestChain(1).map(({ certificate }) => ({
    ...certificate,
    header: { ...certificate.header, configDigest: CHANGED.configDigest },
  }));
  return [
    ...DOCUMENTS.map(({ bytes }) => tagged("document", bytes)),
    ...DOCUMENTS.map(({ bytes, document }) => tagged("believed", believable(bytes, document.approvals.length))),
    ...certificates.map((certificate) => tagged("transition", encodeTransition({ config: CHANGED.config, certificate }))),
  ];
}

/** Every signature begins with its keyholder. */
function believable(bytes: Uint8Array, approvals: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let at = copy.length - approvals * APPROVAL_BYTES; at < copy.length; at += APPROVAL_BYTES) {
    copy.copyWithin(at + 28, at, at + 20);
  }
  return copy;
}

function execute(input: Uint8Array): string {
  const kind = KINDS[(input[0] ?? 0) % KINDS.length] ?? "document";
  const bytes = input.subarray(1);
  return `${kind} ${kind === "transition" ? openTransition(bytes) : openDocument(bytes, kind === "believed" ? believing : scheme)}`;
}

function openDocument(bytes: Uint8Array, by: Secp256k1): string {
  const { governance: trusted } = network.config;
  const decoded = decodeSignedDocument(bytes, { governance: trusted, domain: network.domain, scheme: by });
  if (!decoded.ok) return classOf(decoded.error);
  const { document, digest } = decoded.value;
  ensure(toHex(encodeDocument(document)) === toHex(bytes), "a document has one encoding");
  ensure(digest === keccakHex(bytes), "a document's digest is that of its bytes");
  return document.kind;
}

function openTransition(bytes: Uint8Array): string {
  const decoded = decodeTransition(bytes);
  const outcome = sameAgain(bytes, decoded, encodeTransition);
  if (!decoded.ok) return outcome;
  const verified = verifyTransition(decoded.value, { from: network, round: 0 }, scheme);
  return verified.ok ? "leads on" : verified.error.code;
}
