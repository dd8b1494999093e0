import { describe, expect, test } from "vitest";
import { createBudget, REFUSED_AT_ONCE, REFUSED_PER_SECOND } from "../../gateway/following/budget.ts";
import { createEventSplitter } from "../../gateway/following/event-stream.ts";
import { createWaitingRoom, WAITING_BYTES, WAITING_ENTRIES } from "../../gateway/following/waiting.ts";
import { createWalk, KNOWN_ROUNDS, type Link } from "../../gateway/following/walk.ts";
import { createWay } from "../../gateway/following/way.ts";
import { type Digest, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { newestEra } from "../../protocol/era.ts";
import { changed, keysOf, transitionInto } from "../client/changing.ts";
import { scheme, testNetwork } from "../support/network.ts";

const digestAt = (round: number, branch = 0): Digest =>
  `0x${(BigInt(round) * 16n + BigInt(branch)).toString(16).padStart(64, "0")}`;
const link = (round: number, parent = digestAt(round - 1), branch = 0): Link => ({
  round,
  digest: digestAt(round, branch),
  parent,
});

describe("the walk back from the head", () => {
  test("is whole down to the first round of all", () => {
    const walk = createWalk([]);
    expect([walk.head(), walk.missing(), walk.resumeAfter()]).toEqual([undefined, undefined, undefined]);
    expect(walk.add(link(1, ZERO_DIGEST))).toBe("head");
    expect(walk.add(link(2))).toBe("head");
    expect([walk.missing(), walk.resumeAfter()]).toEqual([undefined, 2]);
  });

  test("names what is missing, then what is missing below that", () => {
    const walk = createWalk([link(1, ZERO_DIGEST), link(4), link(6)]);
    expect([walk.missing(), walk.resumeAfter()]).toEqual([digestAt(5), 4]);
    expect(walk.add(link(5))).toBe("history");
    expect([walk.missing(), walk.resumeAfter()]).toEqual([digestAt(3), 1]);
    expect(walk.add(link(2))).toBe("orphan");
    expect(walk.add(link(3))).toBe("history");
    expect([walk.missing(), walk.resumeAfter()]).toEqual([undefined, 6]);
  });

  test("goes the new head's way when that stands on a sibling", () => {
    const walk = createWalk([link(1, ZERO_DIGEST), link(2)]);
    expect(walk.add(link(2, digestAt(1), 1))).toBe("orphan");
    expect(walk.add(link(3, digestAt(2, 1)))).toBe("head");
    expect(walk.missing()).toBe(undefined);
    expect(walk.add(link(5, digestAt(4, 1)))).toBe("head");
    expect(walk.missing()).toBe(digestAt(4, 1));
    expect(walk.add(link(4, digestAt(3)))).toBe("orphan");
  });

  test("asks for nothing below the floor, and forgets what is there", () => {
    const walk = createWalk([]);
    for (let round = 10; round <= 10 + 2 * KNOWN_ROUNDS + 2; round++) walk.add(link(round));
    expect(walk.floor()).toBe(12 + KNOWN_ROUNDS);
    expect([walk.missing(), walk.has(digestAt(9 + KNOWN_ROUNDS)), walk.has(digestAt(12 + KNOWN_ROUNDS))]).toEqual([
      undefined,
      false,
      true,
    ]);
  });
});

describe("what waits", () => {
  const waiting = (from: string, size: number, round = 0) => ({
    from,
    entry: { kind: "round", digest: digestAt(round), certificate: new Uint8Array(0), body: new Uint8Array(size) } as const,
    digest: digestAt(round),
  });

  test("is bounded for each source by itself, in number and in bytes; the oldest go", () => {
    const room = createWaitingRoom();
    room.put(waiting("b", 5, 999));
    for (let round = 0; round < WAITING_ENTRIES + 10; round++) room.put(waiting("a", 1, round));
    const all = room.takeAll();
    expect(all.map(({ digest }) => digest)).toEqual([
      digestAt(999),
      ...Array.from({ length: WAITING_ENTRIES }, (_, at) => digestAt(at + 10)),
    ]);
    for (let round = 0; round < 3; round++) room.put(waiting("a", WAITING_BYTES / 2, round));
    expect(room.takeAll().map(({ digest }) => digest)).toEqual([digestAt(1), digestAt(2)]);
    room.put(waiting("a", WAITING_BYTES + 1));
    expect(room.takeAll()).toEqual([]);
  });

  test("is taken out once, all of it or of one round", () => {
    const room = createWaitingRoom();
    for (const round of [1, 2]) for (const from of ["a", "b"]) room.put(waiting(from, 1, round));
    expect(room.takeRound(digestAt(1)).map(({ from }) => from)).toEqual(["a", "b"]);
    expect(room.takeRound(digestAt(1))).toEqual([]);
    expect(room.takeAll()).toHaveLength(2);
    expect(room.takeAll()).toEqual([]);
  });
});

test("a budget fills with time up to its bound, and a clock set back fills nothing", () => {
  const budget = createBudget();
  const spend = (now: number) => {
    let spent = 0;
    for (; budget.allows("a", now); spent++) budget.charge("a", now);
    return spent;
  };
  expect(spend(0)).toBe(REFUSED_AT_ONCE);
  expect(spend(-5_000)).toBe(0);
  expect(spend(-4_000)).toBe(REFUSED_PER_SECOND);
  expect(spend(1e9)).toBe(REFUSED_AT_ONCE);
  expect(budget.allows("b", 0)).toBe(true);
});

describe("the way from genesis", () => {
  const network = testNetwork();
  const second = changed(network, keysOf(1, 2, 3, 4));
  const third = changed(second, keysOf(2, 3, 4, 5));
  const into2 = transitionInto(second, 1_000, keysOf(1, 2, 3));
  const into3 = transitionInto(third, 2_000, keysOf(2, 3, 4));

  test("is what the steps make of it, those of a store too; what leads nowhere is left out", () => {
    const way = createWay(network, [into3, into2, into3, into2], scheme);
    expect(way.eras().map(({ fromRound }) => fromRound)).toEqual([0, 1_000, 2_000]);
    expect(way.transitions()).toEqual([into2, into3]);
    expect([way.eraAt(999), way.eraAt(1_000), way.eraAt(5_000)].map(({ era }) => era.network.configDigest)).toEqual(
      [network, second, third].map(({ configDigest }) => configDigest),
    );
    expect(way.find(second.configDigest)?.configDigest).toBe(second.configDigest);
  });

  test("knows an earlier first round when it sees one, and keeps what comes after it", () => {
    const later = transitionInto(second, 1_500, keysOf(1, 2, 3));
    const way = createWay(network, [later, into3], scheme);
    const version = way.version();
    expect(way.take(later)).toEqual({ ok: true, value: "known" });
    expect(way.version()).toBe(version);
    expect(way.take(into2)).toEqual({ ok: true, value: "taken" });
    expect(way.transitions()).toEqual([into2, into3]);
    expect(newestEra(way.eras()).network.configDigest).toBe(third.configDigest);
    expect(way.version()).toBeGreaterThan(version);
  });

  test("knows what was announced, a few at a time", () => {
    const way = createWay(network, [], scheme);
    const configs = [2, 3, 4, 5, 6].map((version) => changed(network, undefined, { version }));
    for (const { configDigest, config } of configs) way.announce(configDigest, config);
    expect(configs.map(({ configDigest }) => way.find(configDigest) !== undefined)).toEqual([false, true, true, true, true]);
  });
});

test("an event that has no end is given up while it comes, not when it has ended", () => {
  const splitter = createEventSplitter(100);
  expect(splitter.take(`data: ${"x".repeat(60)}`)).toEqual([]);
  expect(splitter.take("x".repeat(60))).toBeUndefined();
});
