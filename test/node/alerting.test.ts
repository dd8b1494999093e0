import { describe, expect, it } from "vitest";
import type { NodePrice } from "../../aggregator/price.ts";
import { ALERT_KINDS, type AlertKind, alertMessageSchema, MAX_SUBJECTS } from "../../node/alert-message.ts";
import { ALERT_RULES } from "../../node/alert-rules.ts";
import { REMINDER_MS, SPACING_MS } from "../../node/alert-watch.ts";
import { type AlertInput, type AlertOutput, createAlerting } from "../../node/alerting.ts";
import type { FeedId } from "../../protocol/feed.ts";
import type { Reason } from "../../protocol/round.ts";
import { digestOf, testKeys } from "../support/network.ts";
import { certify, feedId, networkOf, verdict } from "../support/rounds.ts";

const AT = 1_000_000_000_000;
const ROUND_MS = 1_000;
const FEEDS = Array.from({ length: 15 }, (_, index) => `F${index}/USD`);
const network = networkOf(FEEDS);
const [self, other] = testKeys(4).map(({ address }) => address);
if (self === undefined || other === undefined) throw new Error("no keys");
const IDENTITY = { network: "test", node: { address: self, name: "alpha" } };
const JUMP: Reason = { rule: "jump", unit: "Bps", measured: 420, limit: 300 };
const RESTART: Reason = { rule: "restart", unit: "Rounds", measured: 1, limit: 3 };

/** One machine on a virtual clock: a step a second, what it told kept with its second. */
function open() {
  const machine = createAlerting(IDENTITY);
  const told: (AlertOutput & { readonly second: number })[] = [];
  let now = AT;
  const give = (...inputs: readonly AlertInput[]): void => {
    for (const input of inputs)
      for (const output of machine.handle(input, now)) told.push({ ...output, second: (now - AT) / 1_000 });
  };
  return {
    told,
    give,
    after: (seconds: number) => {
      now += seconds * 1_000;
    },
    /** The same once a second, for so many seconds. */
    repeat: (seconds: number, ...inputs: readonly AlertInput[]): void => {
      for (let second = 0; second < seconds; second++) {
        give(...inputs);
        now += 1_000;
      }
    },
    summary: () => told.map(({ second, kind, status, total }) => [second, kind, status, total]),
  };
}

type Look = {
  readonly [feed: string]: { readonly state: "open" | "half-open" | "closed"; readonly reasons?: readonly Reason[] };
};

function certified(looks: Look = {}, included: boolean | undefined = true): AlertInput {
  const verdicts = FEEDS.map((feed) => {
    const { state = "closed", reasons = [] } = looks[feed] ?? {};
    return verdict(feed, AT, { state }, reasons);
  });
  return { kind: "certified", certified: certify({ network, round: AT / ROUND_MS, verdicts }), included };
}

const tripped = (feeds: readonly string[]): AlertInput =>
  certified(Object.fromEntries(feeds.map((feed) => [feed, { state: "open" as const, reasons: [JUMP] }])));

function status(changes: Partial<Extract<AlertInput, { kind: "status" }>> = {}): AlertInput {
  return { kind: "status", phase: "running", connected: 3, quorum: 3, roundMs: ROUND_MS, ...changes };
}

/** Six sources of one group each, so many of them used: three are needed, from two groups. */
function sampled(used: number): AlertInput {
  const [feed] = network.config.feeds;
  if (feed === undefined) throw new Error("no feed");
  const sources = feed.sources.map((source, index) =>
    index < used ? { source } : { source, drop: { code: "stale" as const, detail: "" } },
  );
  const prices = new Map<FeedId, NodePrice>([[feed.feed, { feed: feed.feed, sources }]]);
  return { kind: "sampled", prices, feeds: [feed] };
}

const statement = { struct: { round: 7, configDigest: digestOf(1), contents: digestOf(2) }, signature: "0x" as const };
const EVIDENCE: AlertInput = {
  kind: "evidence",
  evidence: { kind: "observation", signer: other, statements: [statement, { ...statement }] },
};

