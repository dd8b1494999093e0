import { describe, expect, it } from "vitest";
import { certifiedBetween, copyDisk, createWorld, emptyDisk, type World } from "./mini-network.ts";

/** The round in which every world starts; the first to be signed is two later. */
const FIRST = 1_000_000_000;

function headsOf({ nodes }: World): ReadonlySet<string> {
  return new Set(nodes.map(({ machine }) => machine?.status().head.digest ?? "down"));
}

function expectNoFault(world: World): void {
  expect(world.events("internal-fault")).toEqual([]);
  expect(world.events("key-used-elsewhere")).toEqual([]);
  expect(world.events("guard-refused")).toEqual([]);
}

/** Rounds of the span that none of these nodes led. */
function roundsNotLedBy(world: World, led: readonly number[], first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
    (round) => !led.includes(world.leaderOf(round)),
  );
}

describe("a healthy network", () => {
  it.each([4, 7])("of %i certifies every round after the quarantine, and all agree", (n) => {
    const world = createWorld({ n, seed: n });
    world.startAll();
    world.run(30);
    expect(certifiedBetween(world, FIRST, FIRST + 29)).toEqual(roundsNotLedBy(world, [], FIRST + 2, FIRST + 29));
    expect(headsOf(world).size).toBe(1);
    expect(world.events("sibling-certificate")).toEqual([]);
    expect(world.events("fetch-abandoned")).toEqual([]);
    for (const node of world.nodes) expect(node.disk.rounds.size).toBe(28);
    expectNoFault(world);
  });

  it("takes clocks that differ by less than maxSkewMs", () => {
    const world = createWorld({ n: 4, seed: 3, skewsMs: [0, 90, -90, 60] });
    world.startAll();
    world.run(20);
    expect(certifiedBetween(world, FIRST + 4, FIRST + 18)).toHaveLength(15);
    expectNoFault(world);
  });
});

describe("crashes", () => {
  it("a crashed node costs the rounds that it leads, nothing else", () => {
    const world = createWorld({ n: 4, seed: 5 });
    world.startAll();
    world.run(6);
    world.stop(world.node(2));
    world.run(24);
    expect(certifiedBetween(world, FIRST + 6, FIRST + 28)).toEqual(roundsNotLedBy(world, [2], FIRST + 6, FIRST + 28));
    expectNoFault(world);
  });

  it("without a quorum nothing is certified; when it is back the network goes on, after a quarantine", () => {
    const world = createWorld({ n: 4, seed: 6 });
    world.startAll();
    world.run(6);
    world.stop(world.node(0));
    world.stop(world.node(1));
    world.run(10);
    expect(certifiedBetween(world, FIRST + 6, FIRST + 15)).toEqual([]);
    world.start(world.node(0));
    world.start(world.node(1));
    world.run(10);
    expect(certifiedBetween(world, FIRST + 18, FIRST + 25)).toHaveLength(8);
    expect(headsOf(world).size).toBe(1);
    expectNoFault(world);
  });

  it.each([
    ["its store", (world: World) => copyDisk(world.node(1).disk)],
    ["an older copy of its store", (_: World, old: ReturnType<typeof copyDisk>) => old],
    ["an empty store", () => emptyDisk()],
  ])("a node restarted at once with %s signs nothing twice and catches up, history included", (_, diskOf) => {
    const world = createWorld({ n: 4, seed: 7 });
    world.startAll();
    world.run(8);
    const old = copyDisk(world.node(1).disk);
    world.run(8);
    const node = world.node(1);
    const disk = diskOf(world, old);
    world.stop(node);
    node.disk = disk;
    world.start(node);
    world.run(10);
    // The world itself throws when one key signs two digests of a kind and round.
    expect(node.machine?.status()).toMatchObject({ phase: "running", firstRound: FIRST + 18 });
    expect(world.published.has(`${node.address} round ${FIRST + 19}`)).toBe(true);
    expect(headsOf(world).size).toBe(1);
    expect(node.disk.rounds.size).toBe(world.node(0).disk.rounds.size);
    expectNoFault(world);
  });

  it("a node that starts alone stays in quarantine, following nobody", () => {
    const world = createWorld({ n: 4, seed: 8 });
    world.start(world.node(0));
    world.run(5);
    expect(world.node(0).machine?.status().phase).toBe("quarantine");
    expect(world.published.size).toBe(0);
    expect(world.events("quarantine-waits").map(({ fields }) => fields)).toEqual([
      { heard: 1, needed: 3 },
      { heard: 1, needed: 3 },
      { heard: 1, needed: 3 },
    ]);
  });

  it("a node whose clock is off stays in quarantine, says what to do, and follows without signing", () => {
    const world = createWorld({ n: 4, seed: 9, skewsMs: [0, 0, 0, -900] });
    world.startAll();
    world.run(10);
    const node = world.node(3);
    expect(node.machine?.status()).toMatchObject({ phase: "quarantine", head: { round: FIRST + 9 } });
    expect([...world.published.keys()].filter((key) => key.startsWith(node.address))).toEqual([]);
    const [event] = world.events("clock-off");
    expect(event).toMatchObject({ node: 3, fields: { offsetMs: expect.closeTo(900, -2), limitMs: 250 } });
    expect(event?.fields.advice).toContain("clock forward");
    node.clockOffsetMs = 0;
    world.run(10);
    expect(node.machine?.status().phase).toBe("running");
  });
});

