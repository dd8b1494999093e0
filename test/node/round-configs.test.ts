import { describe, expect, it } from "vitest";
import { createRoundMachine } from "../../node/round.ts";
import { encodeHello } from "../../node/wire.ts";
import { fromHex, ZERO_DIGEST } from "../../protocol/bytes.ts";
import { encodeCertificate } from "../../protocol/certificate.ts";
import { configDigest } from "../../protocol/config.ts";
import { roundDigest } from "../../protocol/eip712.ts";
import { encodeSignedObservation, signObservation } from "../../protocol/observation.ts";
import { digestOf, scheme } from "../support/network.ts";
import {
  certificatesOf,
  expectAllUnder,
  expectNoFault,
  firstUnder,
  keyAt,
  networkOf,
  propose,
  roundNow,
  running,
} from "./changes.ts";
import { GOVERNORS, reweighted, signBy } from "./council.ts";
import { certifiedBetween } from "./mini-network.ts";
import { gossip, leaveQuarantine, only } from "./one-node.ts";
import { toyFold } from "./toy-fold.ts";

describe("a change of config", () => {
  const longer = { leaseMs: 61_000 };

  it("handed to one node is taken in, waits for its time, and is in force at all nodes in one round", () => {
    const world = running({ seed: 71 });
    const before = world.network;
    const from = roundNow(world);
    const config = propose(world, longer);
    world.run(3);
    for (const { machine } of world.nodes) expect(machine?.governance().pending?.configDigest).toBe(configDigest(config));
    expect(networkOf(world, 0).configDigest).toBe(before.configDigest);
    world.run(8);
    expectAllUnder(world, config);
    const { round } = firstUnder(world, configDigest(config)).header;
    expect(round).toBeLessThanOrEqual(from + 8);
    const last = roundNow(world) - 1;
    expect(certifiedBetween(world, from, last)).toHaveLength(last - from + 1);
    for (const [at, { header }] of certificatesOf(world)) {
      expect(header.configDigest).toBe(at < round ? before.configDigest : configDigest(config));
      expect(header.validUntil - header.timestamp).toBe(at < round ? before.config.leaseMs : 61_000);
    }
    for (const { disk } of world.nodes) {
      expect(disk.transitions.map(({ certificate }) => certificate.header.round)).toEqual([round]);
    }
    expect(
      world
        .events("config-in-force")
        .map(({ node }) => node)
        .sort(),
    ).toEqual([0, 1, 2, 3]);
    expectNoFault(world);
  });

  it("whose content a node lost is asked for by its digest", () => {
    const world = running({ seed: 76 });
    const config = propose(world, { feeds: reweighted() }, { rounds: 30 });
    world.run(4);
    const node = world.node(3);
    expect(node.machine?.governance().pending?.configDigest).toBe(configDigest(config));
    world.stop(node);
    node.disk.documents.clear();
    const startedAt = world.now();
    world.start(node);
    world.run(3);
    const told = world.trace.filter((traced) => traced.node === 3 && traced.at >= startedAt && traced.output.kind === "config");
    expect(told.map(({ output }) => output.kind === "config" && output.pending)).toEqual([config]);
    expect(node.disk.documents.size).toBe(1);
    expectNoFault(world);
  });

  it("that only f nodes agree with stays out; f + 1 are enough", () => {
    const taken = [1, 2].map((agreeing) => {
      const world = running({ seed: 72, agrees: (node) => node < agreeing });
      propose(world, longer);
      world.run(4);
      return networkOf(world, 3).config.leaseMs === 61_000 || world.node(3).machine?.governance().pending !== undefined;
    });
    expect(taken).toEqual([false, true]);
  });

  it("that gives a feed other sources waits for shadows, which nobody here sends", () => {
    const world = running({ seed: 73 });
    const config = propose(world, { feeds: reweighted() }, { rounds: 5 });
    world.run(10);
    expect(world.node(0).machine?.governance().pending?.configDigest).toBe(configDigest(config));
    expect(networkOf(world, 0).configDigest).toBe(world.network.configDigest);
    const told = world.trace.flatMap(({ node, output }) => (node === 0 && output.kind === "config" ? [output.pending] : []));
    expect(told.at(-1)).toEqual(config);
  });

  it("is over for messages of before: the old digest is refused, whoever signs it", () => {
    const world = running({ seed: 74 });
    const before = world.network;
    propose(world, longer);
    world.run(10);
    const round = roundNow(world) + 1;
    const header = {
      ...firstUnder(world, networkOf(world, 0).configDigest).header,
      round,
      timestamp: round * 1_000,
      validUntil: round * 1_000 + before.config.leaseMs,
      configDigest: before.configDigest,
    };
    const hash = fromHex(roundDigest(before.domain, header));
    const signatures = world.keys
      .slice(0, 3)
      .map(({ address, privateKey }) => ({ signer: address, signature: scheme.sign(hash, privateKey) }));
    const bytes = encodeCertificate({ header, signatures });
    world.handle(world.node(0), { kind: "gossip", id: "old", topic: "certificate", from: world.node(1).address, bytes });
    const verdict = world.trace.findLast(({ output }) => output.kind === "verdict" && output.id === "old");
    expect(verdict?.output).toMatchObject({ verdict: "ignore", code: "other-config" });
    // Nor by a fetch: whoever names it as his head is asked for it.
    const want = { kind: "certificate", digest: roundDigest(before.domain, header) } as const;
    const from = world.node(1).address;
    const hello = encodeHello({ clock: world.now(), head: { round, digest: want.digest }, quarantine: false });
    world.handle(world.node(0), { kind: "hello", from, bytes: hello, sentAt: world.now(), receivedAt: world.now() });
    const asked = world.trace.findLast(({ node, output }) => node === 0 && output.kind === "fetch");
    expect(asked?.output).toMatchObject({ want, from });
    world.handle(world.node(0), { kind: "fetched", want, from, bytes });
    expect(world.node(0).machine?.serve(want)).toBeUndefined();
  });

  it("convicts nobody for words under two configs, and keeps no more of them", () => {
    const world = running({ seed: 77 });
    const config = propose(world, longer, { rounds: 30 });
    world.run(4);
    const round = roundNow(world);
    const heardFirst = world.node(0).machine?.governance().pending?.configDigest;
    expect(heardFirst).toBe(configDigest(config));
    const contents = { round, configDigest: configDigest(config), head: { round: 0, digest: ZERO_DIGEST } };
    const nothing = { entries: [], gauges: [], shadows: [], documents: [] };
    const signed = signObservation({ ...contents, ...nothing }, world.network.domain, { ...keyAt(world, 1), scheme });
    const bytes = encodeSignedObservation(signed);
    world.handle(world.node(0), { kind: "gossip", id: "two", topic: "observation", from: world.node(1).address, bytes });
    const verdict = world.trace.findLast(({ output }) => output.kind === "verdict" && output.id === "two");
    expect(verdict?.output).toMatchObject({ code: "surplus" });
    expect(world.trace.filter(({ output }) => output.kind === "evidence")).toEqual([]);
  });

  it("is not led in by who knows the way there and not the round that it stands on", () => {
    const world = running({ seed: 78 });
    const config = propose(world, longer);
    world.run(10);
    const machine = createRoundMachine({
      network: world.network,
      scheme,
      key: keyAt(world, 2),
      fold: toyFold,
      start: { head: undefined, guard: [], history: [], documents: [], transitions: world.node(2).disk.transitions },
    });
    expect(machine.network().configDigest).toBe(configDigest(config));
    const at = 1_000_000_100_000;
    leaveQuarantine(machine, 2, at);
    // Member 2 leads round 1 000 000 102.
    machine.handle({ kind: "tick" }, at + 2_000);
    const nothing = { entries: [], gauges: [], shadows: [], documents: [], head: { round: 0, digest: ZERO_DIGEST } };
    const contents = { round: 1_000_000_102, configDigest: configDigest(config), ...nothing };
    const outputs = [0, 1, 3].flatMap((index) => {
      const signed = signObservation(contents, world.network.domain, { ...keyAt(world, index), scheme });
      return machine.handle(gossip("observation", encodeSignedObservation(signed), index), at + 2_010);
    });
    outputs.push(...machine.handle({ kind: "tick" }, at + 2_400));
    expect(only(outputs, "verdict").map(({ code }) => code)).toEqual(["accepted", "accepted", "accepted"]);
    expect(only(outputs, "persist")).toEqual([]);
    expect(only(outputs, "event").filter(({ level }) => level !== "info")).toEqual([]);
  });

  it("is rolled back at once by the governors, to the one before and nothing else", () => {
    const world = running({ seed: 75 });
    const genesis = world.network;
    const config = propose(world, longer);
    world.run(10);
    expectAllUnder(world, config);
    const content = { kind: "rollback", from: configDigest(config), to: genesis.configDigest } as const;
    const elsewhere = { ...content, to: digestOf(9) } as const;
    expect(world.submit(1, signBy(genesis, GOVERNORS.slice(0, 3), elsewhere, 1).bytes)).toMatchObject({ code: "nothing" });
    expect(world.submit(1, signBy(genesis, GOVERNORS.slice(0, 3), content, 1).bytes)?.ok).toBe(true);
    const from = roundNow(world);
    world.run(5);
    expectAllUnder(world, genesis.config);
    expect(certifiedBetween(world, from, from + 4)).toHaveLength(5);
    for (const { disk } of world.nodes) expect(disk.transitions).toHaveLength(2);
    expectNoFault(world);
  });
});
