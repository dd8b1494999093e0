import { beforeEach, describe, expect, it } from "vitest";
import { toRoundDocument } from "../../gateway/documents.ts";
import { ONE } from "../../protocol/amount.ts";
import { fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { type BundleDocument, toBundleDocument } from "../../protocol/document.ts";
import { type RoundHeader, roundDigest } from "../../protocol/eip712.ts";
import type { Report } from "../../protocol/report.ts";
import type { CertifiedRound, Reason } from "../../protocol/round.ts";
import type { RoundDocument } from "../e2e/auditor.ts";
import { digestOf, scheme, testKeys } from "../support/network.ts";
import { certify, feedId, networkOf, report, verdict } from "../support/rounds.ts";
import { createLedger, type Finding, type Ledger, showFinding } from "./ledger.ts";
import { breachesOfRange, type PromiseName } from "./promises.ts";

const FEED = "ETH/USD";
const network = networkOf([FEED, "BTC/USD"]);
const { roundMs, leaseMs, maxSkewMs } = network.config;
const STALE_MS = network.config.feeds[0]?.thresholds.staleMs ?? 0;
const FIRST = 1_000_000;
const NEXT = FIRST + 5;
const JUMP: Reason = { rule: "jump", unit: "Bps", measured: 420, limit: 300 };
const RESTART: Reason = { rule: "restart", unit: "Rounds", measured: 1, limit: 3 };
const CARRIED = 2 ** 31;
const RESTARTING: Partial<Report> = {
  ...{ state: "open", liquidate: "none", borrow: false, budgetBps: 0, reasons: 2 ** 8 },
};
const HALF_OPEN: Partial<Report> = { state: "half-open", liquidate: "any", borrow: false, budgetBps: 1_000 };

let ledger: Ledger;
let history: readonly CertifiedRound[];

beforeEach(() => {
  ledger = createLedger({ network });
  const past = [RESTARTING, RESTARTING, RESTARTING, HALF_OPEN, {}] as const;
  const rounds: CertifiedRound[] = [];
  for (const [index, says] of past.entries()) {
    rounds.push(child(rounds.at(-1), FIRST + index, says, index < 3 ? [RESTART] : []));
  }
  history = rounds;
});

describe("an honest past", () => {
  it("breaks no promise, at any node, in any order, however often it is shown", () => {
    for (const round of [...history, ...history].reverse()) for (const node of ["node0", "node1"]) show(round, node);
    close();
    expect(ledger.findings()).toEqual([]);
    expect(ledger.entries().map(({ header }) => header.round)).toEqual([0, 1, 2, 3, 4].map((index) => FIRST + index));
  });
});

type Forgery = {
  readonly what: string;
  readonly promise: PromiseName;
  readonly says: RegExp;
  readonly forge: () => void;
};

/** A leaf that a quorum signed all the same, as one with its keys copied would. */
const LEAVES: readonly (Omit<Forgery, "forge"> & {
  readonly leaf: (timestamp: number) => Partial<Report>;
  readonly reasons?: readonly Reason[];
})[] = [
  {
    what: "any on a price older than staleMs",
    promise: "P3",
    says: /liquidate any on a price \d+ ms old/,
    leaf: (timestamp) => ({ observedAt: timestamp - STALE_MS - 1 }),
  },
  {
    what: "robust on a price older than staleMs",
    promise: "P3",
    says: /liquidate robust on a price/,
    leaf: (timestamp) => ({ ...open(), reasons: 1, observedAt: timestamp - STALE_MS - 1 }),
    reasons: [JUMP],
  },
  {
    what: "an old price without its reason",
    promise: "P3",
    says: /no stale on a price/,
    leaf: (timestamp) => ({ ...RESTARTING, observedAt: timestamp - STALE_MS - 1 }),
    reasons: [RESTART],
  },
  {
    what: "an observation from the future",
    promise: "P3",
    says: /observedAt is 1 ms in the round's future/,
    leaf: (timestamp) => ({ observedAt: timestamp + 1 }),
  },
  {
    what: "a state from the future",
    promise: "P3",
    says: /since is 1 ms in the round's future/,
    leaf: (timestamp) => ({ since: timestamp + 1 }),
  },
  {
    what: "closed with a reason",
    promise: "P3",
    says: /closed with jump/,
    leaf: () => ({ reasons: 1, borrow: false }),
    reasons: [JUMP],
  },
  {
    what: "closed on a carried price",
    promise: "P3",
    says: /closed with a carried price/,
    leaf: () => ({ reasons: CARRIED, borrow: false }),
  },
  { what: "closed and yet robust", promise: "P4", says: /closed, yet robust/, leaf: () => ({ liquidate: "robust" }) },
  { what: "closed and yet half a budget", promise: "P4", says: /5000 bps/, leaf: () => ({ budgetBps: 5_000 }) },
  {
    what: "any while open",
    promise: "P3",
    says: /open, yet any/,
    leaf: () => ({ ...open(), reasons: 1, liquidate: "any" }),
    reasons: [JUMP],
  },
  {
    what: "a budget while open",
    promise: "P3",
    says: /open, yet robust and 1000 bps/,
    leaf: () => ({ ...open(), reasons: 1, budgetBps: 1_000 }),
    reasons: [JUMP],
  },
  {
    what: "borrowing in half-open",
    promise: "P3",
    says: /borrow while half-open/,
    leaf: () => ({ ...HALF_OPEN, borrow: true }),
  },
  {
    what: "more than the floor lets",
    promise: "P4",
    says: /half-open with 10001 bps/,
    leaf: () => ({ ...HALF_OPEN, budgetBps: 10_001 }),
  },
  {
    what: "any on a carried price",
    promise: "P3",
    says: /carried, yet liquidate any/,
    leaf: () => ({ ...HALF_OPEN, reasons: CARRIED }),
  },
  {
    what: "robust under restart",
    promise: "P9",
    says: /liquidate robust under restart/,
    leaf: () => ({ ...RESTARTING, liquidate: "robust" }),
    reasons: [RESTART],
  },
  { what: "a low above the price", promise: "P4", says: /not 0 < low/, leaf: () => ({ low: 1_801n * ONE }) },
  { what: "from closed to half-open", promise: "P9", says: /from closed to half-open/, leaf: () => HALF_OPEN },
  {
    what: "a carried price that is not its parent's",
    promise: "P1",
    says: /carried 1800.5, its parent has 1800.125/,
    leaf: () => ({
      ...open(),
      reasons: CARRIED + 8,
      price: 1_800n * ONE + ONE / 2n,
      observedAt: last().feeds[0]?.report.observedAt ?? 0,
    }),
    reasons: [{ rule: "thin", unit: "Groups", measured: 0, limit: 4 }],
  },
];

const FORGERIES: readonly Forgery[] = [
  ...LEAVES.map(({ leaf, reasons = [], ...forgery }) => ({
    ...forgery,
    forge: () => show(child(last(), NEXT, leaf(NEXT * roundMs), reasons)),
  })),
  {
    what: "a second certificate of one number",
    promise: "P2",
    says: /two certificates: 0x\w+ and 0x\w+/,
    forge: () => {
      show(child(last(), NEXT, {}), "node0");
      show(child(last(), NEXT, { price: 1_800n * ONE }), "node3");
    },
  },
  {
    what: "a certificate from the future",
    promise: "P3",
    says: /from the future: it was here \d+ ms before/,
    forge: () => show(child(last(), NEXT, {}), "node0", NEXT * roundMs - maxSkewMs - 50),
  },
  {
    what: "a longer lease",
    promise: "P3",
    says: /validUntil \d+ is not timestamp/,
    forge: () => show(resigned(child(last(), NEXT, {}), { validUntil: NEXT * roundMs + leaseMs + 1 })),
  },
  {
    what: "a chosen timestamp",
    promise: "P3",
    says: /timestamp \d+ is not round × roundMs/,
    forge: () => show(resigned(child(last(), NEXT, {}), { timestamp: NEXT * roundMs + 500 })),
  },
  {
    what: "from open to closed",
    promise: "P9",
    says: /from open to closed/,
    forge: () => {
      const opened = child(last(), NEXT, { ...open(), reasons: 1 }, [JUMP]);
      show(opened);
      show(child(opened, NEXT + 1, {}));
    },
  },
  {
    what: "an outage longer than the lease, and on as before",
    promise: "P9",
    says: /round 1 after an outage is closed\/any/,
    forge: () => show(child(last(), NEXT + leaseMs / roundMs, {})),
  },
  {
    what: "half-open in the third round after an outage",
    promise: "P9",
    says: /round 3 after an outage is half-open\/any/,
    forge: () => {
      const back = NEXT + leaseMs / roundMs;
      const first = child(last(), back, RESTARTING, [RESTART]);
      const second = child(first, back + 1, RESTARTING, [RESTART]);
      for (const round of [first, second, child(second, back + 2, HALF_OPEN)]) show(round);
    },
  },
  {
    what: "a new feed that starts closed",
    promise: "P9",
    says: /BTC\/USD: a new feed starts closed/,
    forge: () => {
      const verdicts = [verdict(FEED, NEXT * roundMs), verdict("BTC/USD", NEXT * roundMs)];
      show(certify({ network, round: NEXT, verdicts, parent: last().digest }));
    },
  },
  {
    what: "too few signatures",
    promise: "P7",
    says: /expected exactly 3 signatures, found 2/,
    forge: () => {
      const bundle = bundleOf(child(last(), NEXT, {}));
      ledger.bundle("node0", NEXT * roundMs, { ...bundle, signatures: bundle.signatures.slice(1) });
    },
  },
  {
    what: "a newest round with a stranger's signature",
    promise: "P7",
    says: /not a quorum's signatures: signature/,
    forge: () => {
      const { digest, ...document } = documentOf(child(last(), NEXT, {}));
      const [first, second, third] = document.signatures;
      if (first === undefined || second === undefined || third === undefined) throw new Error("three sign");
      const mixed = [first, { ...second, signature: first.signature }, third];
      ledger.latest("node0", NEXT * roundMs, { ...document, digest, signatures: mixed });
    },
  },
  {
    what: "a shown price that is not the leaf's",
    promise: "P7",
    says: /price is shown as "1900"/,
    forge: () => {
      const bundle = bundleOf(child(last(), NEXT, {}));
      ledger.bundle("node0", NEXT * roundMs, { ...bundle, feeds: bundle.feeds.map((feed) => ({ ...feed, price: "1900" })) });
    },
  },
  {
    what: "a parent that nobody has",
    promise: "P7",
    says: /nobody has its parent/,
    forge: () => show(certify({ network, round: NEXT, verdicts: [verdict(FEED, NEXT * roundMs)], parent: digestOf(9) })),
  },
  {
    what: "a body that nobody has",
    promise: "P7",
    says: /nobody has its body/,
    forge: () => ledger.close({ heads: new Map(), auditedUpTo: FIRST }),
  },
  {
    what: "a body that gives another round",
    promise: "P7",
    says: /its body does not give it/,
    forge: () => ledger.body("node0", NEXT * roundMs, documentOf(child(last(), NEXT, {})) as RoundDocument),
  },
  {
    what: "a head off the others' walk",
    promise: "P2",
    says: /node1's head, round \d+, is off node0's walk/,
    forge: () => {
      const [ours, theirs] = [child(last(), NEXT + 1, {}), child(last(), NEXT, {})];
      for (const round of [ours, theirs]) show(round);
      ledger.close({ heads: new Map([ours, theirs].map(({ digest }, index) => [`node${index}`, digest])), auditedUpTo: 0 });
    },
  },
  {
    what: "a signature of one who must not sign",
    promise: "P2",
    says: /signed by 0x\w+, who must not sign/,
    forge: () => {
      const [first] = testKeys(4);
      if (first !== undefined) ledger.mute(first.address, { from: NEXT, to: NEXT });
      show(child(last(), NEXT, {}));
    },
  },
  {
    what: "a newest round that goes back",
    promise: "P9",
    says: /its newest round went back from 1000004 to 1000003/,
    forge: () => {
      for (const round of [last(), history[3]]) {
        if (round !== undefined) ledger.latest("node2", NEXT * roundMs, documentOf(round));
      }
    },
  },
  {
    what: "ready after its lease",
    promise: "P3",
    says: /ready, 1 ms after the lease/,
    forge: () => ledger.ready("node2", leaseMs + 1, { status: 200, validUntil: leaseMs }),
  },
  {
    what: "a price that the market never had",
    promise: "P1",
    says: /observed at \d+, the market was at 1900 … 1901 ± 20 bps/,
    forge: () => {
      ledger = createLedger({ network, truth: () => ({ low: 1_900n * ONE, high: 1_901n * ONE }) });
      show(child(last(), NEXT, {}));
    },
  },
];

describe("a forged document is found, and named by the promise that it breaks", () => {
  it.each(FORGERIES)("$what ($promise)", ({ promise, says, forge }) => {
    for (const round of history) show(round);
    forge();
    close();
    const found: readonly Finding[] = ledger.findings();
    expect(
      found.filter((finding) => finding.promise === promise && says.test(finding.says)),
      shown(found),
    ).toHaveLength(1);
  });

  it("a price that nobody observed (P1)", () => {
    expect(breachesOfRange(report(FEED, 0, { price: 7n }), [6n, 7n, 8n])).toEqual([]);
    expect(breachesOfRange(report(FEED, 0, { price: 7n, reasons: CARRIED }), [6n, 8n])).toEqual([]);
    expect(breachesOfRange(report(FEED, 0, { price: 7n }), [6n, 8n])).toMatchObject([{ promise: "P1" }]);
  });

  it("and what is found names round, nodes and both documents", () => {
    show(child(last(), NEXT, {}), "node0");
    show(child(last(), NEXT, { price: 1_800n * ONE }), "node3");
    const [finding] = ledger.findings();
    if (finding === undefined) throw new Error("nothing was found");
    const text = showFinding(finding);
    expect(text).toMatch(/^P2, round 1000005, node0 \/ node3: two certificates/);
    expect(text.split("\n")).toHaveLength(3);
  });
});

function shown(found: readonly Finding[]): string {
  return found.map(({ promise, says }) => `${promise} ${says}`).join("\n");
}

function open(): Partial<Report> {
  return { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 };
}

function last(): CertifiedRound {
  const round = history.at(-1);
  if (round === undefined) throw new Error("no past");
  return round;
}

function child(
  parent: CertifiedRound | undefined,
  round: number,
  says: Partial<Report>,
  reasons: readonly Reason[] = [],
): CertifiedRound {
  const verdicts = [verdict(FEED, round * roundMs, says, reasons)];
  return certify({ network, round, verdicts, parent: parent?.digest ?? ZERO_DIGEST });
}

/** The same with other header fields, signed by the same quorum. */
function resigned({ certificate, feeds }: CertifiedRound, changes: Partial<RoundHeader>): CertifiedRound {
  const header = { ...certificate.header, ...changes };
  const digest = roundDigest(network.domain, header);
  const signatures = testKeys(4)
    .slice(0, network.committee.quorum)
    .map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(fromHex(digest), privateKey) }));
  return { digest, certificate: { header, signatures }, feeds };
}

function bundleOf(round: CertifiedRound): BundleDocument {
  const bundle = toBundleDocument({ round, feeds: round.feeds.map(({ report: { feed } }) => feedId(feed)) });
  if (bundle === undefined) throw new Error("the round has its own feeds");
  return bundle;
}

/** As `/v1/rounds/:round?body=1` shows it, with a body that says nothing. */
function documentOf(round: CertifiedRound): RoundDocument {
  const { header } = round.certificate;
  const body = { round: header.round, parent: undefined, memory: "0x", observations: [] } as const;
  return toRoundDocument({ certified: round, orphan: false }, body) as RoundDocument;
}

function show(round: CertifiedRound, node = "node0", arrivedAt = round.certificate.header.timestamp + 300): void {
  ledger.bundle(node, arrivedAt, bundleOf(round));
}

function close(): void {
  ledger.close({ heads: new Map(), auditedUpTo: 0 });
}
