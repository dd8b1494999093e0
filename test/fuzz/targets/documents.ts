import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyCommand } from "../../../cli/commands/verify.ts";
import { trustCommittee, trustGenesis } from "../../../client/committee.ts";
import { decide } from "../../../client/policy.ts";
import { verifyDocument, verifyText } from "../../../client/verify.ts";
import { toCommitteeDocument } from "../../../gateway/documents.ts";
import { OperationalError } from "../../../node/io/operational-error.ts";
import { fromHex, isHex } from "../../../protocol/bytes.ts";
import { verifyCertificate } from "../../../protocol/certificate.ts";
import {
  decodeReport,
  encodeReport,
  headerSchema,
  type ReportDocument,
  reportSchema,
  toBundleDocument,
  toFeedDocument,
} from "../../../protocol/document.ts";
import { roundDigest } from "../../../protocol/eip712.ts";
import { evidenceSchema, verifyEvidence } from "../../../protocol/evidence.ts";
import { foldProof } from "../../../protocol/merkle.ts";
import { leafHash, reportTuple } from "../../../protocol/report.ts";
import { run, session, stdinOf } from "../../cli/session.ts";
import { scheme } from "../../support/network.ts";
import { certify, verdict } from "../../support/rounds.ts";
import { classOf, ensure, type Target } from "../target.ts";
import { FEEDS, FIRST_ROUND, keys, network } from "./chain.ts";

const AT = FIRST_ROUND * network.config.roundMs;
const trust = { committee: network.committee, domain: network.domain };

