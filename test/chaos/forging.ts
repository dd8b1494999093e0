import { toRoundDocument } from "../../gateway/documents.ts";
import { fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { type BundleDocument, toBundleDocument } from "../../protocol/document.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import type { Report } from "../../protocol/report.ts";
import type { CertifiedRound, Reason } from "../../protocol/round.ts";
import type { RoundDocument } from "../e2e/auditor.ts";
import { scheme, testKeys } from "../support/network.ts";
import { certify, feedId, networkOf, verdict } from "../support/rounds.ts";
import type { Finding, Ledger } from "./ledger.ts";

export const FEED = "ETH/USD";
export const network = networkOf([FEED, "BTC/USD"]);
export const { roundMs, leaseMs, maxSkewMs } = network.config;
export const STALE_MS = network.config.feeds[0]?.thresholds.staleMs ?? 0;
export const FIRST = 1_000_000;
export const NEXT = FIRST + 5;
export const JUMP: Reason = { rule: "jump", unit: "Bps", measured: 420, limit: 300 };
export const RESTART: Reason = { rule: "restart", unit: "Rounds", measured: 1, limit: 3 };
export const CARRIED = 2 ** 31;
export const RESTARTING: Partial<Report> = {
  ...{ state: "open", liquidate: "none", borrow: false, budgetBps: 0, reasons: 2 ** 8 },
};
export const HALF_OPEN: Partial<Report> = { state: "half-open", liquidate: "any", borrow: false, budgetBps: 1_000 };

/** Five honest rounds: three under restart, half-open, closed. What comes next is NEXT. */
export function honestPast(): readonly CertifiedRound[] {
  const rounds: CertifiedRound[] = [];
  for (const [index, says] of [RESTARTING, RESTARTING, RESTARTING, HALF_OPEN, {}].entries()) {
    rounds.push(child(rounds.at(-1), FIRST + index, says, index < 3 ? [RESTART] : []));
  }
  return rounds;
}

export function last(rounds: readonly CertifiedRound[]): CertifiedRound {
  const round = rounds.at(-1);
  if (round === undefined) throw new Error("no past");
  return round;
}

export function shown(found: readonly Finding[]): string {
  return found.map(({ promise, says }) => `${promise} ${says}`).join("\n");
}

export function open(): Partial<Report> {
  return { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 };
}

export function child(
  parent: CertifiedRound | undefined,
  round: number,
  says: Partial<Report>,
  reasons: readonly Reason[] = [],
): CertifiedRound {
  const verdicts = [verdict(FEED, round * roundMs, says, reasons)];
  return certify({ network, round, verdicts, parent: parent?.digest ?? ZERO_DIGEST });
}

/** The same with other header fields, signed by the same quorum. */
export function resigned({ certificate, feeds }: CertifiedRound, changes: Partial<RoundHeader>): CertifiedRound {
  const header = { ...certificate.header, ...changes };
  const digest = roundDigest(network.domain, header);
  const signatures = testKeys(4)
    .slice(0, network.committee.quorum)
    .map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(fromHex(digest), privateKey) }));
  return { digest, certificate: { header, signatures }, feeds };
}

export function bundleOf(round: CertifiedRound): BundleDocument {
  const bundle = toBundleDocument({ round, feeds: round.feeds.map(({ report: { feed } }) => feedId(feed)) });
  if (bundle === undefined) throw new Error("the round has its own feeds");
  return bundle;
}

/** As `/v1/rounds/:round?body=1` shows it, with a body that says nothing. */
export function documentOf(round: CertifiedRound): RoundDocument {
  const { header } = round.certificate;
  const body = { round: header.round, parent: undefined, memory: "0x", observations: [], documents: [] } as const;
  return toRoundDocument({ certified: round, orphan: false }, body) as RoundDocument;
}

export function show(
  ledger: Ledger,
  round: CertifiedRound,
  node = "node0",
  arrivedAt = round.certificate.header.timestamp + 300,
): void {
  ledger.bundle(node, arrivedAt, bundleOf(round));
}

export function close(ledger: Ledger): void {
  ledger.close({ heads: new Map(), auditedUpTo: 0 });
}
