import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEventQueue } from "../../../simulator/cluster/events.ts";
import { createRandom } from "../../../simulator/random.ts";
import { scaleCosts, workAt } from "../../../simulator/wan/costs.ts";
import { createLatencies } from "../../../simulator/wan/latencies.ts";
import { drawMesh, PRODUCTION_MESH } from "../../../simulator/wan/mesh.ts";
import { createProcessor } from "../../../simulator/wan/processor.ts";
import { REGIONS, regionOf, rttMs, WITHIN_REGION_MS } from "../../../simulator/wan/regions.ts";

describe("regions", () => {
  test("every pair has one round-trip time, whichever is named first", () => {
    for (const a of REGIONS) {
      for (const b of REGIONS) {
        expect(rttMs(a, b)).toBe(rttMs(b, a));
        expect(rttMs(a, b) === WITHIN_REGION_MS).toBe(a === b);
      }
    }
    expect(rttMs("Sydney", "Frankfurt")).toBe(251);
  });

  test("31 members are 7, 6, 6, 6 and 6", () => {
    const members = Array.from({ length: 31 }, (_, node) => regionOf(node));
    expect(REGIONS.map((region) => members.filter((other) => other === region).length)).toEqual([7, 6, 6, 6, 6]);
  });
});

describe("a mesh", () => {
  test("links hold both ways; nobody has more than D_hi, and nobody fewer than D_lo while there is anybody to graft", () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 40 }), fc.integer({ min: 0, max: 1_000 }), (nodes, seed) => {
        const mesh = drawMesh(nodes, PRODUCTION_MESH, createRandom(seed, "mesh"));
        mesh.forEach((peers, node) => {
          expect(peers).not.toContain(node);
          expect(peers.length).toBeLessThanOrEqual(PRODUCTION_MESH.high);
          expect(peers.length).toBeGreaterThanOrEqual(Math.min(PRODUCTION_MESH.low, nodes - 1));
          for (const peer of peers) expect(mesh[peer]).toContain(node);
        });
      }),
    );
  });
});

describe("a processor", () => {
  test("one thing after the other; what follows from a job comes before what waits, after what the job is charged", () => {
    const queue = createEventQueue(0);
    const processor = createProcessor(queue);
    const done: [string, number][] = [];
    const mark = (name: string) => () => done.push([name, queue.now()]);
    processor.run(10, () => {
      mark("round")();
      processor.charge(100);
      processor.next(5, mark("first copy"));
      processor.next(5, mark("second copy"));
    });
    processor.run(7, mark("waits"));
    queue.runUntil(1_000);
    expect(done).toEqual([
      ["round", 10],
      ["first copy", 115],
      ["second copy", 120],
      ["waits", 127],
    ]);
    expect(processor.worked()).toBe(127);
  });

  test("work of a timer delays what comes after it", () => {
    const queue = createEventQueue(0);
    const processor = createProcessor(queue);
    let at = 0;
    processor.charge(50);
    processor.run(1, () => {
      at = queue.now();
    });
    queue.runUntil(100);
    expect(at).toBe(51);
  });
});

test("costs grow with feeds, observations and quorum as they were measured", () => {
  const units = {
    hashKiB: 2,
    sealKiB: 1,
    judgeEntry: 3,
    recover: 5,
    sign: 7,
    foldEntry: 11,
    foldFeed: 13,
    sampleFeed: 17,
    observeFeed: 19,
    keepEntry: 23,
    keepFeed: 29,
  };
  const work = workAt(units, { feeds: 10, quorum: 3 });
  expect(work.send(2_048)).toBe(2);
  expect(work.receive(2_048)).toBe(6);
  expect(work.judge("observation")).toBe(35);
  expect(work.judge("proposal")).toBe(20);
  expect(work.judge("signature")).toBe(5);
  expect(work.judge("certificate")).toBe(15);
  expect(work.fold(4)).toBe(11 * 40 + 13 * 10);
  expect(work.observe).toBe(367);
  expect(work.keep(4)).toBe(23 * 40 + 29 * 10);
  expect(work.recompute(4)).toBe(4 * 35 + 570);
  expect(workAt(scaleCosts(units, 0.5), { feeds: 10, quorum: 3 }).fold(4)).toBe(570 / 2);
});

test("latencies: first, median and last node of each round, and the longest time without", () => {
  const latencies = createLatencies({ nodes: 3, first: 100, rounds: 4, roundMs: 1_000 });
  latencies.onHeld(0, 99, 99_500);
  latencies.onHeld(0, 100, 100_400);
  latencies.onHeld(1, 100, 100_500);
  latencies.onHeld(2, 100, 101_900);
  latencies.onHeld(1, 103, 103_600);
  latencies.onHeld(1, 103, 103_700);
  latencies.onHeld(2, 103, 103_800);
  expect(latencies.read()).toEqual({
    rounds: 4,
    certified: 2,
    everywhere: 1,
    first: [400, 600],
    median: [500, 800],
    last: [1_900],
    longestGap: 2,
  });
});