/** A JSON document, as it came and as the committee would have signed it. */
export const documents: Target = {
  name: "documents",
  about: "feed documents, bundles, committee documents and evidence in client/ and `breakwater verify`",
  covers: [
    "client/",
    "protocol/document.ts",
    "protocol/evidence.ts",
    "protocol/certificate.ts",
    "cli/commands/verify.ts",
    "cli/verdict-lines.ts",
    "cli/words.ts",
  ],
  shape: "json",
  maxBytes: 64 * 1024,
  batch: 1,
  limitMs: 1_000,
  maxAllocation: 16 * 2 ** 20,
  dictionary: [
    "feeds",
    "proof",
    "header",
    "signatures",
    "report",
    "path",
    "permits",
    "breaker",
    "reasons",
    "validUntil",
    "9007199254740991",
    "0x",
  ],
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "breakwater-fuzz-documents-"));
    const committee = join(folder, "committee.json");
    writeFileSync(committee, JSON.stringify(toCommitteeDocument(network, true)));
    return {
      seeds: seedsOf(),
      execute: (input) => execute(input, committee),
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

function seedsOf(): readonly Uint8Array[] {
  const jump = { rule: "jump", unit: "Bps", measured: 420, limit: 300 } as const;
  const open = { state: "open", liquidate: "robust", borrow: false, budgetBps: 0, reasons: 1 } as const;
  const verdicts = FEEDS.map((feed, index) => (index === 2 ? verdict(feed, AT, open, [jump]) : verdict(feed, AT)));
  const round = certify({ network, round: FIRST_ROUND, verdicts });
  const { header } = round.certificate;
  const statements = [header, { ...header, stateRoot: header.reportsRoot }].map((struct) => ({
    struct,
    signature: scheme.sign(fromHex(roundDigest(network.domain, struct)), keys[0]?.privateKey ?? new Uint8Array(32)),
  }));
  const far = { ...header, timestamp: Number.MAX_SAFE_INTEGER, validUntil: Number.MAX_SAFE_INTEGER };
  const seeds: readonly unknown[] = [
    { ...toBundleDocument({ round, feeds: FEEDS }), header: far },
    ...FEEDS.map((feed) => toFeedDocument({ round, feed })),
    toBundleDocument({ round, feeds: FEEDS }),
    toBundleDocument({ round, feeds: FEEDS.slice(0, 1) }),
    toCommitteeDocument(network, false),
    toCommitteeDocument(network, true),
    { kind: "round", signer: keys[0]?.address, statements },
  ];
  return seeds.map((document) => new Uint8Array(Buffer.from(JSON.stringify(document))));
}

async function execute(input: Uint8Array, committee: string): Promise<string> {
  const text = Buffer.from(input).toString("utf8");
  const verified = verifyText(text, { trust, scheme });
  const document = parsed(text);
  if (document === undefined) return `not JSON ${await verifyByCommand(text, committee)}`;
  const signed = resigned(document);
  const proven = signed === undefined ? verified : verifyDocument(signed, { trust, scheme });
  for (const report of proven.reports) {
    const again = decodeReport(encodeReport(report));
    ensure(again.ok, "a report that decodes encodes");
    decide("borrow", report.feed, proven, { now: AT + 1_000, maxAgeMs: 60_000 });
  }
  const words = [
    verified.faults.map(({ part, detail }) => `${part} ${classOf(detail)}`).slice(0, 2),
    proven.ok ? "proven" : proven.faults.map(({ part }) => part).slice(0, 2),
    trusts(document),
    convicts(document),
    await verifyByCommand(signed === undefined ? text : (written(signed) ?? text), committee),
  ];
  return words.join(" | ");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON.parse goes deeper than JSON.stringify: what it cannot write again is taken as it came. */
function written(document: unknown): string | undefined {
  try {
    return JSON.stringify(document);
  } catch {
    return undefined;
  }
}

/** The document with its leaf's root put into its header and the header signed; undefined when there is no header to sign. */
function resigned(document: unknown): unknown {
  if (typeof document !== "object" || document === null) return undefined;
  const holder = "proof" in document ? document.proof : document;
  if (typeof holder !== "object" || holder === null || !("header" in holder)) return undefined;
  const header = headerSchema.safeParse(holder.header);
  if (!header.success) return undefined;
  const root = "report" in holder && "path" in holder ? rootOf(holder.report, holder.path) : undefined;
  const certified = certify({ network, round: 1, verdicts: [] }).certificate;
  const struct = { ...header.data, ...(root === undefined ? {} : { reportsRoot: root }) };
  const hash = fromHex(roundDigest(network.domain, struct));
  const signatures = certified.signatures.map(({ signer }) => {
    const key = keys.find(({ address }) => address === signer);
    return { signer, signature: scheme.sign(hash, key?.privateKey ?? new Uint8Array(32)) };
  });
  ensure(verifyCertificate({ header: struct, signatures }, { ...trust, scheme }).ok, "what the committee signs is a certificate");
  const { round, timestamp, validUntil } = struct;
  const shown = { round, timestamp, validUntil };
  const proof = { ...holder, header: struct, signatures };
  return "proof" in document ? { ...document, ...shown, proof } : { ...proof, ...shown };
}

function rootOf(report: unknown, path: unknown): `0x${string}` | undefined {
  const texts = reportSchema.safeParse(report);
  const leaf = texts.success ? decodeReport(texts.data as ReportDocument) : undefined;
  if (leaf?.ok !== true) return undefined;
  ensure(JSON.stringify(encodeReport(leaf.value)) === JSON.stringify(report), "a leaf has one spelling");
  const steps = Array.isArray(path) ? path.filter((step): step is `0x${string}` => isHex(step, 32)) : [];
  return foldProof(leafHash(reportTuple(leaf.value)), steps.map(fromHex));
}

function trusts(document: unknown): string {
  const stated = trustCommittee(document);
  const genesis = trustGenesis(document, network.genesisConfigDigest);
  return `${stated.ok ? "trusts" : classOf(stated.error)} ${genesis.ok}`;
}

function convicts(document: unknown): string {
  const evidence = evidenceSchema.safeParse(document);
  if (!evidence.success) return "no evidence";
  const verdictOf = verifyEvidence(evidence.data, { ...trust, scheme });
  return verdictOf.ok ? "convicts" : verdictOf.error;
}

/** What the program does with the same text on its standard input: whatever is wrong is said in a line. */
async function verifyByCommand(text: string, committee: string): Promise<string> {
  const terminal = session({ stdin: stdinOf(text), now: () => AT + 1_200 });
  try {
    await run(verifyCommand(terminal), "-", "--committee", committee, "--max-age", "60000");
    return "verifies";
  } catch (error) {
    if (error instanceof OperationalError) return String(error.code);
    throw error;
  }
}
