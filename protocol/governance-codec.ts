import { type Address, fromHex, keccakHex, toHex } from "./bytes.ts";
import { createReader, createWriter, type Reader, type Writer } from "./codec.ts";
import type { GovernanceConfig } from "./config.ts";
import { decodeConfig, MAX_CONFIG_BYTES, readConfigBytes, writeConfig } from "./config-codec.ts";
import type { Domain } from "./eip712.ts";
import { compareText, type FeedId, MAX_FEED_ID_BYTES, parseFeedId } from "./feed.ts";
import {
  ALL_FEEDS,
  type Approval,
  type DocumentContent,
  type DocumentKind,
  type FeedScope,
  type GovernanceDocument,
  PAUSE_ACTIONS,
  type SignedDocument,
} from "./governance.ts";
import { approvalDigest, type SignedContent } from "./governance-typed-data.ts";
import { fail, ok, type Result } from "./result.ts";
import { type Secp256k1, SIGNATURE_BYTES } from "./secp256k1.ts";

export const DOCUMENT_VERSION = 1;
export const MAX_APPROVALS = 64;
/** A keyholder, his nonce and his signature. */
const APPROVAL_BYTES = 20 + 8 + SIGNATURE_BYTES;
/** Version, kind and approvals, and the largest content: a config with its six numbers and digests. */
export const MAX_DOCUMENT_BYTES = 2 + (4 + 32 + 32 + 8 + 8 + 32 + 4 + MAX_CONFIG_BYTES) + 1 + MAX_APPROVALS * APPROVAL_BYTES;

/** The second byte of a document; the order is pinned. */
const KINDS = ["pause", "accept", "rollback", "removal", "config"] as const satisfies readonly DocumentKind[];

/** Whose signatures count, and for which network. */
export type DocumentTrust = { readonly governance: GovernanceConfig; readonly domain: Domain; readonly scheme: Secp256k1 };

/** A keyholder's key, as it signs. */
export type KeyholderKey = { readonly scheme: Secp256k1; readonly privateKey: Uint8Array; readonly address: Address };

/** The config inside is not parsed before its signatures are verified: only governors can make a node do that work. */
type ReadContent =
  | Exclude<SignedContent, { readonly kind: "config" }>
  | (Extract<SignedContent, { readonly kind: "config" }> & { readonly json: Uint8Array });

/** Canonical bytes: version, kind, the content's fields, the approvals. Their keccak is the document's digest. */
export function encodeDocument(document: GovernanceDocument): Uint8Array {
  const writer = createWriter();
  writer.u8(DOCUMENT_VERSION);
  writer.u8(KINDS.indexOf(document.kind));
  writeContent(writer, document);
  writer.u8(document.approvals.length);
  for (const { keyholder, nonce, signature } of document.approvals) {
    writer.bytes(fromHex(keyholder));
    writer.u64(nonce);
    writer.bytes(fromHex(signature));
  }
  return writer.finish();
}

/** The document with its bytes and its digest. Nothing is verified: whoever has approved it knows what it says. */
export function sealDocument(document: GovernanceDocument): SignedDocument {
  const bytes = encodeDocument(document);
  return { digest: keccakHex(bytes), bytes, document };
}

/** One keyholder's consent. His nonce must be above every earlier one; a config takes none, whatever is given. */
export function approveDocument(content: DocumentContent, key: KeyholderKey, nonce: number, domain: Domain): Approval {
  const signatory = { keyholder: key.address, nonce: content.kind === "config" ? 0 : nonce };
  const digest = approvalDigest(content, signatory, domain);
  return { ...signatory, signature: key.scheme.sign(fromHex(digest), key.privateKey) };
}

/** A content with its approvals, sealed; they may come in any order. */
export function approvedDocument(content: DocumentContent, approvals: readonly Approval[]): SignedDocument {
  const ordered = [...approvals].sort((a, b) => compareText(a.keyholder, b.keyholder));
  return sealDocument({ ...content, approvals: ordered } as GovernanceDocument);
}

/**
 * Two halves of one document that different keyholders approved, as one. Faults: they do not say the same, one keyholder approved both
 * of them differently, or there would be more than {@link MAX_APPROVALS}.
 */
export function mergeDocuments(first: GovernanceDocument, second: GovernanceDocument): Result<SignedDocument, string> {
  const bare = (document: GovernanceDocument) => toHex(encodeDocument({ ...document, approvals: [] }));
  if (bare(first) !== bare(second)) return fail("the two documents do not say the same");
  const approvals = new Map(first.approvals.map((approval) => [approval.keyholder, approval]));
  for (const approval of second.approvals) {
    const known = approvals.get(approval.keyholder);
    if (known !== undefined && (known.nonce !== approval.nonce || known.signature !== approval.signature)) {
      return fail(`${approval.keyholder} approved the two documents differently`);
    }
    approvals.set(approval.keyholder, approval);
  }
  if (approvals.size > MAX_APPROVALS) return fail(`expected at most ${MAX_APPROVALS} approvals, found ${approvals.size}`);
  return ok(approvedDocument(first, [...approvals.values()]));
}

/**
 * Total: canonical bytes in which every approval is the signature of its keyholder, who is a governor or guardian of the config of the
 * round; keyholders in ascending order, at least one; a config's content parses and is the one that its digest names. How many of whom
 * it takes, nonces, times and allowances are the fold's to judge.
 */
