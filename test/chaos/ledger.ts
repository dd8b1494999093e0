import { verifyBundleDocument } from "../../client/verify.ts";
import { type Address, type Digest, fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { verifyCertificate } from "../../protocol/certificate.ts";
import type { Network } from "../../protocol/config.ts";
import type { BundleDocument } from "../../protocol/document.ts";
import { decodeReport, type ReportDocument } from "../../protocol/document.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import { decodeSignedObservation } from "../../protocol/observation.ts";
import type { Report } from "../../protocol/report.ts";
import { audit, type RoundDocument } from "../e2e/auditor.ts";
import { scheme } from "../support/network.ts";
import {
  type Breach,
  breachesOfRange,
  breachesOfReport,
  breachesOfTruth,
  breachesOfWalk,
  breachesOfWindow,
  type KnownRound,
} from "./promises.ts";
import type { Range } from "./truth.ts";

/** Honest venues stray by one or two bps and quote half a spread beside it; the median of five is within a tenth of this. */
const STRAY_BPS = 20;
const MAX_DOCUMENT_TEXT = 1_200;

export type Finding = Breach & {
  readonly round: number;
  readonly nodes: readonly string[];
  readonly documents: readonly unknown[];
};

type Entry = {
  readonly digest: Digest;
  readonly header: RoundHeader;
  reports: readonly Report[] | undefined;
  readonly signers: Set<Address>;
  /** When each node showed it first. */
  readonly arrivals: Map<string, number>;
  /** Who observed, once a body was audited. */
  observers: ReadonlySet<Address> | undefined;
  readonly document: unknown;
};

/**
 * Everything that the nodes of a network said, and every promise of DESIGN section 2 that what they said breaks. Knows the genesis, the
 * true market and nothing else: no clock, no socket, no node.
 */
export type Ledger = {
  /** One event of `/v1/stream`. */
  readonly bundle: (node: string, arrivedAt: number, document: BundleDocument) => void;
  /** `/v1/rounds/latest`. A node's newest round never goes back, unless its store was lost: then `forget` it. */
  readonly latest: (node: string, arrivedAt: number, document: Omit<RoundDocument, "body">) => void;
  readonly forget: (node: string) => void;
  /** `/v1/rounds/:round?body=1`: audited with the pure fold. */
  readonly body: (node: string, arrivedAt: number, document: RoundDocument) => void;
  /** `/health/ready` asked at `sentAt`, and the newest lease that the node had by then or soon after. */
  readonly ready: (node: string, sentAt: number, answer: { readonly status: number; readonly validUntil: number }) => void;
  /** From here to there this key must be on nothing. */
  readonly mute: (signer: Address, span: { readonly from: number; readonly to: number }) => void;
  /** What only shows once all is known: parents that nobody has, and two walks. */
  readonly close: (known: { readonly heads: ReadonlyMap<string, Digest>; readonly auditedUpTo: number }) => void;
  readonly entries: () => readonly Readonly<Entry>[];
  readonly findings: () => readonly Finding[];
};

type Mute = { readonly signer: Address; readonly from: number; readonly to: number };

/** All that a ledger has written down. */
type Book = {
  readonly network: Network;
  readonly truth: ((feed: string, observedAt: number) => Range | undefined) | undefined;
  readonly entries: Map<Digest, Entry>;
  /** The first digest seen of each number. */
  readonly byRound: Map<number, Digest>;
  readonly newest: Map<string, { readonly round: number; readonly document: unknown }>;
  readonly mutes: Mute[];
  readonly findings: Finding[];
};

type Sight = { readonly node: string; readonly at: number; readonly document: unknown };
type Certified = { readonly header: RoundHeader; readonly signatures: readonly { readonly signer: Address }[] };

export function createLedger({ network, truth }: { readonly network: Network; readonly truth?: Book["truth"] }): Ledger {
  const book: Book = {
    ...{ network, truth, entries: new Map(), byRound: new Map(), newest: new Map(), mutes: [], findings: [] },
  };
  return {
    bundle: (node, at, document) => takeBundle(book, { node, at, document }, document),
    latest: (node, at, document) => takeLatest(book, { node, at, document }, document),
    forget: (node) => void book.newest.delete(node),
    body: (node, at, document) => takeBody(book, { node, at, document }, document),
    ready: (node, sentAt, { status, validUntil }) => {
      const pastMs = sentAt - validUntil;
      const says = `ready, ${pastMs} ms after the lease of its newest certificate (${validUntil}) had ended`;
      if (status === 200 && pastMs > 0) find(book, [{ promise: "P3", says }], { round: 0, nodes: [node], documents: [] });
    },
    mute: (signer, { from, to }) => void book.mutes.push({ signer, from, to }),
    close: ({ heads, auditedUpTo }) => {
      for (const entry of book.entries.values()) closeEntry(book, entry, auditedUpTo);
      find(book, breachesOfHeads(book.entries, heads), { round: 0, nodes: [...heads.keys()], documents: [] });
    },
    entries: () => [...book.entries.values()].sort((a, b) => a.header.round - b.header.round),
    findings: () => book.findings,
  };
}

/** Each breach of a round once, however many nodes show it. */
function find({ findings }: Book, breaches: readonly Breach[], where: Omit<Finding, keyof Breach>): void {
  for (const breach of breaches) {
    const known = findings.some(({ round, says }) => round === where.round && says === breach.says);
    if (!known) findings.push({ ...breach, ...where });
  }
}

function takeBundle(book: Book, sight: Sight, document: BundleDocument): void {
  const { committee, domain } = book.network;
  const { ok, header, faults, reports } = verifyBundleDocument(document, { trust: { committee, domain }, scheme });
  if (ok && header !== undefined) {
    learn(book, sight, see(book, sight, { header, signatures: document.signatures }), reports);
    return;
  }
  const says = `the client refuses it: ${faults.map(({ part, detail }) => `${part}: ${detail}`).join("; ")}`;
  find(book, [{ promise: "P7", says }], { round: document.round, nodes: [sight.node], documents: [document] });
}

function takeLatest(book: Book, sight: Sight, { header, signatures }: Omit<RoundDocument, "body">): void {
  const { committee, domain } = book.network;
  const { node, document } = sight;
  const { round } = header;
  const certified = verifyCertificate({ header, signatures }, { committee, domain, scheme });
  if (!certified.ok) {
    const says = `not a quorum's signatures: ${certified.error.code}`;
    find(book, [{ promise: "P7", says }], { round, nodes: [node], documents: [document] });
    return;
  }
  see(book, sight, { header, signatures });
  const before = book.newest.get(node);
  book.newest.set(node, { round, document });
  if (before === undefined || round >= before.round) return;
  const says = `its newest round went back from ${before.round} to ${round}`;
  find(book, [{ promise: "P9", says }], { round, nodes: [node], documents: [before.document, document] });
}

function takeBody(book: Book, sight: Sight, document: RoundDocument): void {
  const { network } = book;
  const { header, feeds, body } = document;
  const where = { round: header.round, nodes: [sight.node], documents: [document] };
  const audited = audit(network, document);
  if (!audited.ok) {
    find(book, [{ promise: "P7", says: `its body does not give it: ${audited.error}` }], where);
    return;
  }
  const entry = see(book, sight, document);
  const reports = feeds.flatMap(({ report }) => {
    const decoded = decodeReport(report as ReportDocument);
    return decoded.ok ? decoded.value : [];
  });
  learn(book, sight, entry, reports);
  const observations = body.observations.flatMap((hex) => {
    const decoded = decodeSignedObservation(fromHex(hex), network.domain, scheme);
    return decoded.ok ? decoded.value : [];
  });
  entry.observers = new Set(observations.map(({ signer }) => signer));
  for (const report of reports) {
    const seen = observations.flatMap(({ observation }) => observation.entries.filter(({ feed }) => feed === report.feed));
    const prices = seen.map(({ price }) => price);
    find(book, breachesOfRange(report, prices), where);
  }
}

/** A certificate whose signatures hold; the second digest of a number is the worst that can be found here. */
function see(book: Book, { node, at, document }: Sight, { header, signatures }: Certified): Entry {
  const { entries, byRound, network } = book;
  const { round } = header;
  const digest = roundDigest(network.domain, header);
  const first = entries.get(byRound.get(round) ?? digest);
  if (first !== undefined && first.digest !== digest) {
    const nodes = [[...first.arrivals.keys()].join(" "), node];
    const says = `two certificates: ${first.digest} and ${digest}`;
    find(book, [{ promise: "P2", says }], { round, nodes, documents: [first.document, document] });
  }
  const entry = entries.get(digest) ?? {
    ...{ digest, header, reports: undefined, signers: new Set(), arrivals: new Map(), observers: undefined, document },
  };
  entries.set(digest, entry);
  byRound.set(round, byRound.get(round) ?? digest);
  for (const { signer } of signatures) entry.signers.add(signer);
  if (!entry.arrivals.has(node)) {
    entry.arrivals.set(node, at);
    find(book, breachesOfWindow(header, network.config, at), { round, nodes: [node], documents: [document] });
  }
  return entry;
}

function learn(book: Book, { node }: Sight, entry: Entry, reports: readonly Report[]): void {
  if (entry.reports !== undefined) return;
  entry.reports = reports;
  const { header, document } = entry;
  const breaches = reports.flatMap((report) => {
    const thresholds = book.network.config.feeds.find(({ feed }) => feed === report.feed)?.thresholds;
    return [
      ...breachesOfReport(report, header, thresholds?.staleMs ?? 0),
      ...breachesOfTruth(report, book.truth?.(report.feed, report.observedAt), STRAY_BPS),
    ];
  });
  find(book, breaches, { round: header.round, nodes: [node], documents: [document] });
}

function closeEntry(book: Book, entry: Entry, auditedUpTo: number): void {
  const { entries, mutes, network } = book;
  const { header, document, signers, observers } = entry;
  const ancestors = walkBack(entries, header, network.config.restartRounds + 1);
  const breaches: Breach[] = [...breachesOfWalk(entry, ancestors, network.config)];
  if (header.parent !== ZERO_DIGEST && ancestors.length === 0)
    breaches.push({ promise: "P7", says: `nobody has its parent ${header.parent}` });
  if (observers === undefined && header.round <= auditedUpTo) breaches.push({ promise: "P7", says: "nobody has its body" });
  for (const { signer, from, to } of mutes) {
    const signed = signers.has(signer) || observers?.has(signer) === true;
    if (!signed || header.round < from || header.round > to) continue;
    breaches.push({ promise: "P2", says: `signed by ${signer}, who must not sign` });
  }
  find(book, breaches, { round: header.round, nodes: [...entry.arrivals.keys()], documents: [document] });
}

/** Ancestors, the parent first, as far as they are known. */
function walkBack(entries: ReadonlyMap<Digest, Entry>, from: RoundHeader, count: number): readonly KnownRound[] {
  const ancestors: Entry[] = [];
  let next = entries.get(from.parent);
  while (next !== undefined && ancestors.length < count) {
    ancestors.push(next);
    next = entries.get(next.header.parent);
  }
  return ancestors;
}

/** P2: the nodes' heads lie on one walk: the older ones are ancestors of the newest. */
function breachesOfHeads(entries: ReadonlyMap<Digest, Entry>, heads: ReadonlyMap<string, Digest>): readonly Breach[] {
  const known = [...heads].flatMap(([node, digest]) => {
    const entry = entries.get(digest);
    return entry === undefined ? [] : [{ node, ...entry }];
  });
  const newest = known.reduce<(typeof known)[number] | undefined>(
    (best, entry) => (entry.header.round > (best?.header.round ?? -1) ? entry : best),
    undefined,
  );
  if (newest === undefined) return [];
  const walk = new Set([newest.header, ...walkBack(entries, newest.header, entries.size).map(({ header }) => header)]);
  return known.flatMap(({ node, header }) =>
    walk.has(header)
      ? []
      : [{ promise: "P2" as const, says: `${node}'s head, round ${header.round}, is off ${newest.node}'s walk` }],
  );
}

/** One finding as a person reads it. */
export function showFinding({ promise, round, nodes, says, documents }: Finding): string {
  const shown = documents.map((document) => `    ${JSON.stringify(document).slice(0, MAX_DOCUMENT_TEXT)}`);
  return [`${promise}, round ${round}, ${nodes.join(" / ")}: ${says}`, ...shown].join("\n");
}
