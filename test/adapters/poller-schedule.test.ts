import { describe, expect, test } from "vitest";
import type { FaultCode, MarketAnswer, VenueRequest } from "../../adapters/adapter.ts";
import { FAULT_CODES } from "../../adapters/adapter.ts";
import { backoffMs } from "../../adapters/backoff.ts";
import {
  createVenueSchedule,
  MAX_VENUE_PAUSE_MS,
  type ScheduleOptions,
  type ScheduleOutput,
  type VenueSchedule,
} from "../../adapters/schedule.ts";
import { applyAnswer, FAULT_KINDS, marketKey } from "../../adapters/snapshot.ts";
import { createTaper } from "../../adapters/taper.ts";
import { fail, ok } from "../../protocol/result.ts";
import { toyAdapter } from "./toy-venue.ts";

const WALL = 1_800_000_000_000;

function scheduleOf(markets: readonly string[], over: Partial<ScheduleOptions> = {}): VenueSchedule {
  const options: ScheduleOptions = {
    adapter: toyAdapter("toy"),
    markets,
    intervalMs: 1_000,
    maxInFlight: 100,
    requestsPerSecond: 1_000,
    backoffBaseMs: 1_000,
    backoffCapMs: 8_000,
    quarantineMs: 600_000,
    random: () => 0.5,
    ...over,
  };
  return createVenueSchedule(options, 0);
}

/** One request a market. */
const each = toyAdapter("toy", {
  request: (markets) => markets.map((market) => ({ method: "GET", path: `/${market}`, markets: [market] })),
});

function sent(outputs: readonly ScheduleOutput[]): VenueRequest[] {
  return outputs.flatMap((output) => (output.kind === "send" ? [output.request] : []));
}

function only<T>(list: readonly T[]): T {
  if (list.length !== 1 || list[0] === undefined) throw new Error(`expected one, got ${list.length}`);
  return list[0];
}

function good(request: VenueRequest): MarketAnswer[] {
  return request.markets.map((market) => ({ market, answer: ok({ market, last: 1n }) }));
}

function bad(request: VenueRequest, code: FaultCode, retryAt?: number): MarketAnswer[] {
  const error = { code, detail: "", ...(retryAt === undefined ? {} : { retryAt }) };
  return request.markets.map((market) => ({ market, answer: fail(error) }));
}

function answer(schedule: VenueSchedule, request: VenueRequest, answers: readonly MarketAnswer[], now: number) {
  return schedule.handle({ kind: "answered", request, answers, receivedAt: WALL + now }, now);
}

describe("one request", () => {
  test("is due at once, then an interval after it was sent, however long the answer took", () => {
    const schedule = scheduleOf(["A/USD"]);
    const request = only(sent(schedule.handle({ kind: "wake" }, 0)));
    expect(schedule.wakeAt()).toBe(Number.POSITIVE_INFINITY);
    expect(answer(schedule, request, good(request), 300)).toEqual([{ kind: "record", answers: good(request) }]);
    expect(schedule.wakeAt()).toBe(1_000);
    expect(schedule.handle({ kind: "wake" }, 999)).toEqual([]);
    expect(sent(schedule.handle({ kind: "wake" }, 1_000))).toEqual([request]);
    expect(sent(answer(schedule, request, good(request), 2_500))).toEqual([request]);
  });

  test("shifts by at most a tenth of the interval either way", () => {
    for (const [random, dueAt] of [
      [0, 900],
      [0.5, 1_000],
      [1, 1_100],
    ] as const) {
      const schedule = scheduleOf(["A/USD"], { random: () => random });
      const request = only(sent(schedule.handle({ kind: "wake" }, 0)));
      answer(schedule, request, good(request), 10);
      expect(schedule.wakeAt()).toBeCloseTo(dueAt, 6);
    }
  });

  test("ignores an answer it did not ask for", () => {
    const schedule = scheduleOf(["A/USD"]);
    const stranger: VenueRequest = { method: "GET", path: "/t?m=A/USD", markets: ["A/USD"] };
    expect(answer(schedule, stranger, good(stranger), 0).filter(({ kind }) => kind === "record")).toEqual([]);
  });
});

