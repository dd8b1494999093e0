import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Quote } from "../../adapters/adapter.ts";
import type { StreamAdapter, StreamMessage } from "../../adapters/stream.ts";
import {
  CLOSE_REASONS,
  type CloseReason,
  createStreamSession,
  MAX_FRAMES,
  MAX_UNREADABLE,
  MAX_WINDOW_BYTES,
  type SessionInput,
  type SessionOutput,
  STREAM_DEFAULTS,
  WINDOW_MS,
} from "../../adapters/stream-session.ts";
import { ok } from "../../protocol/result.ts";
import { frameOf } from "./stream-fixtures.ts";

const DAY_MS = 86_400_000;

/** A venue whose frames are the messages themselves, written as `kind market number mark time`. */
const toy: StreamAdapter = {
  venue: "toy",
  url: "ws://127.0.0.1:1",
  docs: "none",
  symbolOf: (market) => market,
  subscribe: (markets) => markets.map((market) => `+${market}`),
  unsubscribe: (markets) => markets.map((market) => `-${market}`),
  read: (frame) => [messageOf(new TextDecoder().decode(frame))],
  heartbeat: { ping: { frame: "ping", everyMs: 10_000 }, silenceMs: 25_000 },
  sendEveryMs: 10,
  maxConnectionMs: DAY_MS,
};

function messageOf(text: string): StreamMessage {
  const [kind, market = "", number = "", mark = "", bookAt = ""] = text.split(" ");
  if (kind === "quote") {
    const quote: Quote = { market, bid: 100n, ask: 101n, ...(bookAt === "" ? {} : { bookAt: Number(bookAt) }) };
    const numbers = { ...(number === "" ? {} : { sequence: BigInt(number) }), ...(mark === "" ? {} : { mark: BigInt(mark) }) };
    return { kind, market, answer: ok(quote), ...numbers };
  }
  if (kind === "crossed")
    return { kind: "quote", market, answer: { ok: false, error: { code: "crossed", detail: "bid above ask" } } };
  if (kind === "progress") return { kind, market, mark: BigInt(number) };
  if (kind === "gap") return { kind, market, detail: "said so" };
  const fault = { code: "unknown-market", detail: "never heard of it" } as const;
  if (kind === "refused") return market === "" ? { kind, fault } : { kind, market, fault };
  if (kind === "reconnect") return { kind, detail: "said so" };
  if (kind === "acknowledged" || kind === "heartbeat" || kind === "ignored") return { kind };
  return { kind: "fault", fault: { code: "malformed", detail: "no word of this language" } };
}

type Rig = ReturnType<typeof rig>;

/** A session at time 0; every step says what came out, in short: `record A`, `send +A`, `on A`, `off A`, `close gap`, `connect`. */
function rig({
  markets = ["A", "B"],
  random = 0,
  adapter = toy,
}: {
  markets?: string[];
  random?: number;
  adapter?: StreamAdapter;
} = {}) {
  const session = createStreamSession({ adapter, markets, settings: STREAM_DEFAULTS, random: () => random }, 0);
  let now = 0;
  const codes: string[] = [];
  const give = (input: SessionInput): string[] => {
    const outputs = session.handle(input, now);
    for (const output of outputs) if (output.kind === "counted") codes.push(output.code);
    return outputs.flatMap(short);
  };
  const hear = (text: string) => give({ kind: "frame", bytes: frameOf(text) });
  /** Wakes it whenever it wants until then, as the runner does, saying `every` so often. */
  const until = (at: number, every?: { readonly ms: number; readonly says: () => readonly string[] }): string[] => {
    const out: string[] = [];
    let sayAt = every === undefined ? Number.POSITIVE_INFINITY : now + every.ms;
    for (let turns = 0; ; turns++) {
      if (turns > 100_000) throw new Error("the session wakes without end");
      const next = Math.min(session.wakeAt(), sayAt);
      if (next > at) break;
      now = Math.max(now, next);
      out.push(...give({ kind: "wake" }));
      if (every === undefined || now < sayAt) continue;
      sayAt = now + every.ms;
      for (const text of every.says()) out.push(...hear(text));
    }
    now = at;
    return [...out, ...give({ kind: "wake" })];
  };
  const open = (): string[] => [...give({ kind: "wake" }), ...give({ kind: "opened" }), ...until(now + 100)];
  return { give, hear, until, open, codes, now: () => now, wakeAt: () => session.wakeAt() };
}

