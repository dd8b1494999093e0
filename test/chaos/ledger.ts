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

export function createLedger({
  network,
  truth,
}: {
  readonly network: Network;
  readonly truth?: (feed: string, observedAt: number) => Range | undefined;
}): Ledger {
  const entries = new Map<Digest, Entry>();
  const byRound = new Map<number, Digest>();
  const newest = new Map<string, { readonly round: number; readonly document: unknown }>();
  const mutes: { readonly signer: Address; readonly from: number; readonly to: number }[] = [];
  const findings: Finding[] = [];
  const { config, committee, domain } = network;
  const staleMs = new Map<string, number>(config.feeds.map(({ feed, thresholds }) => [feed, thresholds.staleMs]));

  const find = (
    breaches: readonly Breach[],
    at: { round: number; nodes: readonly string[]; documents: readonly unknown[] },
  ): void => {
    for (const breach of breaches) {
      const known = findings.some(({ round, says }) => round === at.round && says === breach.says);
      if (!known) findings.push({ ...breach, ...at });
    }
  };

  /** A certificate whose signatures hold; the second digest of a number is the worst that can be found here. */
  const sight = (node: string, at: number, header: RoundHeader, signers: readonly Address[], document: unknown): Entry => {
    const { round } = header;
    const digest = roundDigest(domain, header);
    const other = entries.get(byRound.get(round) ?? ZERO_DIGEST);
    if (other !== undefined && other.digest !== digest) {
      const nodes = [[...other.arrivals.keys()].join(" "), node];
      find([{ promise: "P2", says: `two certificates: ${other.digest} and ${digest}` }], {
        ...{ round, nodes, documents: [other.document, document] },
      });
    }
    const known = entries.get(digest);
    const entry = known ?? {
      ...{ digest, header, reports: undefined, signers: new Set(), arrivals: new Map(), observers: undefined, document },
    };
    if (known === undefined) {
      entries.set(digest, entry);
      byRound.set(round, byRound.get(round) ?? digest);
    }
    for (const signer of signers) entry.signers.add(signer);
    if (!entry.arrivals.has(node)) {
      entry.arrivals.set(node, at);
      find(breachesOfWindow(header, config, at), { round, nodes: [node], documents: [document] });
    }
    return entry;
  };

  const learn = (entry: Entry, reports: readonly Report[], node: string): void => {
    if (entry.reports !== undefined) return;
    entry.reports = reports;
    const breaches = reports.flatMap((report) => [
      ...breachesOfReport(report, entry.header, staleMs.get(report.feed) ?? 0),
      ...breachesOfTruth(report, truth?.(report.feed, report.observedAt), STRAY_BPS),
    ]);
    find(breaches, { round: entry.header.round, nodes: [node], documents: [entry.document] });
  };

  return {
    bundle: (node, at, document) => {
      const { round } = document;
      const verification = verifyBundleDocument(document, { trust: { committee, domain }, scheme });
      const { header } = verification;
      if (!verification.ok || header === undefined) {
        const says = `the client refuses it: ${verification.faults.map(({ part, detail }) => `${part}: ${detail}`).join("; ")}`;
        find([{ promise: "P7", says }], { round, nodes: [node], documents: [document] });
        return;
      }
      learn(
        sight(
          node,
          at,
          header,
          document.signatures.map(({ signer }) => signer),
          document,
        ),
        verification.reports,
        node,
      );
    },
    latest: (node, at, document) => {
      const { header, signatures } = document;
      const certified = verifyCertificate({ header, signatures }, { committee, domain, scheme });
      const before = newest.get(node);
      const { round } = header;
      if (!certified.ok) {
        const says = `not a quorum's signatures: ${certified.error.code}`;
        find([{ promise: "P7", says }], { round, nodes: [node], documents: [document] });
        return;
      }
      sight(
        node,
        at,
        header,
        signatures.map(({ signer }) => signer),
        document,
      );
      const says = `its newest round went back from ${before?.round} to ${round}`;
      if (before !== undefined && round < before.round)
        find([{ promise: "P9", says }], { round, nodes: [node], documents: [before.document, document] });
      newest.set(node, { round, document });
    },
    forget: (node) => void newest.delete(node),
    body: (node, at, document) => {
      const { header, signatures, feeds, body } = document;
      const audited = audit(network, document);
      const where = { round: header.round, nodes: [node], documents: [document] };
      if (!audited.ok) {
        find([{ promise: "P7", says: `its body does not give it: ${audited.error}` }], where);
        return;
      }
      const entry = sight(
        node,
        at,
        header,
        signatures.map(({ signer }) => signer),
        document,
      );
      const reports = feeds.flatMap(({ report }) => {
        const decoded = decodeReport(report as ReportDocument);
        return decoded.ok ? decoded.value : [];
      });
      learn(entry, reports, node);
      const observations = body.observations.flatMap((hex) => {
        const decoded = decodeSignedObservation(fromHex(hex), domain, scheme);
        return decoded.ok ? decoded.value : [];
      });
      entry.observers = new Set(observations.map(({ signer }) => signer));
      for (const report of reports) {
        const all = observations.flatMap(({ observation }) => observation.entries.filter(({ feed }) => feed === report.feed));
        find(
          breachesOfRange(
            report,
            all.map(({ price }) => price),
          ),
          where,
        );
      }
    },
    ready: (node, sentAt, { status, validUntil }) => {
      const pastMs = sentAt - validUntil;
      const says = `ready, ${pastMs} ms after the lease of its newest certificate (${validUntil}) had ended`;
      if (status === 200 && pastMs > 0) find([{ promise: "P3", says }], { round: 0, nodes: [node], documents: [] });
    },
    mute: (signer, { from, to }) => void mutes.push({ signer, from, to }),
    close: ({ heads, auditedUpTo }) => {
      for (const entry of entries.values()) {
        const { header, document } = entry;
        const where = { round: header.round, nodes: [...entry.arrivals.keys()], documents: [document] };
        const ancestors = walkBack(entries, header, config.restartRounds + 1);
        const orphaned = header.parent !== ZERO_DIGEST && ancestors.length === 0;
        find(orphaned ? [{ promise: "P7", says: `nobody has its parent ${header.parent}` }] : [], where);
        const bodiless = entry.observers === undefined && header.round <= auditedUpTo;
        find(bodiless ? [{ promise: "P7", says: "nobody has its body" }] : [], where);
        find(breachesOfWalk(entry, ancestors, config), where);
        for (const { signer, from, to } of mutes) {
          const signed = entry.signers.has(signer) || entry.observers?.has(signer) === true;
          const muted = header.round >= from && header.round <= to;
          find(signed && muted ? [{ promise: "P2", says: `signed by ${signer}, who must not sign` }] : [], where);
        }
      }
      find(breachesOfHeads(entries, heads), { round: 0, nodes: [...heads.keys()], documents: [] });
    },
    entries: () => [...entries.values()].sort((a, b) => a.header.round - b.header.round),
    findings: () => findings,
  };
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