export function decodeSignedDocument(
  bytes: Uint8Array,
  { governance, domain, scheme }: DocumentTrust,
): Result<SignedDocument, string> {
  if (bytes.length > MAX_DOCUMENT_BYTES) return fail(`expected at most ${MAX_DOCUMENT_BYTES} bytes`);
  const reader = createReader(bytes);
  const content = readContent(reader);
  const approvals = readApprovals(reader, content.kind);
  const fault = reader.end();
  if (fault !== undefined) return fail(fault);
  const keyholders = new Set([...governance.governors, ...governance.guardians].map(({ address }) => address));
  for (const { keyholder, nonce, signature } of approvals) {
    if (!keyholders.has(keyholder)) return fail(`${keyholder} is neither a governor nor a guardian`);
    const digest = approvalDigest(content, { keyholder, nonce }, domain);
    if (scheme.recover(fromHex(digest), signature) !== keyholder) return fail(`not signed by ${keyholder}`);
  }
  const document = completeContent(content, approvals);
  return document.ok ? ok({ digest: keccakHex(bytes), bytes, document: document.value }) : document;
}

function completeContent(content: ReadContent, approvals: readonly Approval[]): Result<GovernanceDocument, string> {
  if (content.kind !== "config") return ok({ ...content, approvals });
  const { json, ...fields } = content;
  const config = decodeConfig(json, fields.configDigest);
  if (!config.ok) return config;
  if (config.value.version !== fields.version) return fail(`config: expected version ${fields.version}`);
  return ok({ ...fields, config: config.value, approvals });
}

function writeContent(writer: Writer, document: DocumentContent): void {
  switch (document.kind) {
    case "pause":
      writer.text(document.feed);
      writer.u8(PAUSE_ACTIONS.indexOf(document.action));
      writer.u64(document.until);
      break;
    case "accept":
      writer.text(document.feed);
      writer.bytes(fromHex(document.configDigest));
      writer.u64(document.gapAt);
      break;
    case "rollback":
      writer.bytes(fromHex(document.from));
      writer.bytes(fromHex(document.to));
      break;
    case "removal":
      writer.bytes(fromHex(document.guardian));
      break;
    case "config":
      writer.u32(document.version);
      writer.bytes(fromHex(document.replaces));
      writer.bytes(fromHex(document.configDigest));
      writer.u64(document.activation);
      writer.u64(document.replayTo);
      writer.bytes(fromHex(document.replay));
      writeConfig(writer, document.config);
  }
}

function readContent(reader: Reader): ReadContent {
  if (reader.u8() !== DOCUMENT_VERSION) reader.refuse(`expected document version ${DOCUMENT_VERSION}`);
  const kind = KINDS[reader.u8()];
  const digest = () => toHex(reader.bytes(32));
  switch (kind) {
    case "pause":
      return { kind, feed: readScope(reader), action: readAction(reader), until: reader.u64() };
    case "accept":
      return { kind, feed: readFeed(reader), configDigest: digest(), gapAt: reader.u64() };
    case "rollback":
      return { kind, from: digest(), to: digest() };
    case "removal":
      return { kind, guardian: toHex(reader.bytes(20)) };
    case "config": {
      const named = { version: reader.u32(), replaces: digest(), configDigest: digest(), activation: reader.u64() };
      return { kind, ...named, replayTo: reader.u64(), replay: digest(), json: readConfigBytes(reader) };
    }
    default:
      reader.refuse("expected a kind of document");
      return { kind: "rollback", from: digest(), to: digest() };
  }
}

function readAction(reader: Reader): (typeof PAUSE_ACTIONS)[number] {
  const action = PAUSE_ACTIONS[reader.u8()];
  if (action === undefined) reader.refuse("expected an action");
  return action ?? "withdraw";
}

function readScope(reader: Reader): FeedScope {
  const text = reader.text(MAX_FEED_ID_BYTES);
  return text === ALL_FEEDS ? ALL_FEEDS : feedFrom(reader, text);
}

function readFeed(reader: Reader): FeedId {
  return feedFrom(reader, reader.text(MAX_FEED_ID_BYTES));
}

function feedFrom(reader: Reader, text: string): FeedId {
  const feed = parseFeedId(text);
  if (!feed.ok) reader.refuse(feed.error);
  return feed.ok ? feed.value : ("" as FeedId);
}

function readApprovals(reader: Reader, kind: DocumentKind): readonly Approval[] {
  const count = reader.u8();
  if (count < 1 || count > MAX_APPROVALS) reader.refuse(`expected 1 to ${MAX_APPROVALS} approvals`);
  const approvals: Approval[] = [];
  while (approvals.length < count && reader.fault() === undefined) {
    const approval = {
      keyholder: toHex(reader.bytes(20)),
      nonce: reader.u64(),
      signature: toHex(reader.bytes(SIGNATURE_BYTES)),
    };
    if (approval.keyholder <= (approvals.at(-1)?.keyholder ?? "")) reader.refuse("keyholders not in ascending order");
    if (kind === "config" && approval.nonce !== 0) reader.refuse("a config is approved without a nonce");
    approvals.push(approval);
  }
  return approvals;
}