function short(output: SessionOutput): string[] {
  switch (output.kind) {
    case "connect":
      return ["connect"];
    case "send":
      return output.frame === "ping" ? [] : [`send ${output.frame}`];
    case "close":
      return [`close ${output.reason}`];
    case "record":
      return output.answers.map(({ market, answer }) => `record ${market}${answer.ok ? "" : ` ${answer.error.code}`}`);
    case "fallback":
      return [`${output.on ? "on" : "off"} ${output.market}`];
    case "counted":
      return [];
  }
}

/** Both markets live and settled: fallback is off. */
function settled(options: Parameters<typeof rig>[0] = {}): Rig {
  const it = rig(options);
  it.open();
  let number = 1_000;
  const says = () => {
    number += 1;
    return (options.markets ?? ["A", "B"]).map((market) => `quote ${market} ${number} ${number}`);
  };
  it.until(it.now() + STREAM_DEFAULTS.settleMs + 3_000, { ms: 1_000, says });
  return it;
}

test("it dials at once, subscribes when the socket is open, one frame at a time, and records what is pushed", () => {
  const it = rig();
  expect(it.give({ kind: "wake" })).toEqual(["connect"]);
  expect(it.until(5_000)).toEqual([]);
  expect(it.give({ kind: "opened" })).toEqual(["send +A"]);
  expect(it.hear("acknowledged")).toEqual([]);
  expect(it.until(5_010)).toEqual(["send +B"]);
  expect(it.hear("quote A 5")).toEqual(["record A"]);
});

test("polling slows down for a market only when it was fresh for a while, and is back when it is silent for four seconds", () => {
  const it = rig();
  it.open();
  const says = () => ["quote A"];
  const from = it.now();
  expect(it.until(from + 9_000, { ms: 1_000, says }).filter((each) => each.startsWith("o"))).toEqual([]);
  expect(it.until(from + 13_000, { ms: 1_000, says })).toContain("off A");
  it.hear("heartbeat");
  expect(it.until(it.now() + 3_900)).toEqual([]);
  expect(it.until(it.now() + 200)).toEqual(["on A"]);
  expect(it.hear("quote A")).toEqual(["record A"]);
  expect(it.until(it.now() + 1_000)).toEqual([]);
});

test("the same book of the same moment, said again and again, does not keep a market fresh", () => {
  const it = settled();
  it.hear("quote A 2000 2000 5000");
  const repeats = { ms: 1_000, says: () => ["quote A 2000 2000 5000", "quote B 2000 2000"] };
  expect(it.until(it.now() + 4_100, repeats)).toContain("on A");
});

test("a fault of one market's quote is recorded, leaves the other alone, and is no freshness", () => {
  const it = settled();
  expect(it.hear("crossed A")).toEqual(["record A crossed"]);
  const out = it.until(it.now() + 5_000, { ms: 1_000, says: () => ["crossed A", "quote B"] });
  expect(out.filter((each) => each.startsWith("o"))).toEqual(["on A"]);
});

describe("a market is asked for anew", () => {
  const CASES: readonly { readonly what: string; readonly heard: readonly string[] }[] = [
    { what: "a number steps back", heard: ["quote A 5000", "quote A 4999"] },
    { what: "the venue is ahead in two heartbeats", heard: ["quote A 5000 70", "progress A 71", "progress A 71"] },
    {
      what: "it is, and an older quote is repeated between them",
      heard: ["quote A 5000 70", "progress A 71", "quote A 5000 70", "progress A 71"],
    },
    { what: "the adapter says so", heard: ["gap A"] },
  ];
  test.each(CASES)("when $what", ({ heard }) => {
    const it = settled();
    const out = heard.flatMap((text) => it.hear(text));
    expect(out.filter((each) => !each.startsWith("record"))).toEqual(["on A", "send -A"]);
    expect(it.hear("quote B 9000")).toEqual(["record B"]);
    expect(it.until(it.now() + 20)).toEqual(["send +A"]);
    expect(it.hear("quote A 3")).toEqual(["record A"]);
  });

  test("when REST contradicts it", () => {
    const it = settled();
    expect(it.give({ kind: "contradicted", market: "A" })).toEqual(["on A", "send -A"]);
    expect(it.give({ kind: "contradicted", market: "of nobody" })).toEqual([]);
  });

  test("when a subscription brings nothing, ever more rarely, while the other goes on", () => {
    const it = rig({ random: 0 });
    it.open();
    const out = it.until(20 * 60_000, { ms: 1_000, says: () => ["quote B"] });
    const asked = out.filter((each) => each === "send +A").length;
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(12);
    expect(out.filter((each) => each.startsWith("close"))).toEqual([]);
    expect(out.filter((each) => each.startsWith("o"))).toEqual(["off B"]);
  });

  test("not for one heartbeat that crossed the quote, nor for a number said twice or begun anew", () => {
    const it = settled();
    const heard = ["quote A 5000 70", "progress A 71", "quote A 5001 71", "progress A 71", "progress A 71"];
    for (const text of [...heard, "quote A 5001 71", "quote A", "quote A 1"]) it.hear(text);
    expect(it.codes).not.toContain("gap");
    expect(it.codes).not.toContain("out-of-order");
    expect(it.until(it.now() + 50)).toEqual([]);
  });
});

