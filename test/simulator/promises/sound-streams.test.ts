import { describe, expect, it } from "vitest";
import { BREAKER_STATES } from "../../../protocol/report.ts";
import { CHECKERS, type CheckerName } from "../../../simulator/promises/index.ts";
import { calm, committedIn, judge, lying, stormy } from "./recorded.ts";

const NAMES = Object.keys(CHECKERS) as readonly CheckerName[];

describe("trials in which every promise was kept", () => {
  it.each([
    ["calm", calm],
    ["stormy", stormy],
    ["lying", lying],
  ])("%s: no judge has anything to say", (_, recording) => {
    for (const name of NAMES) expect([name, judge([name], recording)]).toEqual([name, []]);
  });

  it("are worth judging: many rounds, every state, a jump, an outage", () => {
    for (const { stream } of [calm, stormy, lying]) {
      const digests = new Set(committedIn(stream).map(({ certified }) => certified.digest));
      expect(digests.size).toBeGreaterThan(40);
    }
    const reports = committedIn(stormy.stream).flatMap(({ certified }) => certified.feeds.map(({ report }) => report));
    expect(new Set(reports.map(({ state }) => state))).toEqual(new Set(BREAKER_STATES));
    expect(new Set(reports.map(({ liquidate }) => liquidate))).toEqual(new Set(["none", "robust", "any"]));
    expect(reports.some(({ reasons }) => reasons % 2 === 1)).toBe(true);
    const codes = lying.stream.flatMap((occurrence) => (occurrence.kind === "event" ? [occurrence.code] : []));
    expect(codes).toContain("equivocation");
  });
});
