import { type Digest, fromHex } from "../protocol/bytes.ts";
import { type Certificate, verifyCertificate } from "../protocol/certificate.ts";
import type { Committee, Member } from "../protocol/committee.ts";
import {
  type BundleFeed,
  bundleDocumentSchema,
  decodeReport,
  type FeedDocument,
  feedDocumentSchema,
  showReport,
} from "../protocol/document.ts";
import type { Domain, RoundHeader } from "../protocol/eip712.ts";
import { type CertifiedFault, type Eras, verifyInEra } from "../protocol/era.ts";
import { foldProof } from "../protocol/merkle.ts";
import { CARRIED_BIT, leafHash, type Report, RULES, reasonNames, reportTuple } from "../protocol/report.ts";
import type { Result } from "../protocol/result.ts";
import type { Secp256k1 } from "../protocol/secp256k1.ts";

/** A bundle of a network's largest size stays under this; a longer text is refused unread. */
const MAX_DOCUMENT_CHARS = 16 * 2 ** 20;

/**
 * Whose signatures count, and for which network; from client/committee.ts. `committee` is the newest that is known. With `eras`, by
 * ascending round, each round counts under its own config and committee alone: what a retired committee signs for a later round is
 * refused. A committee that somebody states has no eras, and counts for every round.
 */
export type Trust = { readonly committee: Committee; readonly domain: Domain; readonly eras?: Eras };

/** The checks, in the order in which they are made and shown. */
export const CHECK_PARTS = ["shape", "fields", "path", "signatures"] as const;
export type CheckPart = (typeof CHECK_PARTS)[number];
export type Check = { readonly part: CheckPart; readonly ok: boolean; readonly detail: string };

/** The part of the document that a failure points at: `fields` are those shown beside the proof. */
export type FaultPart = "shape" | "fields" | "report" | "path" | "header" | "signature";
export type Fault = { readonly part: FaultPart; readonly detail: string };

/**
 * What a document proves. `reports` and `header` are there once the shape held, and are worth something only when `ok`. Without a
 * sound shape nothing else can be checked, so `checks` then holds that one alone.
 */
export type Verification = {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly faults: readonly Fault[];
  readonly header?: RoundHeader;
  readonly reports: readonly Report[];
};

type Options = { readonly trust: Trust; readonly scheme: Secp256k1 };

type Parts = {
  readonly window: Pick<RoundHeader, "round" | "timestamp" | "validUntil">;
  readonly feeds: readonly BundleFeed[];
  readonly certificate: Pick<FeedDocument["proof"], "header" | "signatures">;
};

/** What the comparison of one feed gave: where the shown fields and the leaf part, and whether the leaf is under the root. */
type Leaf = {
  readonly feed: string;
  readonly report: Report | undefined;
  readonly mismatch: string | undefined;
  readonly proven: boolean;
};

/** Whether the quorum that was due in this round certified it; of a committee that was only stated, whether it did. */
export function verifyCertified(certificate: Certificate, { trust, scheme }: Options): Result<Digest, CertifiedFault> {
  const { committee, domain, eras } = trust;
  if (eras === undefined) return verifyCertificate(certificate, { committee, domain, scheme });
  return verifyInEra(certificate, { eras, scheme });
}

/** A saved document, feed or bundle, as text. Text that is not JSON fails in its shape. */
export function verifyText(text: string, options: Options): Verification {
  if (text.length > MAX_DOCUMENT_CHARS) return misshapen(`expected at most ${MAX_DOCUMENT_CHARS} characters`);
  try {
    return verifyDocument(JSON.parse(text), options);
  } catch (error) {
    if (error instanceof SyntaxError) return misshapen(`not JSON: ${error.message}`);
    throw error;
  }
}

/** A feed document, or a bundle when it has `feeds`. */
export function verifyDocument(document: unknown, options: Options): Verification {
  const isBundle = typeof document === "object" && document !== null && "feeds" in document;
  return isBundle ? verifyBundleDocument(document, options) : verifyFeedDocument(document, options);
}

