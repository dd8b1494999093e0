import { describe, expect, it } from "vitest";
import type { Report } from "../../../protocol/report.ts";
import type { Thresholds } from "../../../protocol/thresholds.ts";
import type { CheckerName } from "../../../simulator/promises/index.ts";
import {
  calm,
  changeLeaf,
  changeRound,
  digestsOf,
  findRound,
  judge,
  type Recording,
  stormy,
  withFacts,
  withThresholds,
} from "./recorded.ts";

const GAP = 2 ** 10;
const closed = findRound(calm, ({ state, borrow }) => state === "closed" && borrow);
const halfOpen = findRound(calm, ({ state, liquidate }) => state === "half-open" && liquidate === "any");
const restarting = findRound(calm, ({ state }) => state === "open");

function expectComplaint(name: CheckerName, promise: string, recording: Recording, what: RegExp) {
  const violations = judge([name], recording);
  expect(violations.map((violation) => violation.what).join("\n")).toMatch(what);
  expect(new Set(violations.map((violation) => violation.promise))).toEqual(new Set([promise]));
}

/** Nothing is allowed any time at all. */
const none = (limits: Partial<Thresholds>) => withThresholds(stormy, limits);

function changeAll(recording: Recording, change: Partial<Report>): Recording {
  return digestsOf(recording.stream).reduce((changed, digest) => changeLeaf(changed, digest, change), recording);
}

/** Another anchor in the memory that the round starts from: the seventh field of its second feed, the first being the chain's leaf. */
function changeAnchor(recording: Recording, anchor: bigint): Recording {
  const start = 2 + (3 + 54 + 7) * 64;
  return changeRound(recording, closed, (committed) => {
    const { memory } = committed.body;
    const changed = `${memory.slice(0, start)}${anchor.toString(16).padStart(64, "0")}${memory.slice(start + 64)}` as const;
    return { ...committed, body: { ...committed.body, memory: changed as `0x${string}` } };
  });
}