/** What makes each kind fire, how long it takes, what ends it, and what an operator reads. */
const KINDS: Readonly<
  Record<
    AlertKind,
    {
      readonly bad: AlertInput;
      /** Looks after which it is told; one fewer tells nothing. */
      readonly looks: number;
      /** A kind that only happens has no end. */
      readonly good?: AlertInput;
      readonly says: RegExp;
      readonly severity: "warning" | "critical";
    }
  >
> = {
  "feed-tripped": {
    bad: tripped(["F3/USD"]),
    looks: 1,
    good: certified(),
    says: /F3\/USD: jump: moved off its average, 420 bps \(limit 300 bps\).*\/v1\/breaker/,
    severity: "warning",
  },
  "peers-lost": {
    bad: status({ connected: 1 }),
    looks: 5,
    good: status(),
    says: /1 connected, 2 needed beside this node/,
    severity: "critical",
  },
  excluded: {
    bad: certified({}, false),
    looks: 10,
    good: certified({}, true),
    says: /this node's observations are not in the certified rounds/,
    severity: "warning",
  },
  "sources-decayed": {
    bad: sampled(3),
    looks: 10,
    good: sampled(4),
    says: /3 of 6 sources in 3 groups count, 3 in 2 are needed/,
    severity: "warning",
  },
  halted: {
    bad: status({ phase: "halted" }),
    looks: 1,
    good: status(),
    says: /stopped signing for good.*find out who else holds its key/,
    severity: "critical",
  },
  quarantine: {
    bad: status({ phase: "quarantine" }),
    looks: 60,
    good: status(),
    says: /does not leave its start-up quarantine/,
    severity: "critical",
  },
  equivocation: { bad: EVIDENCE, looks: 1, says: /two observations of round 7.*\/v1\/evidence/, severity: "warning" },
  "no-certificate": {
    bad: status(),
    looks: 11,
    good: certified(),
    says: /none since this node started 10\.0 s ago/,
    severity: "critical",
  },
};

describe("every kind", () => {
  for (const kind of ALERT_KINDS) {
    const { bad, looks, good, says, severity } = KINDS[kind];
    const only = (world: ReturnType<typeof open>) => world.told.filter((message) => message.kind === kind);

    it(`${kind}: is told after ${looks} looks and not before, once`, () => {
      const world = open();
      world.repeat(looks - 1, bad);
      expect(only(world)).toEqual([]);
      world.repeat(30, bad);
      expect(only(world).map(({ second, status: is, total }) => [second, is, total])).toEqual([[looks - 1, "firing", 1]]);
      expect(only(world)[0]?.text).toMatch(says);
      expect(only(world)[0]?.text).toMatch(/^\[test alpha\] /);
      expect(only(world)[0]?.severity).toBe(severity);
      expect(alertMessageSchema.safeParse({ ...only(world)[0], id: "1" }).success).toBe(true);
    });

    it(`${kind}: its end is ${good === undefined ? "nothing to tell" : "told once"}`, () => {
      const world = open();
      world.repeat(looks + SPACING_MS / 1_000, bad);
      world.repeat(60, good ?? certified());
      expect(only(world).map(({ status: is }) => is)).toEqual(good === undefined ? ["firing"] : ["firing", "resolved"]);
    });

    if (good !== undefined) {
      it(`${kind}: is over after ${ALERT_RULES[kind].clearAfter} looks without it in a row, and not before`, () => {
        const world = open();
        world.repeat(looks + SPACING_MS / 1_000, bad);
        world.repeat(ALERT_RULES[kind].clearAfter - 1, good);
        world.repeat(1, bad);
        const from = only(world).length;
        world.repeat(ALERT_RULES[kind].clearAfter - 1, good);
        expect(only(world)).toHaveLength(from);
        world.give(good);
        expect(only(world).map(({ status: is }) => is)).toEqual(["firing", "resolved"]);
      });
    }

    it(`${kind}: what lasts is told again after 15, 30, 60 minutes, ${good === undefined ? "but not this" : "and so on"}`, () => {
      const world = open();
      // Half a minute between looks once it has been told: four hours.
      world.repeat(looks, bad);
      for (let look = 0; look < 480; look++) {
        world.after(30);
        world.give(bad);
      }
      const reminders = only(world).filter(({ status: is }) => is === "reminder");
      const minutes = reminders.map(({ second }) => Math.round((second - looks) / 60));
      if (good === undefined) {
        expect(reminders).toEqual([]);
        expect(only(world), "once an hour").toHaveLength(4);
      } else {
        expect(minutes).toEqual([15, 45, 105, 225]);
        expect(reminders[0]?.text).toContain("Still: ");
      }
    });
  }
});