test("a market that the venue refuses is asked for after ten minutes, and costs the other nothing", () => {
  const it = rig();
  it.open();
  expect(it.hear("refused A")).toEqual([]);
  expect(it.hear("refused")).toEqual([]);
  expect(it.hear("quote A 1")).toEqual([]);
  expect(it.codes).toEqual(["refused", "refused", "unsubscribed"]);
  const out = it.until(9 * 60_000, { ms: 1_000, says: () => ["quote B"] });
  expect(out.filter((each) => !each.startsWith("record"))).toEqual(["off B"]);
  expect(it.until(11 * 60_000, { ms: 1_000, says: () => ["quote B"] })).toContain("send +A");
});

/** How a settled connection ends for each reason, and how long until the next dial at the least and at the most. */
const ENDS: Readonly<
  Record<CloseReason, { readonly end: (it: Rig) => readonly string[]; readonly wait: readonly [number, number] }>
> = {
  unreachable: { end: (it) => it.give({ kind: "closed", reason: "unreachable", detail: "" }), wait: [500, 1_000] },
  closed: { end: (it) => it.give({ kind: "closed", reason: "closed", detail: "" }), wait: [500, 1_000] },
  oversize: { end: (it) => it.give({ kind: "closed", reason: "oversize", detail: "" }), wait: [500, 1_000] },
  stuck: { end: (it) => it.give({ kind: "closed", reason: "stuck", detail: "" }), wait: [500, 1_000] },
  silent: { end: (it) => it.until(it.now() + 25_000), wait: [500, 1_000] },
  gap: {
    end: (it) => {
      const out = it.hear("gap A");
      for (const _ of [1, 2])
        out.push(...it.until(it.now() + 9_000, { ms: 1_000, says: () => ["heartbeat"] }), ...it.hear("gap A"));
      return out;
    },
    wait: [500, 1_000],
  },
  malformed: {
    end: (it) => Array.from({ length: MAX_UNREADABLE }, () => it.hear("?")).flat(),
    wait: [500, 1_000],
  },
  flood: {
    end: (it) => {
      const out: string[] = [];
      for (let i = 0; i <= MAX_FRAMES && !out.includes("close flood"); i++) out.push(...it.hear("ignored"));
      return out;
    },
    wait: [500, 1_000],
  },
  planned: { end: (it) => it.until(0.925 * DAY_MS + 5_000, { ms: 2_000, says: () => ["quote A", "quote B"] }), wait: [0, 0] },
  asked: { end: (it) => it.hear("reconnect"), wait: [0, 2_000] },
};