describe("what is missing is fetched", () => {
  it("a node that gets no observations by gossip fetches what proposals name, and signs", () => {
    const world = createWorld({ n: 4, seed: 10, deliver: ({ topic, to }) => !(topic === "observation" && to === 3) });
    world.startAll();
    world.run(14);
    for (const round of roundsNotLedBy(world, [3], FIRST + 3, FIRST + 12)) {
      expect(world.published.has(`${world.node(3).address} round ${round}`)).toBe(true);
    }
    expect(
      world.trace.some(({ node, output }) => node === 3 && output.kind === "fetch" && output.want.kind === "observation"),
    ).toBe(true);
    expectNoFault(world);
  });

  it("a certificate that only its leader could assemble and does not announce is fetched by its head, and nothing halts", () => {
    const hidden = FIRST + 6;
    const world = createWorld({
      n: 4,
      seed: 11,
      deliver: ({ topic, to, round, at }) => {
        if (topic === "signature" && round === hidden) return to === hidden % 4;
        return !(topic === "certificate" && at < (hidden + 1) * 1_000 && at >= hidden * 1_000);
      },
    });
    world.startAll();
    world.run(12);
    expect(certifiedBetween(world, FIRST + 2, FIRST + 11)).toHaveLength(10);
    expect(headsOf(world).size).toBe(1);
    for (const node of world.nodes) expect(node.disk.rounds.size).toBe(10);
    const fetched = world.trace.filter(({ output }) => output.kind === "fetch" && output.want.kind === "certificate");
    expect(fetched.length).toBeGreaterThan(0);
    // Whoever signed the hidden round kept its body, so no body had to be fetched.
    expect(world.trace.some(({ output }) => output.kind === "fetch" && output.want.kind === "body")).toBe(false);
    expectNoFault(world);
  });

  it("a head that nobody serves is left out, and the others go on", () => {
    const hidden = FIRST + 6;
    const liar = hidden % 4;
    const world = createWorld({
      n: 4,
      seed: 12,
      deliver: ({ topic, to, round, at }) => {
        if (topic === "signature" && round === hidden) return to === liar;
        return !(topic === "certificate" && at < (hidden + 1) * 1_000 && at >= hidden * 1_000);
      },
      serves: ({ to }) => to !== liar,
    });
    world.startAll();
    world.run(14);
    expect(world.events("left-out").length).toBeGreaterThan(0);
    // The other three are a quorum; once they have a newer head, the liar follows it, and leads again in its turn.
    expect(certifiedBetween(world, hidden + 1, FIRST + 13)).toHaveLength(7);
    expect(headsOf(world).size).toBe(1);
    // The hidden certificate is off the walk back from the newest: the liar itself finds its own head orphaned.
    expect(world.events("sibling-certificate").map(({ node, fields }) => [node, fields.round])).toEqual([[liar, hidden]]);
    expectNoFault(world);
  });
});

describe("any weather", () => {
  it.each([21, 22, 23, 24, 25, 26])(
    "seed %i: losses, restarts and lost stores break no law, and a healed network progresses",
    (seed) => {
      let stormy = true;
      const world = createWorld({
        n: seed % 2 === 0 ? 4 : 7,
        seed,
        delayMs: [2, 60],
        deliver: (_, random) => !stormy || random() > 0.15,
        serves: () => true,
      });
      world.startAll();
      world.run(8);
      const victim = world.node(seed % world.nodes.length);
      world.stop(victim);
      if (seed % 3 === 0) victim.disk = emptyDisk();
      world.run(2);
      world.start(victim);
      world.run(8);
      stormy = false;
      world.run(4);
      const healed = FIRST + 22;
      world.run(8);
      expect(certifiedBetween(world, healed, healed + 7)).toHaveLength(8);
      expect(headsOf(world).size).toBe(1);
      expectNoFault(world);
    },
  );

  it("the same seed gives the same trace", () => {
    const traceOf = () => {
      const world = createWorld({ n: 4, seed: 31, deliver: (_, random) => random() > 0.1 });
      world.startAll();
      world.run(8);
      return world.trace.map(({ at, node, output }) => `${at} ${node} ${output.kind}`);
    };
    expect(traceOf()).toEqual(traceOf());
  });
});

describe("a key in two places", () => {
  it("stops both processes for good; what the second saw in its quarantine was a lost record", () => {
    const world = createWorld({ n: 4, seed: 41, clonesOf: [2] });
    for (const index of [0, 1, 2, 3]) world.start(world.node(index));
    world.run(6);
    world.start(world.node(4));
    world.run(6);
    expect(world.node(2).machine?.status().phase).toBe("halted");
    expect(world.node(4).machine?.status().phase).toBe("halted");
    expect(
      world
        .events("key-used-elsewhere")
        .map(({ node }) => node)
        .sort(),
    ).toEqual([2, 4]);
    expect(world.events("lost-record").every(({ node }) => node === 4)).toBe(true);
    expect(world.events("lost-record").length).toBeGreaterThan(0);
    const evidence = world.trace.flatMap(({ output }) => (output.kind === "evidence" ? [output.evidence] : []));
    expect(new Set(evidence.map(({ signer }) => signer))).toEqual(new Set([world.node(2).address]));
    const from = FIRST + 12;
    world.run(6);
    const signed = [...world.published.keys()].filter((key) => key.startsWith(world.node(2).address));
    expect(signed.filter((key) => Number(key.split(" ")[2]) >= from)).toEqual([]);
    // The other three go on, and both stopped processes follow them.
    expect(certifiedBetween(world, from, FIRST + 17)).toEqual(roundsNotLedBy(world, [2], from, FIRST + 17));
    expect(headsOf(world).size).toBe(1);
  });
});
