import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkApprovals } from "../../../cli/governance/consent.ts";
import { readDraft, writeDraft } from "../../../cli/governance/document-file.ts";
import { followTransitions, parseChanges, trustNetwork } from "../../../client/committee.ts";
import { OperationalError } from "../../../node/io/operational-error.ts";
import { fromHex } from "../../../protocol/bytes.ts";
import type { Certificate } from "../../../protocol/certificate.ts";
import { configDigest } from "../../../protocol/config.ts";
import { roundDigest } from "../../../protocol/eip712.ts";
import { approvedDocument, decodeSignedDocument } from "../../../protocol/governance-codec.ts";
import type { Transition } from "../../../protocol/transition.ts";
import { changed, keysOf, transitionInto } from "../../client/changing.ts";
import { GOVERNORS, GUARDIANS } from "../../support/governance.ts";
import { scheme } from "../../support/network.ts";
import { classOf, ensure, type Target } from "../target.ts";
import { FIRST_ROUND, network } from "./chain.ts";
import { DOCUMENTS } from "./governance-memory.ts";

/** Committees of four after one another: one member leaves and one comes. */
const ROTATED = changed(network, keysOf(1, 2, 3, 4));
const THIRD = changed(ROTATED, keysOf(2, 3, 4, 5));
const ALL_KEYS = keysOf(0, 1, 2, 3, 4, 5);
const KEYHOLDERS = [...GOVERNORS, ...GUARDIANS].map(({ address }, index) => ({
  ...{ address, name: `holder${index}`, role: index < GOVERNORS.length ? ("governor" as const) : ("guardian" as const) },
  ...{ nonce: 0, usedMs: 0, usedAt: 0 },
}));

/** A JSON text, read as a gateway's transitions and as a document that goes from keyholder to keyholder. */
export const changes: Target = {
  name: "changes",
  about:
    "transitions as a gateway gives them to a consumer, as they came and as everybody would have signed them; documents as files",
  covers: ["client/committee.ts", "cli/governance/", "protocol/transition.ts", "protocol/governance-codec.ts"],
  shape: "json",
  maxBytes: 64 * 1024,
  batch: 1,
  limitMs: 2_000,
  maxAllocation: 64 * 2 ** 20,
  dictionary: [
    ...[
      "genesis",
      "more",
      "transitions",
      "config",
      "certificate",
      "header",
      "signatures",
      "signer",
      "version",
      "committee",
      "roundMs",
    ],
    ...["content", "approvals", "kind", "pause", "accept", "rollback", "removal", "withdraw", "until", "nonce", "keyholder", "*"],
    ...["9007199254740991", "9007199254740992", "4294967296", "ETH/USD", "CHAIN/ETHEREUM"],
  ],
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "breakwater-fuzz-changes-"));
    return {
      seeds: seedsOf(),
      execute: (input) => execute(folder, input),
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

function seedsOf(): readonly Uint8Array[] {
  const into = [
    transitionInto(ROTATED, FIRST_ROUND, keysOf(1, 2, 3)),
    transitionInto(THIRD, FIRST_ROUND + 9, keysOf(2, 3, 4)),
    transitionInto(network, FIRST_ROUND + 20, keysOf(0, 1, 2, 3, 4)),
  ];
  const { config: genesis } = network;
  const seeds: readonly unknown[] = [
    { genesis, more: false, transitions: into.slice(0, 1) },
    { genesis, more: true, transitions: into.slice(0, 2) },
    { more: false, transitions: into.slice(1, 2) },
    { genesis, more: false, transitions: into },
    ...DOCUMENTS.slice(0, 12).map(({ document: { approvals, ...content } }) => ({ content, approvals })),
  ];
  return seeds.map((item) => new Uint8Array(Buffer.from(JSON.stringify(item))));
}

async function execute(folder: string, input: Uint8Array): Promise<string> {
  const text = Buffer.from(input).toString("utf8");
  return `${follow(text)} | ${await readFile(folder, text)}`;
}

function follow(text: string): string {
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch {
    return "not JSON";
  }
  const parsed = parseChanges(plain);
  if (!parsed.ok) return classOf(parsed.error);
  const { transitions, genesis } = parsed.value;
  ensure(genesis === undefined || genesis.genesisConfigDigest === genesis.configDigest, "a genesis is its own");
  return `${lead(transitions)}, signed ${lead(transitions.map(signedByAll))}`;
}

/** Whoever is followed: the config of the newest transition, each of a later round than the one before it. */
function lead(transitions: readonly Transition[]): string {
  const followed = followTransitions(trustNetwork(network), transitions, { scheme });
  if (!followed.ok) return classOf(followed.error);
  const eras = followed.value.eras ?? [];
  ensure(eras.length === transitions.length + 1, "each transition begins an era");
  eras.slice(1).forEach(({ fromRound, network: reached }, index) => {
    const { config, certificate } = transitions[index] ?? {};
    ensure(fromRound > (eras[index]?.fromRound ?? fromRound), "eras begin one after another");
    ensure(fromRound === certificate?.header.round, "an era begins with its first round");
    ensure(config !== undefined && configDigest(config) === reached.configDigest, "an era is of the config that is transmitted");
    ensure(reached.domain.salt === network.domain.salt, "a network keeps its domain");
    ensure(certificate !== undefined && isByBoth(certificate, eras[index]?.network ?? network, reached), "both quorums signed");
  });
  return `leads ${eras.length}`;
}

function isByBoth({ signatures }: Certificate, ...networks: readonly (typeof network)[]): boolean {
  return networks.every(({ committee: { members, quorum } }) => {
    const signers = new Set(signatures.map(({ signer }) => signer));
    return members.filter(({ address }) => signers.has(address)).length >= quorum;
  });
}

/** The same round of the config that is transmitted, signed by everybody who ever was a member. */
function signedByAll({ config, certificate }: Transition): Transition {
  const header = { ...certificate.header, configDigest: configDigest(config) };
  const { round } = header;
  const timed = { ...header, timestamp: round * config.roundMs, validUntil: round * config.roundMs + config.leaseMs };
  if (!Number.isSafeInteger(timed.validUntil)) return { config, certificate };
  const digest = fromHex(roundDigest(network.domain, timed));
  const members = new Set([...network.config.committee, ...config.committee].map(({ address }) => address));
  const signers = ALL_KEYS.filter(({ address }) => members.has(address));
  const signatures = signers.map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(digest, privateKey) }));
  return { config, certificate: { header: timed, signatures } };
}

/** What `breakwater governance` does with a file that somebody sent: says what is wrong, or hands on just what was signed. */
async function readFile(folder: string, text: string): Promise<string> {
  const path = join(folder, "document.json");
  writeFileSync(path, text);
  try {
    const draft = await readDraft(path);
    writeDraft(path, draft, path);
    ensure(JSON.stringify(await readDraft(path)) === JSON.stringify(draft), "a document is written as it was read");
    const { domain } = network;
    checkApprovals(draft, { network: network.config.network, domain, keyholders: KEYHOLDERS }, scheme);
    if (draft.approvals.length === 0) return "approved by nobody";
    const { bytes } = approvedDocument(draft.content, draft.approvals);
    const decoded = decodeSignedDocument(bytes, { governance: network.config.governance, domain, scheme });
    return decoded.ok ? `a document ${decoded.value.document.kind}` : `sealed, ${classOf(decoded.error)}`;
  } catch (error) {
    if (error instanceof OperationalError) return `${error.code} ${classOf(error.message.replace(/^[^:]*: /, ""))}`;
    throw error;
  }
}