describe("a connection ends", () => {
  test.each(CLOSE_REASONS)("%s: both markets are polled, and it dials again", (reason) => {
    const it = settled({ random: 0.5 });
    const out = ENDS[reason].end(it);
    expect(out.filter((each) => each.startsWith("close"))).toEqual([`close ${reason}`]);
    expect(out.filter((each) => each === "on A" || each === "on B").toSorted()).toEqual(["on A", "on B"]);
    const [least, most] = ENDS[reason].wait;
    if (reason === "planned") expect(out).toContain("connect");
    else {
      expect(it.wakeAt() - it.now()).toBeGreaterThanOrEqual(least);
      expect(it.wakeAt() - it.now()).toBeLessThanOrEqual(most);
      expect(it.until(it.now() + most)).toEqual(["connect"]);
    }
    expect(it.hear("quote A 1")).toEqual([]);
    it.give({ kind: "opened" });
    expect(it.hear("quote A 1")).toEqual(["record A"]);
  });

  test("flood: by its bytes as well, and not when the same comes in its time", () => {
    const wide = "ignored ".padEnd(60_000);
    const fits = Math.floor(MAX_WINDOW_BYTES / wide.length);
    const it = settled();
    it.until(it.now() + WINDOW_MS + 1_000, { ms: 500, says: () => ["quote A", "quote B"] });
    for (let i = 0; i < fits; i++) expect(it.hear(wide)).toEqual([]);
    expect(it.hear(wide)).toContain("close flood");
    const other = settled();
    const out = other.until(other.now() + 20_000, { ms: 50, says: () => [wide, "quote A", "quote B"] });
    expect(out.filter((each) => each.startsWith("close"))).toEqual([]);
  });

  test("a dial that comes to nothing is given up after fifteen seconds", () => {
    const it = rig();
    it.give({ kind: "wake" });
    expect(it.until(14_999)).toEqual([]);
    expect(it.until(15_000)).toEqual(["close unreachable"]);
    expect(it.give({ kind: "closed", reason: "unreachable", detail: "late" })).toEqual([]);
  });

  test("each failure is waited for longer, up to a minute, and a minute of connection begins the count anew", () => {
    const it = rig({ random: 1 });
    const waits: number[] = [];
    const fail = () => {
      it.give({ kind: "wake" });
      it.give({ kind: "closed", reason: "unreachable", detail: "" });
      waits.push(it.wakeAt() - it.now());
      it.until(it.wakeAt());
    };
    for (let i = 0; i < 9; i++) fail();
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    it.give({ kind: "opened" });
    it.until(it.now() + 61_000, { ms: 1_000, says: () => ["heartbeat"] });
    it.give({ kind: "closed", reason: "closed", detail: "" });
    expect(it.wakeAt() - it.now()).toBe(1_000);
  });

  test("what cannot be read is no sign of life, a ping of the protocol is one", () => {
    const it = settled();
    expect(it.until(it.now() + 60_000, { ms: 4_000, says: () => ["?"] })).toContain("close silent");
    const other = settled();
    const heard = other.until(other.now() + 24_000);
    other.give({ kind: "heard" });
    expect([...heard, ...other.until(other.now() + 24_000)].filter((each) => each.startsWith("close"))).toEqual([]);
  });

  test("the planned end comes before the venue's own, and not for all at once", () => {
    for (const random of [0, 0.999]) {
      const it = rig({ random });
      it.open();
      const out = it.until(0.949 * DAY_MS, { ms: 3_000, says: () => ["quote A", "quote B"] });
      expect(out.includes("close planned")).toBe(random > 0.5);
    }
  });
});

test("pings go out at their pace, before whatever else waits", () => {
  const session = createStreamSession({ adapter: toy, markets: ["A"], settings: STREAM_DEFAULTS, random: () => 0 }, 0);
  session.handle({ kind: "wake" }, 0);
  session.handle({ kind: "opened" }, 0);
  const sent: number[] = [];
  for (let now = 10; now < 45_000; now += 10) {
    const heard =
      now % 1_000 === 0
        ? session.handle({ kind: "frame", bytes: frameOf("quote A") }, now)
        : session.handle({ kind: "wake" }, now);
    for (const output of heard) if (output.kind === "send" && output.frame === "ping") sent.push(now);
  }
  expect(sent).toEqual([10_000, 20_000, 30_000, 40_000]);
});

test("whatever comes in whatever order, the fallbacks alternate, frames go out only while open, and it always wakes again", () => {
  const texts = [
    "quote A 5",
    "quote A 4",
    "quote A",
    "quote B 7 7",
    "progress B 9",
    "gap A",
    "refused B",
    "reconnect",
    "?",
    "heartbeat",
  ];
  const input = fc.oneof(
    fc.constantFrom(...texts).map((text): SessionInput => ({ kind: "frame", bytes: frameOf(text) })),
    fc.constantFrom<SessionInput>({ kind: "wake" }, { kind: "opened" }, { kind: "heard" }),
    fc.constantFrom<SessionInput>({ kind: "closed", reason: "closed", detail: "" }, { kind: "contradicted", market: "A" }),
  );
  const steps = fc.array(fc.tuple(input, fc.constantFrom(0, 1, 50, 1_000, 5_000, 30_000)), { maxLength: 120 });
  fc.assert(
    fc.property(steps, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (list, random) => {
      const session = createStreamSession(
        { adapter: toy, markets: ["A", "B"], settings: STREAM_DEFAULTS, random: () => random },
        0,
      );
      const fallback = new Map([
        ["A", true],
        ["B", true],
      ]);
      let now = 0;
      let dialled = false;
      for (const [given, ms] of list) {
        now += ms;
        for (const output of session.handle(given, now)) {
          if (output.kind === "connect") {
            expect(dialled).toBe(false);
            dialled = true;
          }
          if (output.kind === "close") {
            expect(dialled).toBe(true);
            dialled = false;
          }
          if (output.kind === "send") expect(dialled).toBe(true);
          if (output.kind === "fallback") {
            expect(fallback.get(output.market)).toBe(!output.on);
            fallback.set(output.market, output.on);
          }
        }
        expect(Number.isFinite(session.wakeAt())).toBe(true);
      }
    }),
  );
});