/**
 * Checks `GET /v1/feeds/ETH-USD` against a committee (P7): shape, shown fields against the leaf, leaf and path against the root,
 * signatures. Pure and total; nothing but the document and the committee is needed. It does not ask whether the lease still runs:
 * see client/policy.ts.
 */
export function verifyFeedDocument(document: unknown, options: Options): Verification {
  const parsed = feedDocumentSchema.safeParse(document);
  if (!parsed.success) return misshapen(describeIssues(parsed.error.issues));
  const { proof, round, timestamp, validUntil, ...shown } = parsed.data;
  const { header, signatures, ...leaf } = proof;
  const window = { round, timestamp, validUntil };
  return verifyParts({ window, feeds: [{ ...shown, proof: leaf }], certificate: { header, signatures } }, options);
}

/** Checks `GET /v1/bundle`: the same for several feeds of one round under one header. */
export function verifyBundleDocument(document: unknown, options: Options): Verification {
  const parsed = bundleDocumentSchema.safeParse(document);
  if (!parsed.success) return misshapen(describeIssues(parsed.error.issues));
  const { round, timestamp, validUntil, header, signatures, feeds } = parsed.data;
  if (feeds.length === 0) return misshapen("feeds: expected at least one feed");
  return verifyParts({ window: { round, timestamp, validUntil }, feeds, certificate: { header, signatures } }, options);
}

function verifyParts({ window, feeds, certificate }: Parts, { trust, scheme }: Options): Verification {
  const { header } = certificate;
  const windowMismatch = compareWindow(window, header);
  const leaves = feeds.map((feed) => checkLeaf(feed, header));
  const certified = verifyCertified(certificate, { trust, scheme });
  const signatureFault = certified.ok ? undefined : describeCertificateFault(certified.error, certificate.signatures.length);
  const mismatches = [windowMismatch, ...leaves.map((leaf) => leaf.mismatch)].filter((text) => text !== undefined);
  const unproven = leaves.filter((leaf) => !leaf.proven);
  const signers = certificate.signatures.map(({ signer }) => nameOf(trust, signer));
  const checks: readonly Check[] = [
    { part: "shape", ok: true, detail: `${feeds.length === 1 ? "one feed" : `${feeds.length} feeds`} of round ${header.round}` },
    check("fields", mismatches, "what is shown is what the leaf and the header say"),
    check(
      "path",
      unproven.map(({ feed }) => `${feed}: leaf and path do not lead to the header's reportsRoot`),
      `leaf and path lead to reportsRoot ${header.reportsRoot}`,
    ),
    check(
      "signatures",
      signatureFault === undefined ? [] : [signatureFault.detail],
      `${signers.length} by ${signers.join(", ")}`,
    ),
  ];
  const ok = checks.every((item) => item.ok);
  const faults = ok ? [] : diagnose({ windowMismatch, leaves, signatureFault });
  return { ok, checks, faults, header, reports: leaves.flatMap(({ report }) => report ?? []) };
}

/**
 * From what failed together to what was changed. No signature over the header: the header. A leaf that is neither what is shown nor
 * under the root: the report; one of the two alone: the shown fields, or the path.
 */
function diagnose({
  windowMismatch,
  leaves,
  signatureFault,
}: {
  readonly windowMismatch: string | undefined;
  readonly leaves: readonly Leaf[];
  readonly signatureFault: Fault | undefined;
}): readonly Fault[] {
  if (signatureFault?.part === "header") return [signatureFault];
  const faults: Fault[] = windowMismatch === undefined ? [] : [{ part: "fields", detail: windowMismatch }];
  for (const { feed, mismatch, proven } of leaves) {
    if (mismatch !== undefined) faults.push({ part: proven ? "fields" : "report", detail: mismatch });
    else if (!proven) faults.push({ part: "path", detail: `${feed}: does not lead from the leaf to the header's reportsRoot` });
  }
  return signatureFault === undefined ? faults : [...faults, signatureFault];
}