describe("grouping", () => {
  it("fifteen feeds that trip in one round are one message, naming each", () => {
    const world = open();
    world.give(certified());
    world.after(1);
    world.give(tripped(FEEDS));
    expect(world.summary()).toEqual([[1, "feed-tripped", "firing", 15]]);
    expect(world.told[0]?.subjects.map(({ subject }) => subject)).toEqual([...FEEDS].sort());
    expect(world.told[0]?.subjects[0]?.reasons).toEqual([JUMP]);
    expect(world.told[0]?.text).toMatch(/15 feeds tripped: .*and 7 more/);
  });

  it("feeds that follow within ten seconds are one message more", () => {
    const world = open();
    world.give(certified());
    for (let count = 1; count <= 8; count++) {
      world.after(1);
      world.give(tripped(FEEDS.slice(0, count)));
    }
    world.repeat(20, tripped(FEEDS.slice(0, 8)));
    expect(world.summary()).toEqual([
      [1, "feed-tripped", "firing", 1],
      [11, "feed-tripped", "firing", 7],
    ]);
    expect(world.told[1]?.firing).toBe(8);
  });

  it("one that trips and clears before anything is told of it is not told of; half-open is no end", () => {
    const world = open();
    world.give(tripped(["F0/USD"]));
    world.after(1);
    world.give(tripped(["F0/USD", "F1/USD"]));
    world.after(1);
    world.give(tripped(["F0/USD"]));
    world.repeat(30, certified({ "F0/USD": { state: "half-open" } }));
    expect(world.summary()).toEqual([[0, "feed-tripped", "firing", 1]]);
  });

  it("a feed that flaps for an hour is told of ever more rarely, and its last word is the truth", () => {
    const world = open();
    for (let flap = 0; flap < 180; flap++) {
      world.repeat(10, tripped(["F0/USD"]));
      world.repeat(10, certified());
    }
    world.repeat(300, certified());
    expect(world.told.length).toBeLessThan(20);
    expect(world.told.at(-1)?.status).toBe("resolved");
  });

  it("a message names no more than its bound, and says how many there are", () => {
    const many = Array.from({ length: MAX_SUBJECTS + 9 }, (_, index) => `G${index}/USD`);
    const verdicts = many.map((feed) => verdict(feed, AT, { state: "open" }, [JUMP]));
    const machine = createAlerting(IDENTITY);
    const round = certify({ network: networkOf(many), round: 1, verdicts });
    const [message] = machine.handle({ kind: "certified", certified: round, included: true }, AT);
    expect(message?.subjects).toHaveLength(MAX_SUBJECTS);
    expect(message?.total).toBe(MAX_SUBJECTS + 9);
    expect(alertMessageSchema.safeParse({ ...message, id: "1" }).success).toBe(true);
  });
});

