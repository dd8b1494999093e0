import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex } from "../../../protocol/bytes.ts";
import { createNodeClock } from "../../../simulator/cluster/clock.ts";
import { createDisk } from "../../../simulator/cluster/disk.ts";
import { createEventQueue } from "../../../simulator/cluster/events.ts";
import { createHash, hexOfHash } from "../../../simulator/cluster/hash.ts";
import { createLinks } from "../../../simulator/cluster/links.ts";
import { createTableScheme } from "../../../simulator/cluster/signatures.ts";
import { createRandom } from "../../../simulator/random.ts";
import { digestOf, testKey } from "../../support/network.ts";

const START = 1_800_000_000_000;

describe("event queue", () => {
  test("runs in order of time, and on one ms in the order of putting in", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (delays) => {
        const queue = createEventQueue(START);
        const seen: { at: number; index: number }[] = [];
        for (const [index, ms] of delays.entries()) queue.after(ms, () => seen.push({ at: queue.now(), index }));
        queue.runUntil(START + 30);
        const expected = delays.map((ms, index) => ({ at: START + ms, index })).sort((a, b) => a.at - b.at || a.index - b.index);
        expect(seen).toEqual(expected);
        expect(queue.now()).toBe(START + 30);
      }),
    );
  });

  test("what lies beyond the end waits, and what is put in while running runs", () => {
    const queue = createEventQueue(START);
    const seen: string[] = [];
    queue.after(10, () => {
      seen.push("first");
      queue.after(5, () => seen.push("second"));
      queue.after(50, () => seen.push("later"));
    });
    queue.runUntil(START + 20);
    expect(seen).toEqual(["first", "second"]);
    queue.runUntil(START + 60);
    expect(seen).toEqual(["first", "second", "later"]);
  });
});

describe("a node's clock", () => {
  test("shows true time plus its skew, is stepped, drifts, and is set right", () => {
    const clock = createNodeClock(40, START);
    expect(clock.read(START + 1_000)).toBe(START + 1_040);
    clock.step(-3_000);
    expect(clock.read(START + 1_000)).toBe(START - 1_960);
    clock.correct(START + 2_000);
    clock.drift(1_000, START + 2_000);
    // A thousand millionths for ten seconds are ten ms.
    expect(clock.read(START + 12_000)).toBe(START + 12_050);
    clock.correct(START + 12_000);
    expect(clock.read(START + 12_000)).toBe(START + 12_040);
  });

  test("says when it will show a time, however it drifts", () => {
    fc.assert(
      fc.property(fc.integer({ min: -5_000, max: 5_000 }), fc.integer({ min: 0, max: 100_000 }), (ppm, ahead) => {
        const clock = createNodeClock(7, START);
        clock.drift(ppm, START);
        const reading = START + 7 + ahead;
        const wait = clock.until(reading, START);
        expect(clock.read(START + wait)).toBeGreaterThanOrEqual(reading);
        expect(clock.read(START + Math.max(0, wait - 2))).toBeLessThanOrEqual(reading);
      }),
    );
  });
});