function checkLeaf(feed: BundleFeed, header: RoundHeader): Leaf {
  const decoded = decodeReport(feed.proof.report);
  if (!decoded.ok) {
    return { feed: feed.feed, report: undefined, mismatch: `${feed.feed}: proof.report: ${decoded.error}`, proven: false };
  }
  const report = decoded.value;
  const root = foldProof(leafHash(reportTuple(report)), feed.proof.path.map(fromHex));
  return { feed: feed.feed, report, mismatch: compareFields(feed, report), proven: root === header.reportsRoot };
}

/** The first shown field that is not the leaf's. */
function compareFields(shown: BundleFeed, report: Report): string | undefined {
  const signed = showReport(report);
  const pairs: readonly (readonly [field: string, shown: unknown, signed: unknown])[] = [
    ["feed", shown.feed, signed.feed],
    ["price", shown.price, signed.price],
    ["low", shown.low, signed.low],
    ["high", shown.high, signed.high],
    ["ema", shown.ema, signed.ema],
    ["volatility", shown.volatility, signed.volatility],
    ["observedAt", shown.observedAt, signed.observedAt],
    ["breaker.state", shown.breaker.state, signed.breaker.state],
    ["permits.liquidate", shown.permits.liquidate, signed.permits.liquidate],
    ["permits.borrow", shown.permits.borrow, signed.permits.borrow],
    ["permits.budgetBps", shown.permits.budgetBps, signed.permits.budgetBps],
    ["breaker.reasons", shown.breaker.reasons.map(({ rule }) => rule).join(" "), reasonNames(report.reasons).join(" ")],
    ["breaker.since", shown.breaker.since, signed.breaker.since],
  ];
  const differing = pairs.find(([, a, b]) => a !== b);
  if (differing !== undefined) {
    const [field, ofDocument, ofLeaf] = differing;
    return `${shown.feed}: ${field} is shown as "${ofDocument}", the leaf says "${ofLeaf}"`;
  }
  return hasUnknownReason(report.reasons) ? `${shown.feed}: the leaf's reasons hold a bit that is no rule` : undefined;
}

function compareWindow(window: Parts["window"], header: RoundHeader): string | undefined {
  const field = (["round", "timestamp", "validUntil"] as const).find((name) => window[name] !== header[name]);
  return field === undefined ? undefined : `${field} is shown as ${window[field]}, the header says ${header[field]}`;
}

function hasUnknownReason(reasons: number): boolean {
  const rules = reasons % 2 ** CARRIED_BIT;
  return rules >= 2 ** RULES.length;
}

function describeCertificateFault(fault: CertifiedFault, count: number): Fault {
  switch (fault.code) {
    case "config": {
      const { expected, found } = fault;
      return {
        part: "header",
        detail: `of config ${found}, but ${expected} is in force in this round, as far as the network was followed`,
      };
    }
    case "count":
      return { part: "signature", detail: `expected exactly ${fault.expected} signatures, found ${fault.found}` };
    case "signer":
      return { part: "signature", detail: `signatures[${fault.index}]: ${fault.signer} is no member of the committee` };
    case "order":
      return { part: "signature", detail: `signatures[${fault.index}]: expected members once each, in ascending order` };
    case "signature": {
      if (fault.indices.length === count) {
        return { part: "header", detail: "no signature is over this header: it was changed, or belongs to another network" };
      }
      const places = fault.indices.map((index) => `signatures[${index}]`).join(", ");
      return { part: "signature", detail: `${places}: not this signer's signature of the header` };
    }
  }
}

function check(part: CheckPart, failures: readonly string[], success: string): Check {
  return failures.length === 0 ? { part, ok: true, detail: success } : { part, ok: false, detail: failures.join("; ") };
}

function misshapen(detail: string): Verification {
  return { ok: false, checks: [{ part: "shape", ok: false, detail }], faults: [{ part: "shape", detail }], reports: [] };
}

function nameOf({ committee, eras }: Trust, signer: string): string {
  const members: readonly Member[] = [committee, ...(eras ?? []).map(({ network }) => network.committee)].flatMap(
    (item) => item.members,
  );
  return members.find(({ address }) => address === signer)?.name ?? signer;
}

function describeIssues(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  return issues.map(({ path, message }) => `${path.map(String).join(".") || "(document)"}: ${message}`).join("; ");
}