describe("what is nothing to tell", () => {
  it("the open state in which every new feed begins; a trip from it is told", () => {
    const world = open();
    const starting = Object.fromEntries(FEEDS.map((feed) => [feed, { state: "open" as const, reasons: [RESTART] }]));
    world.repeat(3, certified(starting));
    world.repeat(5, certified(Object.fromEntries(FEEDS.map((feed) => [feed, { state: "half-open" as const }]))));
    world.give(certified());
    expect(world.told).toEqual([]);
    world.give(certified(starting));
    expect(world.summary()).toEqual([[8, "feed-tripped", "firing", 15]]);
  });

  it("a feed first seen half-open: what led to it was told, or was before this node", () => {
    const world = open();
    world.repeat(20, certified({ "F0/USD": { state: "half-open", reasons: [JUMP] } }));
    expect(world.told).toEqual([]);
  });

  it("as many peers as make a quorum with this node", () => {
    const world = open();
    world.repeat(9, status({ connected: 2 }));
    expect(world.told).toEqual([]);
  });

  it("a node that is no member is not left out", () => {
    const world = open();
    const { kind, certified: round } = certified() as Extract<AlertInput, { kind: "certified" }>;
    world.repeat(60, { kind, certified: round, included: undefined });
    expect(world.told).toEqual([]);
  });

  it("a feed that has no more sources than it needs, as long as it has them; losing one is told", () => {
    const base = sampled(6) as Extract<AlertInput, { kind: "sampled" }>;
    const [feed] = base.feeds;
    const price = base.prices.get(feedId("F0/USD"));
    if (feed === undefined || price === undefined) throw new Error("no feed");
    const scarce = { ...feed, sources: feed.sources.slice(0, 3) };
    const held = price.sources.slice(0, 3);
    const look = (sources: NodePrice["sources"]): AlertInput => ({
      kind: "sampled",
      feeds: [scarce],
      prices: new Map([[feed.feed, { feed: feed.feed, sources }]]),
    });
    const world = open();
    world.repeat(60, look(held));
    expect(world.told).toEqual([]);
    const [first, ...rest] = held;
    if (first === undefined) throw new Error("no source");
    world.repeat(10, look([{ ...first, drop: { code: "stale", detail: "" } }, ...rest]));
    expect(world.summary()).toEqual([[69, "sources-decayed", "firing", 1]]);
  });

  it("a feed that leaves the config ends its alert", () => {
    const world = open();
    world.repeat(12, tripped(["F0/USD"]));
    const verdicts = FEEDS.slice(1).map((feed) => verdict(feed, AT, { state: "closed" }));
    world.give({ kind: "certified", certified: certify({ network, round: 1, verdicts }), included: true });
    expect(world.told.at(-1)).toMatchObject({ status: "resolved", kind: "feed-tripped", firing: 0 });
  });
});

describe("clocks and causes", () => {
  it("a clock set back an hour does not silence the machine for an hour", () => {
    const world = open();
    world.give(tripped(["F0/USD"]));
    world.after(-3_600);
    world.repeat(30, certified());
    expect(world.told.at(-1)?.status).toBe("resolved");
    expect(world.told).toHaveLength(2);
  });

  it("why a node halted, or does not leave its quarantine, is in the alert", () => {
    const world = open();
    world.give({ kind: "event", code: "key-used-elsewhere", fields: { round: 7 } }, status({ phase: "halted" }));
    expect(world.told[0]?.subjects[0]?.detail).toMatch(/^key-used-elsewhere: stop the other process/);
    const late = open();
    late.give({ kind: "event", code: "clock-off", fields: { advice: "set this machine's clock back" } });
    late.repeat(60, certified(), status({ phase: "quarantine" }));
    expect(late.told[0]?.subjects[0]?.detail).toBe("clock-off: set this machine's clock back");
  });

  it("the second silence names when the last round came, and reminders begin anew with every new trouble", () => {
    const world = open();
    world.give(certified());
    world.repeat(12, status());
    expect(world.told[0]?.text).toMatch(/the last one came 10\.0 s ago/);
    world.repeat(60, certified(), status());
    expect(world.told.map(({ status: is }) => is)).toEqual(["firing", "resolved"]);
    world.repeat(20, status());
    const again = world.told.at(-1)?.second ?? 0;
    world.after(REMINDER_MS / 1_000 - 30);
    world.repeat(60, status());
    expect(world.told.at(-1)).toMatchObject({ status: "reminder" });
    expect((world.told.at(-1)?.second ?? 0) - again).toBe(REMINDER_MS / 1_000);
  });
});
