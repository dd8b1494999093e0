import { beforeEach, describe, expect, it } from "vitest";
import { ONE } from "../../protocol/amount.ts";
import type { CertifiedRound } from "../../protocol/round.ts";
import type { RoundDocument } from "../e2e/auditor.ts";
import { digestOf, testKeys } from "../support/network.ts";
import { certify, verdict } from "../support/rounds.ts";
import {
  bundleOf,
  child,
  close,
  documentOf,
  FEED,
  FIRST,
  HALF_OPEN,
  honestPast,
  JUMP,
  last,
  leaseMs,
  maxSkewMs,
  NEXT,
  network,
  open,
  RESTART,
  RESTARTING,
  resigned,
  roundMs,
  show,
  shown,
} from "./forging.ts";
import { createLedger, type Finding, type Ledger, showFinding } from "./ledger.ts";
import type { PromiseName } from "./promises.ts";

let ledger: Ledger;
let history: readonly CertifiedRound[];

beforeEach(() => {
  ledger = createLedger({ network });
  history = honestPast();
});

describe("an honest past", () => {
  it("breaks no promise, at any node, in any order, however often it is shown", () => {
    for (const round of [...history, ...history].reverse()) for (const node of ["node0", "node1"]) show(ledger, round, node);
    close(ledger);
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

const FORGERIES: readonly Forgery[] = [
  {
    what: "a second certificate of one number",
    promise: "P2",
    says: /two certificates: 0x\w+ and 0x\w+/,
    forge: () => {
      show(ledger, child(last(history), NEXT, {}), "node0");
      show(ledger, child(last(history), NEXT, { price: 1_800n * ONE }), "node3");
    },
  },
  {
    what: "a certificate from the future",
    promise: "P3",
    says: /from the future: it was here \d+ ms before/,
    forge: () => show(ledger, child(last(history), NEXT, {}), "node0", NEXT * roundMs - maxSkewMs - 50),
  },
  {
    what: "a longer lease",
    promise: "P3",
    says: /validUntil \d+ is not timestamp/,
    forge: () => show(ledger, resigned(child(last(history), NEXT, {}), { validUntil: NEXT * roundMs + leaseMs + 1 })),
  },
  {
    what: "a chosen timestamp",
    promise: "P3",
    says: /timestamp \d+ is not round × roundMs/,
    forge: () => show(ledger, resigned(child(last(history), NEXT, {}), { timestamp: NEXT * roundMs + 500 })),
  },
  {
    what: "from open to closed",
    promise: "P9",
    says: /from open to closed/,
    forge: () => {
      const opened = child(last(history), NEXT, { ...open(), reasons: 1 }, [JUMP]);
      show(ledger, opened);
      show(ledger, child(opened, NEXT + 1, {}));
    },
  },
  {
    what: "an outage longer than the lease, and on as before",
    promise: "P9",
    says: /round 1 after an outage is closed\/any/,
    forge: () => show(ledger, child(last(history), NEXT + leaseMs / roundMs, {})),
  },
  {
    what: "half-open in the third round after an outage",
    promise: "P9",
    says: /round 3 after an outage is half-open\/any/,
    forge: () => {
      const back = NEXT + leaseMs / roundMs;
      const first = child(last(history), back, RESTARTING, [RESTART]);
      const second = child(first, back + 1, RESTARTING, [RESTART]);
      for (const round of [first, second, child(second, back + 2, HALF_OPEN)]) show(ledger, round);
    },
  },
  {
    what: "a new feed that starts closed",
    promise: "P9",
    says: /BTC\/USD: a new feed starts closed/,
    forge: () => {
      const verdicts = [verdict(FEED, NEXT * roundMs), verdict("BTC/USD", NEXT * roundMs)];
      show(ledger, certify({ network, round: NEXT, verdicts, parent: last(history).digest }));
    },
  },
  {
    what: "too few signatures",
    promise: "P7",
    says: /expected exactly 3 signatures, found 2/,
    forge: () => {
      const bundle = bundleOf(child(last(history), NEXT, {}));
      ledger.bundle("node0", NEXT * roundMs, { ...bundle, signatures: bundle.signatures.slice(1) });
    },
  },
  {
    what: "a newest round with a stranger's signature",
    promise: "P7",
    says: /not a quorum's signatures: signature/,
    forge: () => {
      const { digest, ...document } = documentOf(child(last(history), NEXT, {}));
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
      const bundle = bundleOf(child(last(history), NEXT, {}));
      ledger.bundle("node0", NEXT * roundMs, { ...bundle, feeds: bundle.feeds.map((feed) => ({ ...feed, price: "1900" })) });
    },
  },
  {
    what: "a parent that nobody has",
    promise: "P7",
    says: /nobody has its parent/,
    forge: () => show(ledger, certify({ network, round: NEXT, verdicts: [verdict(FEED, NEXT * roundMs)], parent: digestOf(9) })),
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
    forge: () => ledger.body("node0", NEXT * roundMs, documentOf(child(last(history), NEXT, {})) as RoundDocument),
  },
  {
    what: "a head off the others' walk",
    promise: "P2",
    says: /node1's head, round \d+, is off node0's walk/,
    forge: () => {
      const [ours, theirs] = [child(last(history), NEXT + 1, {}), child(last(history), NEXT, {})];
      for (const round of [ours, theirs]) show(ledger, round);
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
      show(ledger, child(last(history), NEXT, {}));
    },
  },
  {
    what: "a newest round that goes back",
    promise: "P9",
    says: /its newest round went back from 1000004 to 1000003/,
    forge: () => {
      for (const round of [last(history), history[3]]) {
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
      show(ledger, child(last(history), NEXT, {}));
    },
  },
];

describe("a forged document is found, and named by the promise that it breaks", () => {
  it.each(FORGERIES)("$what ($promise)", ({ promise, says, forge }) => {
    for (const round of history) show(ledger, round);
    forge();
    close(ledger);
    const found: readonly Finding[] = ledger.findings();
    expect(
      found.filter((finding) => finding.promise === promise && says.test(finding.says)),
      shown(found),
    ).toHaveLength(1);
  });

  it("and what is found names round, nodes and both documents", () => {
    show(ledger, child(last(history), NEXT, {}), "node0");
    show(ledger, child(last(history), NEXT, { price: 1_800n * ONE }), "node3");
    const [finding] = ledger.findings();
    if (finding === undefined) throw new Error("nothing was found");
    const text = showFinding(finding);
    expect(text).toMatch(/^P2, round 1000005, node0 \/ node3: two certificates/);
    expect(text.split("\n")).toHaveLength(3);
  });
});
