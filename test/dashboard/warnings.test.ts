import { describe, expect, it } from "vitest";
import { correctionOf, narrow, offsetOf } from "../../dashboard/data/clock.ts";
import type { PulseView } from "../../dashboard/data/pulse.ts";
import { isAlive, warningsOf } from "../../dashboard/view/banner.ts";

const LIVE: PulseView = { phase: "live", lostAt: undefined, retryAt: undefined, why: undefined };
const LOST: PulseView = { phase: "waiting", lostAt: 90_000, retryAt: 103_000, why: "no connection" };
const ROUND = { round: 100, timestamp: 100_000, validUntil: 115_000 };
const WELL = { link: LIVE, freshness: "fresh", round: ROUND, hasList: true, now: 101_000, clockOff: 0 } as const;

describe("what a person must know before believing a number", () => {
  const titles = (change: object) => warningsOf({ ...WELL, ...change }).map(({ title }) => title);

  it.each([
    ["nothing while all is well", {}, []],
    ["a lost line", { link: LOST }, ["Disconnected"]],
    ["not a line that blinks", { link: { ...LOST, lostAt: 100_000 } }, []],
    ["a round that is late", { freshness: "late", now: 107_000 }, ["No new round"]],
    ["a lease that ended", { freshness: "ended", now: 120_000 }, ["The lease has ended"]],
    ["both, the lease first", { freshness: "ended", link: LOST, now: 120_000 }, ["The lease has ended", "Disconnected"]],
    ["that there is no round yet", { freshness: "none", round: undefined }, ["No round yet"]],
    ["nothing before the first answer", { freshness: "none", round: undefined, hasList: false }, []],
    ["a clock that is wrong", { clockOff: 40_000 }, ["This computer's clock is wrong"]],
  ])("%s", (_, change, expected) => expect(titles(change)).toEqual(expected));

  it("says how long ago, and when it tries again", () => {
    const [lost] = warningsOf({ ...WELL, link: LOST });
    expect(lost).toMatchObject({ tone: "stop", canRetry: true });
    expect(lost?.text).toBe(
      "No connection to the gateway for 11 s (no connection); trying again in 2 s. What is shown is not live.",
    );
    const [ended] = warningsOf({ ...WELL, freshness: "ended", now: 120_000 });
    expect(ended?.text).toContain("until 5.0 s ago. Nothing is permitted");
  });

  it("counts a loss by this computer's own clock, a lease by the gateway's", () => {
    const [lost] = warningsOf({ ...WELL, link: LOST, now: 141_000, clockOff: 40_000 });
    expect(lost?.text).toContain("for 11 s");
    const wrong = warningsOf({ ...WELL, clockOff: -40_000 });
    expect(wrong[0]?.text).toContain("40 s ahead of the gateway's");
  });

  it("only a fresh round over a line that holds looks alive", () => {
    expect(isAlive(WELL)).toBe(true);
    for (const change of [{ link: LOST }, { freshness: "late" }, { freshness: "ended" }, { freshness: "none" }] as const) {
      expect(isAlive({ ...WELL, ...change })).toBe(false);
    }
  });
});

describe("the gateway's clock", () => {
  it("is known to the second from one answer, and better from more", () => {
    const one = offsetOf({ dateAt: 10_000, sentAt: 9_900, receivedAt: 10_100 });
    expect(one).toEqual({ low: -100, high: 1_100 });
    expect(narrow(one, { low: 50, high: 2_000 })).toEqual({ low: 50, high: 1_100 });
    expect(narrow(undefined, one)).toBe(one);
  });

  it("replaces what it contradicts, which is a clock set anew", () => {
    expect(narrow({ low: 0, high: 1_000 }, { low: 60_000, high: 61_000 })).toEqual({ low: 60_000, high: 61_000 });
    expect(narrow({ low: 0, high: 1_000 }, { low: 1_200, high: 2_000 })).toEqual({ low: 1_000, high: 1_200 });
  });

  it("corrects nothing that may be right, and else by the least that must be", () => {
    expect(correctionOf(undefined)).toBe(0);
    expect(correctionOf({ low: -900, high: -50 })).toBe(0);
    expect(correctionOf({ low: 41_000, high: 42_000 })).toBe(41_000);
    expect(correctionOf({ low: -42_000, high: -41_000 })).toBe(-41_000);
  });
});