describe("back-off", () => {
  test("doubles from the base to the cap, half of it drawn", () => {
    const steps = [1, 2, 3, 4, 5, 60].map((failures) => backoffMs({ failures, baseMs: 1_000, capMs: 8_000 }, 0));
    expect(steps).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000]);
    expect(backoffMs({ failures: 60, baseMs: 1_000, capMs: 8_000 }, 1)).toBe(8_000);
  });

  test("holds back the failing request only, and ends with the first answer that is one", () => {
    const schedule = scheduleOf(["A/USD", "B/USD"], { adapter: each });
    const [a, b] = sent(schedule.handle({ kind: "wake" }, 0));
    if (a === undefined || b === undefined) throw new Error("expected two requests");
    answer(schedule, b, good(b), 0);
    for (const [now, waitMs] of [
      [0, 1_000],
      [1_000, 1_500],
      [2_500, 3_000],
      [5_500, 6_000],
      [11_500, 6_000],
    ] as const) {
      answer(schedule, a, bad(a, "timeout"), now);
      const before = sent(schedule.handle({ kind: "wake" }, now + waitMs - 1));
      expect(before).not.toContain(a);
      if (before.includes(b)) answer(schedule, b, good(b), now + waitMs - 1);
      expect(sent(schedule.handle({ kind: "wake" }, now + waitMs))).toContain(a);
    }
    answer(schedule, a, good(a), 17_500);
    expect(sent(schedule.handle({ kind: "wake" }, 18_500))).toContain(a);
  });

  test("a partial failure is no failure: one quote in the batch keeps the pace", () => {
    const schedule = scheduleOf(["A/USD", "B/USD"]);
    const request = only(sent(schedule.handle({ kind: "wake" }, 0)));
    const mixed = [...good({ ...request, markets: ["A/USD"] }), ...bad({ ...request, markets: ["B/USD"] }, "malformed")];
    answer(schedule, request, mixed, 0);
    expect(schedule.wakeAt()).toBe(1_000);
  });
});

describe("the venue's budget", () => {
  test("sends a start-up burst of a fifth of a second, then spaces requests, the longest due first", () => {
    const markets = ["A/USD", "B/USD", "C/USD", "D/USD", "E/USD"];
    const schedule = scheduleOf(markets, { adapter: each, requestsPerSecond: 10 });
    const times: [string, number][] = [];
    for (let now = 0; now <= 400; now = Math.max(now + 1, Math.min(schedule.wakeAt(), 401))) {
      for (const request of sent(schedule.handle({ kind: "wake" }, now))) times.push([request.path, now]);
    }
    expect(times).toEqual([
      ["/A/USD", 0],
      ["/B/USD", 0],
      ["/C/USD", 0],
      ["/D/USD", 100],
      ["/E/USD", 200],
    ]);
  });

  test("a budget below one a second still sends", () => {
    const schedule = scheduleOf(["A/USD", "B/USD"], { adapter: each, requestsPerSecond: 0.5 });
    expect(sent(schedule.handle({ kind: "wake" }, 0)).length).toBe(1);
    expect(schedule.wakeAt()).toBe(1_800);
    expect(sent(schedule.handle({ kind: "wake" }, 1_800)).length).toBe(1);
  });

  test("no more in flight than allowed, however many are due", () => {
    const schedule = scheduleOf(["A/USD", "B/USD", "C/USD"], { adapter: each, maxInFlight: 2 });
    const [a] = sent(schedule.handle({ kind: "wake" }, 0));
    if (a === undefined) throw new Error("expected a request");
    expect(sent(schedule.handle({ kind: "wake" }, 5)).length).toBe(0);
    expect(schedule.wakeAt()).toBe(Number.POSITIVE_INFINITY);
    expect(sent(answer(schedule, a, good(a), 10)).map(({ path }) => path)).toEqual(["/C/USD"]);
  });
});

describe("the venue's pause", () => {
  const rows: { name: string; code: FaultCode; retryAfterMs?: number; resumesAt: number }[] = [
    { name: "a rate limit with a time", code: "rate-limited", retryAfterMs: 30_000, resumesAt: 30_000 },
    { name: "maintenance with a time", code: "maintenance", retryAfterMs: 60_000, resumesAt: 60_000 },
    { name: "a time of years, capped", code: "rate-limited", retryAfterMs: 1e12, resumesAt: MAX_VENUE_PAUSE_MS },
    {
      name: "a time that has passed: back-off of the request alone",
      code: "rate-limited",
      retryAfterMs: -5_000,
      resumesAt: 1_000,
    },
    { name: "a rate limit without a time: back-off for the whole venue", code: "rate-limited", resumesAt: 1_500 },
  ];
  for (const { name, code, retryAfterMs, resumesAt } of rows) {
    test(name, () => {
      const schedule = scheduleOf(["A/USD", "B/USD"], { adapter: each, backoffBaseMs: 2_000 });
      const [a, b] = sent(schedule.handle({ kind: "wake" }, 0));
      if (a === undefined || b === undefined) throw new Error("expected two requests");
      answer(schedule, b, good(b), 0);
      answer(schedule, a, bad(a, code, retryAfterMs === undefined ? undefined : WALL + retryAfterMs), 0);
      expect(schedule.wakeAt()).toBe(resumesAt);
      expect(sent(schedule.handle({ kind: "wake" }, resumesAt - 1))).toEqual([]);
      expect(sent(schedule.handle({ kind: "wake" }, resumesAt)).length).toBeGreaterThan(0);
    });
  }
});

