import { describe, expect, it } from "vitest";
import { createChain, WALK_ROUNDS } from "../../node/chain.ts";
import { EVENT_LEVELS } from "../../node/events.ts";
import { FOLD } from "../../node/fold.ts";
import type { ChainLink } from "../../node/machine.ts";
import { ZERO_DIGEST } from "../../protocol/bytes.ts";
import { digestOf } from "../support/network.ts";
import { certifiedBetween, createWorld, emptyDisk } from "./mini-network.ts";

const FIRST = 1_000_000_000;

function link(round: number, parent: number, name = round): ChainLink {
  return { round, digest: digestOf(name), parent: parent === 0 ? ZERO_DIGEST : digestOf(parent) };
}

describe("the walk back from the head", () => {
  it("knows no gap along parents", () => {
    const chain = createChain([]);
    expect([link(1, 0), link(2, 1), link(4, 2)].flatMap((item) => chain.add(item, true))).toEqual([]);
    expect(chain.missing()).toBeUndefined();
  });

  it("names the first missing ancestor, and the next when that one is here", () => {
    const chain = createChain([link(1, 0)]);
    chain.add(link(1, 0), true);
    chain.add(link(5, 4), true);
    expect(chain.missing()).toBe(digestOf(4));
    chain.add(link(4, 3), false);
    expect(chain.missing()).toBe(digestOf(3));
    chain.add(link(3, 1), false);
    expect(chain.missing()).toBeUndefined();
  });

  it("marks what it passes by, once, and unmarks it when a newer head descends from it after all", () => {
    const chain = createChain([]);
    chain.add(link(1, 0), true);
    chain.add(link(2, 1), true);
    expect(chain.add(link(3, 1), true)).toEqual([{ round: 2, digest: digestOf(2), orphan: true }]);
    expect(chain.add(link(4, 3), true)).toEqual([]);
    expect(chain.add(link(5, 2), true)).toEqual([
      { round: 2, digest: digestOf(2), orphan: false },
      { round: 3, digest: digestOf(3), orphan: true },
      { round: 4, digest: digestOf(4), orphan: true },
    ]);
  });

  it("does not judge what lies below a gap until the gap is filled", () => {
    const chain = createChain([]);
    chain.add(link(1, 0), true);
    chain.add(link(2, 1), true);
    expect(chain.add(link(5, 4), true)).toEqual([]);
    expect(chain.add(link(4, 1), false)).toEqual([{ round: 2, digest: digestOf(2), orphan: true }]);
  });

  it("a certificate that arrives after a newer one is judged like any other", () => {
    const chain = createChain([]);
    chain.add(link(1, 0), true);
    chain.add(link(3, 1), true);
    expect(chain.add(link(2, 1), false)).toEqual([{ round: 2, digest: digestOf(2), orphan: true }]);
  });

  it("asks for nothing beyond its bound", () => {
    const chain = createChain([]);
    chain.add({ round: WALK_ROUNDS + 10, digest: digestOf(1), parent: digestOf(2) }, true);
    chain.add({ round: 11, digest: digestOf(2), parent: digestOf(3) }, false);
    expect(chain.missing()).toBe(digestOf(3));
    chain.add({ round: 10, digest: digestOf(3), parent: digestOf(4) }, false);
    expect(chain.missing()).toBeUndefined();
  });
});

describe("with the real fold", () => {
  it("the network certifies, a node that lost its store catches up by bodies alone, and all agree", () => {
    const world = createWorld({ n: 4, seed: 51, fold: FOLD });
    world.startAll();
    world.run(8);
    const node = world.node(1);
    world.stop(node);
    node.disk = emptyDisk();
    world.run(3);
    world.start(node);
    world.run(6);
    expect(certifiedBetween(world, FIRST + 13, FIRST + 16)).toHaveLength(4);
    expect(new Set(world.nodes.map(({ machine }) => machine?.status().head.digest)).size).toBe(1);
    expect(node.disk.rounds.size).toBe(world.node(0).disk.rounds.size);
    expect(world.events("internal-fault")).toEqual([]);
  });
});

describe("events", () => {
  it("an ancestor that nobody has stops the walk back for a while, the round not", () => {
    const world = createWorld({ n: 4, seed: 52, serves: ({ from, want }) => !(from === 1 && want.kind === "certificate") });
    world.startAll();
    world.run(8);
    const node = world.node(1);
    world.stop(node);
    node.disk = emptyDisk();
    world.start(node);
    world.run(16);
    expect(world.events("backfill-stopped").map((event) => event.node)).toEqual([1]);
    expect(node.machine?.status().head.round).toBe(FIRST + 23);
    // It rests for a minute before it asks again.
    const stoppedAt = world.events("backfill-stopped")[0]?.at ?? 0;
    const later = world.trace.filter(({ node: at, at: when }) => at === 1 && when > stoppedAt).map(({ output }) => output);
    expect(later.filter((output) => output.kind === "fetch" && output.want.kind === "certificate")).toEqual([]);
    expect(EVENT_LEVELS["backfill-stopped"]).toBe("warn");
  });

  it("a leader without a quorum says so when its round is over", () => {
    const world = createWorld({ n: 4, seed: 53, deliver: ({ topic }) => topic !== "observation" });
    world.startAll();
    world.run(5);
    expect(world.events("no-quorum").map(({ node, fields }) => [node, fields.round, fields.observations])).toEqual([
      [2, FIRST + 2, 1],
      [3, FIRST + 3, 1],
      [0, FIRST + 4, 1],
    ]);
  });
});