describe("links", () => {
  const open = () => {
    const queue = createEventQueue(START);
    const links = createLinks({ queue, random: createRandom(1, "links"), delayMs: [5, 40] });
    const arrivals: number[] = [];
    const send = (from: number, to: number, count = 1) => {
      for (let i = 0; i < count; i++) links.carry(from, to, () => arrivals.push(queue.now() - START));
    };
    return { queue, links, arrivals, send };
  };

  test("a message takes its time, no shorter and no longer", () => {
    const { queue, arrivals, send } = open();
    send(0, 1, 500);
    queue.runUntil(START + 1_000);
    expect(arrivals).toHaveLength(500);
    expect(Math.min(...arrivals)).toBe(5);
    expect(Math.max(...arrivals)).toBe(40);
  });

  test("a partition cuts both ways, a one-way cut one, and each ends", () => {
    const { queue, links, arrivals, send } = open();
    const partition = { kind: "partition", nodes: [0, 1] } as const;
    const oneWay = { kind: "one-way", from: [2], to: [0] } as const;
    links.begin(partition);
    expect([links.isOpen(0, 1), links.isOpen(0, 2), links.isOpen(2, 1), links.isOpen(2, 3)]).toEqual([true, false, false, true]);
    links.end(partition);
    links.begin(oneWay);
    send(2, 0);
    send(0, 2);
    queue.runUntil(START + 100);
    expect(arrivals).toHaveLength(1);
    links.end(oneWay);
    send(2, 0);
    queue.runUntil(START + 200);
    expect(arrivals).toHaveLength(2);
  });

  test("loss loses its share, duplication doubles its share", () => {
    for (const [kind, low, high] of [
      ["loss", 600, 800],
      ["duplicate", 1_200, 1_400],
    ] as const) {
      const { queue, links, arrivals, send } = open();
      links.begin({ kind, percent: 30 });
      send(0, 1, 1_000);
      queue.runUntil(START + 1_000);
      expect(arrivals.length).toBeGreaterThan(low);
      expect(arrivals.length).toBeLessThan(high);
    }
  });

  test("a clogged link holds everything until it is free", () => {
    const { queue, links, arrivals, send } = open();
    const clog = { kind: "clog", from: 0, to: 1 } as const;
    links.begin(clog);
    send(0, 1, 3);
    queue.runUntil(START + 500);
    expect(arrivals).toEqual([]);
    links.end(clog);
    queue.runUntil(START + 600);
    expect(arrivals).toEqual([505, 505, 505]);
  });

  test("slow links are slow by that much, reordered ones by up to it", () => {
    const { queue, links, arrivals, send } = open();
    links.begin({ kind: "slow", byMs: 1_000, nodes: [0] });
    links.begin({ kind: "reorder", byMs: 100 });
    send(0, 1, 200);
    queue.runUntil(START + 2_000);
    expect(Math.min(...arrivals)).toBeGreaterThanOrEqual(1_005);
    expect(Math.max(...arrivals)).toBeGreaterThan(1_100);
    expect(Math.max(...arrivals)).toBeLessThanOrEqual(1_140);
  });
});

describe("a disk", () => {
  const record = (round: number, byte: number) =>
    ({ kind: "round", round, configDigest: digestOf(1), digest: digestOf(byte) }) as const;

  test("keeps its promises, and forgets the last of them when it lied", () => {
    const disk = createDisk(() => START);
    expect(disk.record(record(1, 1))).toBe("recorded");
    expect(disk.record(record(2, 2))).toBe("recorded");
    expect(disk.record(record(2, 3))).toBe("conflict");
    expect(disk.lose(1)).toBe(1);
    expect(disk.store().signedAt("round", 1)?.digest).toBe(digestOf(1));
    expect(disk.store().signedAt("round", 2)).toBeUndefined();
    expect(disk.record(record(2, 3))).toBe("recorded");
  });

  test("an older copy comes back without what came after it", () => {
    const disk = createDisk(() => START);
    disk.record(record(1, 1));
    const copy = disk.copy();
    disk.record(record(2, 2));
    disk.record(record(3, 3));
    expect(disk.replace(copy)).toBe(2);
    expect(disk.store().newestSignedRound()).toBe(1);
  });

  test("takes nothing while it is full", () => {
    const disk = createDisk(() => START);
    disk.fill(true);
    expect(disk.record(record(1, 1))).toBeUndefined();
    disk.fill(false);
    expect(disk.record(record(1, 1))).toBe("recorded");
  });
});

describe("table signatures", () => {
  test("recover to their signer, and to nobody when anything is changed", () => {
    const scheme = createTableScheme([]);
    const { privateKey, address } = testKey(3);
    const [digest, other] = [fromHex(digestOf(5)), fromHex(digestOf(6))];
    const signature = scheme.sign(digest, privateKey);
    expect(signature).toBe(scheme.sign(digest, privateKey));
    expect(scheme.recover(digest, signature)).toBe(address);
    expect(scheme.recover(other, signature)).toBeUndefined();
    expect(scheme.recover(digest, `${signature.slice(0, -4)}001b` as typeof signature)).toBeUndefined();
    expect(createTableScheme([]).recover(digest, signature)).toBeUndefined();
    expect(scheme.sign(digest, testKey(4).privateKey)).not.toBe(signature);
  });
});

test("the trace's hash depends on every character and on the order", () => {
  const of = (...texts: string[]) => {
    const hash = createHash();
    for (const text of texts) hash.add(text);
    return hexOfHash(hash);
  };
  expect(of("a", "b")).toBe(of("a", "b"));
  expect(new Set([of("a", "b"), of("b", "a"), of("ab"), of("a"), of("", "ab")]).size).toBe(5);
});
