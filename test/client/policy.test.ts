import { describe, expect, it } from "vitest";
import { ACTIONS, type Answer, type Circumstances, decide, newestOf, REFUSALS } from "../../client/policy.ts";
import { type Verification, verifyFeedDocument } from "../../client/verify.ts";
import { toFeedDocument } from "../../protocol/document.ts";
import type { Report } from "../../protocol/report.ts";
import { scheme } from "../support/network.ts";
import { certify, feedId, networkOf, verdict } from "../support/rounds.ts";

const FEED = "ETH/USD";
const ROUND = 1_795_300_123;
const network = networkOf([FEED]);
const timestamp = ROUND * network.config.roundMs;
const options = { trust: { committee: network.committee, domain: network.domain }, scheme };

function verified(overrides: Partial<Report> = {}, round = ROUND): Verification {
  const certified = certify({ network, round, verdicts: [verdict(FEED, timestamp, overrides)] });
  return verifyFeedDocument(toFeedDocument({ round: certified, feed: feedId(FEED) }), options);
}

function reasonOf(answer: Answer): string {
  return answer.ok ? `yes ${answer.budgetBps}` : answer.reason;
}

const soon: Circumstances = { now: timestamp + 400 };
const lease = network.config.leaseMs;
const paused = { state: "open", liquidate: "none", borrow: false, budgetBps: 0 } as const;
const robust = { state: "open", liquidate: "robust", borrow: false, budgetBps: 0 } as const;
const probing = { state: "half-open", liquidate: "any", borrow: false, budgetBps: 1_000 } as const;

describe("a proven document is refused", () => {
  const rows: readonly (readonly [string, Answer])[] = [
    ["unproven", decide("borrow", FEED, { ...verified(), ok: false, faults: [{ part: "path", detail: "x" }] }, soon)],
    ["no-feed", decide("borrow", "BTC/USD", verified(), soon)],
    ["future", decide("borrow", FEED, verified(), { now: timestamp - 1_001 })],
    ["expired", decide("borrow", FEED, verified(), { now: timestamp + lease + 1 })],
    ["old", decide("borrow", FEED, verified(), { now: timestamp + 5_001 })],
    ["rewound", decide("borrow", FEED, verified(), { ...soon, newestRound: ROUND + 1 })],
    ["paused", decide("liquidate", FEED, verified(paused), soon)],
    ["disputed", decide("liquidate", FEED, verified(robust), soon)],
  ];
  it.each(rows)("%s", (reason, answer) => {
    expect(answer).toMatchObject({ ok: false, reason });
  });

  it("for every reason there is a row", () => {
    expect(rows.map(([reason]) => reason)).toEqual([...REFUSALS]);
  });

  it("exactly past each limit, and not at it", () => {
    expect(decide("borrow", FEED, verified(), { now: timestamp - 1_000 }).ok).toBe(true);
    expect(decide("borrow", FEED, verified(), { now: timestamp + 5_000 }).ok).toBe(true);
    expect(decide("borrow", FEED, verified(), { now: timestamp + lease, maxAgeMs: lease }).ok).toBe(true);
    expect(decide("borrow", FEED, verified(), { ...soon, newestRound: ROUND }).ok).toBe(true);
    expect(decide("borrow", FEED, verified(), { now: Number.NaN }).ok).toBe(false);
  });
});

describe("what each verdict permits", () => {
  const rows: readonly (readonly [string, Partial<Report>, readonly string[]])[] = [
    ["closed", {}, ["yes 10000", "yes 10000", "yes 10000", "yes 10000"]],
    ["closed in its season", { borrow: false }, ["yes 10000", "yes 10000", "yes 10000", "paused"]],
    ["half-open", probing, ["yes 10000", "yes 10000", "yes 1000", "paused"]],
    [
      "half-open, narrowed for a round",
      { ...probing, liquidate: "robust", budgetBps: 0 },
      ["yes 10000", "yes 10000", "disputed", "paused"],
    ],
    ["half-open and carried", { ...probing, liquidate: "robust" }, ["yes 10000", "yes 10000", "disputed", "paused"]],
    ["closed and carried", { liquidate: "robust", borrow: false }, ["yes 10000", "yes 10000", "disputed", "paused"]],
    ["open, robust", robust, ["yes 10000", "yes 10000", "disputed", "paused"]],
    ["open, none", paused, ["yes 10000", "paused", "paused", "paused"]],
  ];
  it.each(rows)("%s", (_, overrides, expected) => {
    const verification = verified(overrides);
    expect(ACTIONS.map((action) => reasonOf(decide(action, FEED, verification, soon)))).toEqual(expected);
  });

  it("repaying is never asked about, whatever the document is worth", () => {
    expect(decide("repay", FEED, verifyFeedDocument(null, options), { now: 0 }).ok).toBe(true);
  });
});

describe("several gateways", () => {
  it("the newest that verified counts; an unproven newer one does not", () => {
    const older = verified({}, ROUND);
    const newer = verified({}, ROUND + 1);
    const forged = { ...verified({}, ROUND + 2), ok: false };
    expect(newestOf([older, forged, newer])).toBe(newer);
    expect(newestOf([forged])).toBeUndefined();
  });
});