describe("an unknown market", () => {
  test("a refused batch is not recorded and is asked market by market; an answered one returns to the batch in its time", () => {
    const schedule = scheduleOf(["A/USD", "B/USD"]);
    const batch = only(sent(schedule.handle({ kind: "wake" }, 0)));
    const outputs = answer(schedule, batch, bad(batch, "unknown-market"), 100);
    expect(outputs.filter(({ kind }) => kind === "record")).toEqual([]);
    const [a, b] = sent(outputs);
    if (a === undefined || b === undefined) throw new Error("expected two requests");
    expect([a.markets, b.markets]).toEqual([["A/USD"], ["B/USD"]]);
    expect(answer(schedule, a, good(a), 200)).toEqual([{ kind: "record", answers: good(a) }]);
    expect(answer(schedule, b, bad(b, "timeout"), 300).map(({ kind }) => kind)).toEqual(["record"]);
    expect(sent(schedule.handle({ kind: "wake" }, 1_099))).toEqual([]);
    const next = sent(schedule.handle({ kind: "wake" }, 1_100));
    expect(next.map(({ markets }) => markets)).toEqual([["A/USD"], ["B/USD"]]);
    for (const request of next) answer(schedule, request, good(request), 1_150);
    const after = sent(schedule.handle({ kind: "wake" }, 2_100));
    expect(after.map(({ markets }) => markets)).toEqual([["A/USD", "B/USD"]]);
  });

  test("a market alone is quarantined after three refusals, and asked again only after quarantineMs", () => {
    const schedule = scheduleOf(["A/USD"]);
    for (const now of [0, 1_000, 2_000]) {
      const request = only(sent(schedule.handle({ kind: "wake" }, now)));
      expect(answer(schedule, request, bad(request, "unknown-market"), now)).toEqual([
        { kind: "record", answers: bad(request, "unknown-market") },
      ]);
    }
    expect(schedule.wakeAt()).toBe(602_000);
    const probe = only(sent(schedule.handle({ kind: "wake" }, 602_000)));
    answer(schedule, probe, good(probe), 602_000);
    expect(schedule.wakeAt()).toBe(603_000);
  });

  test("an answer that was overtaken by a newer one is not recorded", () => {
    const schedule = scheduleOf(["A/USD", "B/USD"]);
    const batch = only(sent(schedule.handle({ kind: "wake" }, 0)));
    const [a, b] = sent(answer(schedule, batch, bad(batch, "unknown-market"), 0));
    if (a === undefined || b === undefined) throw new Error("expected two requests");
    answer(schedule, a, good(a), 10);
    answer(schedule, b, bad(b, "timeout"), 20);
    const [slowA, nextB] = sent(schedule.handle({ kind: "wake" }, 1_000));
    if (slowA === undefined || nextB === undefined) throw new Error("expected two requests");
    answer(schedule, nextB, good(nextB), 1_100);
    const both = only(sent(schedule.handle({ kind: "wake" }, 2_000)));
    expect(both.markets).toEqual(["A/USD", "B/USD"]);
    expect(answer(schedule, both, good(both), 2_050)).toEqual([{ kind: "record", answers: good(both) }]);
    expect(answer(schedule, slowA, good(slowA), 2_100)).toEqual([]);
  });

  test("one refusal among good answers stays in its batch: it costs nothing there", () => {
    const schedule = scheduleOf(["A/USD", "B/USD"]);
    const batch = only(sent(schedule.handle({ kind: "wake" }, 0)));
    const mixed = [...good({ ...batch, markets: ["A/USD"] }), ...bad({ ...batch, markets: ["B/USD"] }, "unknown-market")];
    expect(answer(schedule, batch, mixed, 0)).toEqual([{ kind: "record", answers: mixed }]);
    expect(sent(schedule.handle({ kind: "wake" }, 1_000))).toEqual([batch]);
  });
});

describe("the snapshot", () => {
  const quote = { market: "A/USD", last: 1n };
  const before = { venue: "toy", market: "A/USD", quote, sentAt: 10, receivedAt: 20 };

  for (const code of FAULT_CODES) {
    test(`${code} is ${FAULT_KINDS[code]}`, () => {
      const fault = { code, detail: "why" };
      const after = applyAnswer(before, {
        venue: "toy",
        answer: { market: "A/USD", answer: fail(fault) },
        sentAt: 30,
        receivedAt: 40,
      });
      const content = ["unknown-market", "maintenance", "crossed", "non-positive"].includes(code);
      expect(after).toEqual(
        content
          ? { venue: "toy", market: "A/USD", sentAt: 30, receivedAt: 40, fault, faultAt: 40 }
          : { ...before, fault, faultAt: 40 },
      );
      expect(
        applyAnswer(after, { venue: "toy", answer: { market: "A/USD", answer: ok(quote) }, sentAt: 10, receivedAt: 20 }),
      ).toEqual(before);
    });
  }

  test("is keyed by venue and market", () => {
    expect(marketKey("kraken", "BTC/USD")).toBe("kraken BTC/USD");
  });
});

test("the taper lets the powers of two through, and starts again when the event has ended", () => {
  const taper = createTaper();
  const counts = Array.from({ length: 9 }, () => taper.count("down"));
  expect(counts).toEqual([1, 2, undefined, 4, undefined, undefined, undefined, 8, undefined]);
  expect(taper.clear("down")).toBe(9);
  expect(taper.count("down")).toBe(1);
});
