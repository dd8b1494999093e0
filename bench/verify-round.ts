import { verifyText } from "../client/verify.ts";
import { assert } from "../protocol/assert.ts";
import { decodeCertificate, encodeCertificate, verifyCertificate } from "../protocol/certificate.ts";
import {
  decodeReport,
  encodeReport,
  type ReportDocument,
  reportTree,
  toBundleDocument,
  toFeedDocument,
} from "../protocol/document.ts";
import { buildMerkleTree } from "../protocol/merkle.ts";
import { leafHash, reportTuple } from "../protocol/report.ts";
import type { CertifiedRound } from "../protocol/round.ts";
import { type BenchChain, benchKeys, certify, foldChain, scheme } from "./chain.ts";
import { atLeast, formatCount, formatRatio, type Outcome, type Row, timeInTurns } from "./measure.ts";
import { redstoneInput, verifyRedstone } from "./redstone.ts";

const FEEDS = 1_000;
const NODES = 7;
const REDSTONE_SIGNERS = 3;
const REPETITIONS = 5;
const TURN_MS = 100;
/** Documents of single feeds, each with all its signatures: fewer will do to know the cost of one. */
const SINGLE_DOCUMENTS = 50;
const AIM = 10;

/** Verifying 1 000 prices: one certified round of ours against the signed packages of RedStone, each by its own code. */
export function benchVerifyRound(): Outcome {
  const chain = foldChain({ feeds: FEEDS, nodes: NODES, rounds: 1 });
  const round = certify(chain, chain.last);
  const { domain, committee } = chain.network;
  const trust = { committee, domain };
  const bundle = bundleText(round);
  const singles = singleTexts(round);
  const whole = { certificate: encodeCertificate(round.certificate), reports: reportsText(round) };
  const redstone = { feeds: FEEDS, signers: benchKeys(REDSTONE_SIGNERS), timestamp: chain.last.header.timestamp };
  const [one, all] = [redstoneInput("one", redstone), redstoneInput("all", redstone)];
  const ms = timeInTurns(
    {
      whole: () => verifyWhole(whole, chain),
      bundle: () => mustVerify(bundle),
      single: () => singles.forEach(mustVerify),
      one: () => verifyRedstone(one),
      all: () => verifyRedstone(all),
    },
    { repetitions: REPETITIONS, minMs: TURN_MS },
  );
  function mustVerify(text: string): void {
    assert(verifyText(text, { trust, scheme }).ok, "the document verifies");
  }

  const perSecond = {
    whole: (1_000 * FEEDS) / ms.whole,
    bundle: (1_000 * FEEDS) / ms.bundle,
    single: (1_000 * SINGLE_DOCUMENTS) / ms.single,
    one: (1_000 * FEEDS) / ms.one,
    all: (1_000 * FEEDS) / ms.all,
  };
  const row = (what: string, ours: "whole" | "bundle" | "single", other: "one" | "all"): Row => ({
    what,
    ours: `${formatCount(perSecond[ours])} feeds/s`,
    other: `${formatCount(perSecond[other])}/s ${other === "one" ? "a package a feed" : "one big package"}`,
    ratio: formatRatio(perSecond[ours] / perSecond[other]),
  });
  const aim = atLeast(perSecond.whole / perSecond.one, AIM, `${AIM} ×`);
  return {
    rows: [
      { ...row("whole round: certificate, leaves, root", "whole", "one"), aim },
      row("  the same", "whole", "all"),
      row("bundle: 1 000 proofs under one header", "bundle", "one"),
      row("  the same", "bundle", "all"),
      row("documents: each its own 5 signatures", "single", "one"),
    ],
    notes: [
      `Ours: ${NODES} nodes, quorum ${committee.quorum}, ${scheme.name}. RedStone: ${REDSTONE_SIGNERS} signers; its own parser and recovery (package secp256k1), then the median.`,
      "The aim is judged against one data point per package and signer: its data service and SDK hand packages out by feed, and its",
      "contracts take them so. All feeds in one package is the same idea as our round, one signature for many feeds, and is shown beside it.",
      "Bundle and documents go through client/verify.ts from JSON text: every field checked, shown fields compared with the signed leaf.",
    ],
  };
}

/** From bytes and text as they arrive: decode, q recoveries, every leaf's hash, the root. */
function verifyWhole(
  { certificate, reports }: { readonly certificate: Uint8Array; readonly reports: string },
  { network: { committee, domain } }: BenchChain,
): void {
  const decoded = decodeCertificate(certificate);
  assert(decoded.ok, "the certificate decodes");
  const verified = verifyCertificate(decoded.value, { committee, domain, scheme });
  const leaves = (JSON.parse(reports) as ReportDocument[]).map((texts) => {
    const report = decodeReport(texts);
    assert(report.ok, "the report decodes");
    return leafHash(reportTuple(report.value));
  });
  assert(verified.ok && buildMerkleTree(leaves).root === decoded.value.header.reportsRoot, "the round verifies");
}

function reportsText({ feeds }: CertifiedRound): string {
  return JSON.stringify(feeds.map(({ report }) => encodeReport(report)));
}

function bundleText(round: CertifiedRound): string {
  return JSON.stringify(toBundleDocument({ round, feeds: round.feeds.map(({ report }) => report.feed) }));
}

function singleTexts(round: CertifiedRound): readonly string[] {
  const tree = reportTree(round.feeds);
  return round.feeds
    .slice(0, SINGLE_DOCUMENTS)
    .map(({ report: { feed } }) => JSON.stringify(toFeedDocument({ round, feed, tree })));
}
