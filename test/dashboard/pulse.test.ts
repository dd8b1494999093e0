import { describe, expect, it } from "vitest";
import type { Bundle } from "../../dashboard/data/api.ts";
import { createPulse, freshnessOf, type PulseOutput } from "../../dashboard/data/pulse.ts";

const bundle = (round: number): Bundle => ({ round }) as Bundle;
const kinds = (outputs: readonly PulseOutput[]) => outputs.map(({ kind }) => kind);

function started() {
  const pulse = createPulse(() => 1);
  expect(pulse.handle({ kind: "start" }, 0)).toEqual([{ kind: "connect", lastEventId: undefined }]);
  return pulse;
}

describe("the stream's state", () => {
  it("hands on each round once and in ascending order", () => {
    const pulse = started();
    expect(kinds(pulse.handle({ kind: "round", bundle: bundle(5) }, 10))).toEqual(["publish"]);
    for (const round of [5, 4]) expect(pulse.handle({ kind: "round", bundle: bundle(round) }, 20)).toEqual([]);
    expect(kinds(pulse.handle({ kind: "round", bundle: bundle(6) }, 30))).toEqual(["publish"]);
    expect(pulse.view()).toMatchObject({ phase: "live", lostAt: undefined });
  });

  it("waits after a failure, then resumes after the last round that it took in", () => {
    const pulse = started();
    pulse.handle({ kind: "round", bundle: bundle(7) }, 100);
    expect(pulse.handle({ kind: "failed", why: "closed" }, 200)).toEqual([]);
    expect(pulse.view()).toEqual({ phase: "waiting", lostAt: 200, retryAt: 700, why: "closed" });
    expect(pulse.handle({ kind: "tick" }, 699)).toEqual([]);
    expect(pulse.handle({ kind: "tick" }, 700)).toEqual([{ kind: "connect", lastEventId: 7 }]);
    expect(pulse.view()).toMatchObject({ phase: "connecting", lostAt: 200 });
  });

  it("waits longer after each failure, up to a bound, and anew from the beginning once something was heard", () => {
    const pulse = started();
    const waits: number[] = [];
    for (let now = 0; waits.length < 8; ) {
      pulse.handle({ kind: "failed", why: "refused" }, now);
      const at = pulse.view().retryAt ?? 0;
      waits.push(at - now);
      now = at;
      pulse.handle({ kind: "tick" }, now);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    pulse.handle({ kind: "heard" }, 100_000);
    pulse.handle({ kind: "failed", why: "refused" }, 100_000);
    expect(pulse.view().retryAt).toBe(100_500);
  });

  it("keeps readers of a lost gateway apart", () => {
    const waits = [0, 0.5, 1].map((jitter) => {
      const pulse = createPulse(() => jitter);
      pulse.handle({ kind: "start" }, 0);
      pulse.handle({ kind: "failed", why: "" }, 0);
      return pulse.view().retryAt;
    });
    expect(waits).toEqual([250, 375, 500]);
  });

  it("takes the newest round once more for other feeds, and none before it", () => {
    const pulse = started();
    pulse.handle({ kind: "round", bundle: bundle(7) }, 100);
    expect(pulse.handle({ kind: "start" }, 200)).toEqual([{ kind: "connect", lastEventId: 6 }]);
    expect(pulse.handle({ kind: "round", bundle: bundle(6) }, 300)).toEqual([]);
    expect(kinds(pulse.handle({ kind: "round", bundle: bundle(7) }, 300))).toEqual(["publish"]);
  });

  it("takes a silent line for dead, and a comment for life", () => {
    const pulse = started();
    pulse.handle({ kind: "heard" }, 15_000);
    expect(pulse.handle({ kind: "tick" }, 35_000)).toEqual([]);
    expect(pulse.handle({ kind: "tick" }, 35_001)).toEqual([{ kind: "disconnect" }]);
    expect(pulse.view()).toMatchObject({ phase: "waiting", why: "nothing was heard for 20 s" });
  });

  it("connects at once when the person asks, and not a second time while it is connected", () => {
    const pulse = started();
    expect(pulse.handle({ kind: "hurry" }, 5)).toEqual([]);
    pulse.handle({ kind: "failed", why: "" }, 10);
    expect(kinds(pulse.handle({ kind: "hurry" }, 11))).toEqual(["connect"]);
    expect(pulse.handle({ kind: "hurry" }, 12)).toEqual([]);
  });

  it("counts one loss once, however many failures it has", () => {
    const pulse = started();
    pulse.handle({ kind: "failed", why: "first" }, 1_000);
    pulse.handle({ kind: "failed", why: "second" }, 1_100);
    pulse.handle({ kind: "tick" }, 2_000);
    pulse.handle({ kind: "failed", why: "third" }, 2_100);
    expect(pulse.view()).toMatchObject({ lostAt: 1_000, why: "third", retryAt: 3_100 });
  });
});

it("a number is fresh for as long as a consumer takes it, late until its lease ends, and then ended", () => {
  const round = { timestamp: 100_000, validUntil: 115_000 };
  expect([100_000, 105_000, 105_001, 115_000, 115_001].map((now) => freshnessOf(round, now))).toEqual([
    ...["fresh", "fresh", "late", "late", "ended"],
  ]);
  expect(freshnessOf(undefined, 0)).toBe("none");
});
