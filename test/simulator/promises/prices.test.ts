import { describe, expect, it } from "vitest";
import { CARRIED_BIT } from "../../../protocol/report.ts";
import type { CheckerName } from "../../../simulator/promises/index.ts";
import {
  calm,
  changeLeaf,
  changeRound,
  digestsOf,
  findRound,
  judge,
  lying,
  type Recording,
  stormy,
  withFacts,
  without,
} from "./recorded.ts";

const CARRIED = 2 ** CARRIED_BIT;
const middle = digestsOf(calm.stream)[30];
const first = digestsOf(calm.stream)[0];

function expectComplaint(name: CheckerName, promise: string, recording: Recording, what: RegExp) {
  const violations = judge([name], recording);
  expect(violations.map((violation) => violation.what).join("\n")).toMatch(what);
  expect(new Set(violations.map((violation) => violation.promise))).toEqual(new Set([promise]));
}

describe("P1, the honest range", () => {
  it.each<[string, Recording, RegExp]>([
    [
      "a price above every honest one",
      changeLeaf(calm, middle, ({ price }) => ({ price: price + price / 100n })),
      /round \d+ ETH\/USD: certified \d+\.\d+, honest entries are node 0 \d+/,
    ],
    [
      "a price below every honest one",
      changeLeaf(calm, middle, ({ price }) => ({ price: price - price / 100n })),
      /certified .* honest entries are/,
    ],
    [
      "two entries where three are needed",
      changeRound(calm, middle, (committed) => ({
        ...committed,
        body: { ...committed.body, observations: committed.body.observations.slice(0, 2) },
      })),
      /priced afresh on 2 entries, 2f\+1 are 3/,
    ],
    [
      "an entry that its node never sampled",
      without(calm, (occurrence) => occurrence.kind === "sampled" && occurrence.node === 2),
      /entries of honest node 2 that it never sampled/,
    ],
    [
      "a carried price that is not the one before",
      changeLeaf(calm, middle, ({ price, reasons }) => ({ price: price + 1n, reasons: reasons + CARRIED })),
      /carries .* it was/,
    ],
    ["a carried price with a new time", changeLeaf(calm, middle, ({ reasons }) => ({ reasons: reasons + CARRIED })), /carries/],
    [
      "a carried price out of nowhere",
      changeLeaf(calm, first, ({ reasons }) => ({ reasons: reasons + CARRIED })),
      /a carried price that no earlier round of the walk has/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("honest range", "P1", recording, what));

  it("with more liars than f the liars' own prices are no excuse", () => {
    const digest = digestsOf(lying.stream)[20];
    const forged = changeLeaf(lying, digest, ({ price }) => ({ price: price * 2n }));
    expectComplaint("honest range", "P1", withFacts(forged, { byzantine: [0, 1] }), /honest entries are node 2/);
  });
});

describe("P1, the true price", () => {
  const { market } = calm.facts;
  const elsewhere = {
    ...market,
    truth: (...asked: Parameters<typeof market.truth>) => (market.truth(...asked) * 102n) / 100n,
    truthRange: (...asked: Parameters<typeof market.truthRange>) => {
      const { low, high } = market.truthRange(...asked);
      return { low: (low * 102n) / 100n, high: (high * 102n) / 100n };
    },
  };

  it("a fresh price that was never true", () => {
    expectComplaint("true price", "P1", withFacts(calm, { market: elsewhere }), /certified \d+.*, the true price was/);
  });

  it("says nothing while a third of the sources is wrong, or more than f nodes may be", () => {
    const clouded = { ...elsewhere, faultyShareBps: () => 3_400 };
    expect(judge(["true price"], withFacts(calm, { market: clouded }))).toEqual([]);
    expect(judge(["true price"], withFacts(calm, { market: elsewhere, byzantine: [0, 1] }))).toEqual([]);
  });
});

describe("P3, the lease", () => {
  const header = (change: (timestamp: number) => { timestamp?: number; validUntil?: number }) =>
    changeRound(calm, middle, (committed) => {
      const { certificate } = committed.certified;
      const changed = { ...certificate.header, ...change(certificate.header.timestamp) };
      return { ...committed, certified: { ...committed.certified, certificate: { ...certificate, header: changed } } };
    });

  it.each<[string, Recording, RegExp]>([
    ["a lease too long", header((timestamp) => ({ validUntil: timestamp + 60_000 })), /not from its number's time for a lease/],
    ["a time of its own", header((timestamp) => ({ timestamp: timestamp + 1 })), /not from its number's time/],
    [
      "a certificate before its time",
      changeRound(calm, middle, (committed) => ({ ...committed, at: committed.at - 5_000 })),
      /was certified \d+ ms before its time/,
    ],
    [
      "permission on old data",
      changeLeaf(calm, middle, ({ observedAt }) => ({ observedAt: observedAt - 10_000 })),
      /permits any on data 1\d{4} ms old, the limit is 8000/,
    ],
    [
      "data from the future",
      changeLeaf(calm, middle, ({ observedAt }) => ({ observedAt: observedAt + 60_000 })),
      /observed \d+ ms after the round's time/,
    ],
    [
      "data newer than any honest node's",
      changeLeaf(stormy, digestsOf(stormy.stream)[12], ({ observedAt }) => ({ observedAt: observedAt + 2_500 })),
      /honest nodes saw nothing newer/,
    ],
    [
      "a carried price that permits all",
      changeLeaf(calm, middle, ({ reasons }) => ({ reasons: reasons + CARRIED })),
      /a carried price permits any, borrow \w+, budget 10000/,
    ],
    ["a carried price that grew younger", changeLeaf(calm, middle, { reasons: CARRIED, liquidate: "none" }), /grew younger/],
    [
      "borrowing on an open feed",
      changeLeaf(
        calm,
        findRound(calm, ({ state }) => state === "open"),
        { borrow: true },
      ),
      /borrow on a feed that is open/,
    ],
    [
      "borrowing in the first season",
      changeLeaf(
        calm,
        findRound(calm, ({ state, borrow }) => state === "closed" && !borrow),
        { borrow: true },
      ),
      /borrow on a feed that is closed .* first priced \d+ ms ago/,
    ],
    [
      "a quote said to be newer than the present",
      {
        ...calm,
        stream: calm.stream.map((occurrence) =>
          occurrence.kind === "sampled" && occurrence.node === 3 ? { ...occurrence, at: occurrence.at - 10_000 } : occurrence,
        ),
      },
      /honest node 3 calls a quote \d+ ms newer than the present/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("lease", "P3", recording, what));

  it("asks nothing of a node whose clock is wrong", () => {
    const fault = { kind: "clock-step", node: 3, ms: -10_000 } as const;
    const wrong = withFacts(
      {
        ...calm,
        stream: calm.stream.map((occurrence) =>
          occurrence.kind === "sampled" && occurrence.node === 3 ? { ...occurrence, at: occurrence.at - 10_000 } : occurrence,
        ),
      },
      { faults: [{ at: 0, until: 1_000_000, fault }] },
    );
    expect(judge(["lease"], wrong)).toEqual([]);
  });
});

describe("P4, the price is the quorum's", () => {
  it.each<[string, Recording, RegExp]>([
    ["another price", changeLeaf(calm, middle, ({ price }) => ({ price: price + 1n })), /serves \d+\.\d+, the quorum's is/],
    [
      "another time",
      changeLeaf(calm, middle, ({ observedAt }) => ({ observedAt: observedAt - 1 })),
      /observed at \d+, the quorum/,
    ],
    [
      "a fresh price marked carried",
      changeLeaf(calm, middle, ({ reasons }) => ({ reasons: reasons + CARRIED })),
      /4 entries count and it is marked carried/,
    ],
    ["an interval above the price", changeLeaf(calm, middle, ({ price }) => ({ low: price + 1n })), /outside/],
    ["an interval below the price", changeLeaf(calm, middle, ({ price }) => ({ high: price - 1n })), /outside/],
    [
      "an interval narrower than the quorum's",
      changeLeaf(calm, middle, ({ price }) => ({ low: price, high: price })),
      /is narrower than the quorum's/,
    ],
    [
      "a leaf that is gone",
      changeRound(calm, middle, (committed) => ({ ...committed, certified: { ...committed.certified, feeds: [] } })),
      /its leaf is gone[\s\S]*the quorum prices it and it has no leaf/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("price kept", "P4", recording, what));
});