describe("P5, pauses end", () => {
  it.each<[string, Recording, RegExp]>([
    [
      "no liquidation at all on a fresh price",
      changeLeaf(calm, closed, { liquidate: "none" }),
      /permits no liquidation at all on a price observed \d+ ms ago, \d+ rounds after its restart/,
    ],
    ["a pause without a rule", changeLeaf(calm, closed, { state: "open" }), /open without a rule/],
    ["a rule that never fired", changeLeaf(calm, closed, { reasons: 2 }), /dispersion is active and never fired/],
    [
      "a hard rule that lasts longer than it fires",
      changeLeaf(calm, closed, { reasons: 256 }),
      /restart is active and fired last \d+ ms ago/,
    ],
    ["a gap that nobody ends", withThresholds(changeAll(calm, { reasons: GAP }), { gapHoldMs: 10_000 }), /a gap held for \d+ ms/],
    [
      "one rule beyond its cap",
      none({ maxOpenMs: 1_000, minOpenMs: 1_000 }),
      /jump alone held it open for \d+ ms, its cap is 1000/,
    ],
    ["all of them beyond their caps", none({ maxOpenMs: -2_000 }), /soft rules held it open for \d+ ms in one event/],
    ["a jump that all agree on, too long", none({ confirmMs: 3_000 }), /all agree on held it open for \d+ ms, confirmMs is 3000/],
    ["the day's budget", none({ pauseBudgetMs: -20_000 }), /stretched to the anchor for \d+ ms, the day's budget is -20000/],
    [
      "volatility that is not the memory's",
      changeLeaf(calm, closed, ({ volatility }) => ({ volatility: volatility + 1n })),
      /stored/,
    ],
    ["volatility out of bounds", changeLeaf(calm, closed, { volatility: 0n }), /volatility 0 out of bounds/],
    ["an anchor where no price ever was", changeAnchor(calm, 10n ** 18n), /anchor 1 outside every price certified before/],
    [
      "an interval blown up",
      changeLeaf(calm, closed, ({ high }) => ({ high: high * 2n })),
      /reaches \d+ bps beyond honest entries, more than 3σ√t/,
    ],
    ["an interval blown down", changeLeaf(calm, closed, ({ low }) => ({ low: low / 2n })), /beyond honest entries/],
  ])("%s", (_, recording, what) => expectComplaint("pauses", "P5", recording, what));

  it("a gap whose time is over begins again with another such move", () => {
    const gaps = changeAll(calm, { reasons: GAP });
    const said = judge(["pauses"], withThresholds(gaps, { gapHoldMs: 10_000, gapBps: -1, jumpBps: -1 }));
    expect(said.filter(({ what }) => what.includes("a gap held"))).toEqual([]);
  });

  it("governance may raise a rule to none", () => {
    const jumping = findRound(stormy, ({ state, reasons }) => state === "open" && reasons === 1);
    const raised = changeLeaf(stormy, jumping, { liquidate: "none" });
    expectComplaint("pauses", "P5", raised, /permits no liquidation at all .* active: jump/);
    expect(judge(["pauses"], withThresholds(raised, { liquidateNone: ["jump"] }))).toEqual([]);
  });
});

describe("P5, nothing is closed at a price that a rule doubts", () => {
  it.each<[string, Recording, RegExp]>([
    ["jump", withThresholds(calm, { jumpBps: -1 }), /closed while jump fires/],
    ["dispersion", withThresholds(calm, { dispersionBps: 0 }), /closed while dispersion fires/],
    ["divergence", withThresholds(calm, { divergenceBps: -1 }), /closed while divergence fires/],
    ["thin by groups", withThresholds(calm, { wantGroups: 9 }), /closed while thin fires/],
    ["thin by one group's share", withThresholds(calm, { topShareBps: 100 }), /closed while thin fires/],
    ["stale", withThresholds(calm, { staleMs: 1 }), /closed while stale fires/],
    [
      "restart",
      withFacts(calm, { network: { ...calm.facts.network, config: { ...calm.facts.network.config, restartRounds: 50 } } }),
      /closed while restart fires/,
    ],
    ["gap", withThresholds(calm, { gapBps: -1, jumpBps: -1 }), /closed while jump gap fires/],
    ["an active rule", changeLeaf(calm, closed, { reasons: 2 }), /closed while dispersion is active/],
    ["no agreement before", withThresholds(calm, { probeMs: 60_000 }), /after \d+ ms of agreement, probeMs is 60000/],
    ["from open at once", changeLeaf(calm, restarting, { state: "closed" }), /went from none to closed/],
    ["from closed to half-open", changeLeaf(calm, closed, { state: "half-open" }), /went from closed to half-open/],
    [
      "half-open during a restart",
      changeLeaf(calm, digestsOf(calm.stream)[1], { state: "half-open" }),
      /half-open while restart/,
    ],
    ["a state older than it is", changeLeaf(calm, closed, ({ since }) => ({ since: since - 1 })), /closed since \d+, it was/],
    ["open with everything permitted", changeLeaf(calm, restarting, { liquidate: "any" }), /open, any, with a budget of 0 bps/],
    ["a budget without a permission", changeLeaf(calm, restarting, { budgetBps: 1 }), /open, none, with a budget of 1 bps/],
    ["half-open with less than the floor", changeLeaf(calm, halfOpen, { budgetBps: 999 }), /expected 1000 to/],
    ["half-open with more than the probe gives", changeLeaf(calm, halfOpen, { budgetBps: 10_000 }), /expected 1000 to 1000/],
    ["closed with a budget cut", changeLeaf(calm, closed, { budgetBps: 9_999 }), /expected 10000 to 10000/],
  ])("%s", (_, recording, what) => expectComplaint("doubt", "P5", recording, what));

  it("a move that the basket's explains is no jump", () => {
    // Without a basket nothing explains it: the trial's own jump must have opened the feed.
    const calmed = changeAll(stormy, { state: "closed", reasons: 0 });
    expectComplaint("doubt", "P5", calmed, /closed while jump fires/);
    expect(judge(["doubt"], withThresholds(calmed, { jumpBps: 9_999 })).some(({ what }) => what.includes("jump"))).toBe(false);
  });
});

describe("P9, no resuming on old data", () => {
  const again = findRound(stormy, ({ state, since }, { certified }) => {
    const { timestamp } = certified.certificate.header;
    return state === "open" && since === timestamp && timestamp > stormy.facts.startAt + 95_000;
  });

  it.each<[string, Recording, RegExp]>([
    [
      "permission in the first rounds",
      changeLeaf(calm, restarting, { liquidate: "robust" }),
      /permits robust in round 1 after it began/,
    ],
    ["permission after an outage", changeLeaf(stormy, again, { liquidate: "any" }), /permits any in round 1 after an outage of/],
    ["closed over an outage", changeLeaf(stormy, again, { state: "closed" }), /closed in the first round after an outage/],
    ["a restart that is not said", changeLeaf(stormy, again, { reasons: 0 }), /restart is not active in round 1/],
    [
      "fewer rounds than it takes",
      withFacts(calm, { network: { ...calm.facts.network, config: { ...calm.facts.network.config, restartRounds: 9 } } }),
      /permits \w+ in round 4 after its restart/,
    ],
    [
      "an outage that nobody noticed",
      withFacts(calm, { network: { ...calm.facts.network, config: { ...calm.facts.network.config, leaseMs: 1_000 } } }),
      /half-open in the first round after an outage of 2000 ms/,
    ],
  ])("%s", (_, recording, what) => expectComplaint("restarts", "P9", recording, what));
});
